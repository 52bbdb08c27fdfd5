"""What the plugin costs before any eval runs, each against plain pytest."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.bench import Bench, Line, at_most
from benchmarks.measure import paired, run
from benchmarks.project import ALONE, PYTEST, Project, plain_command

__all__ = ["collection", "idle"]

_COLLECT = """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_{0}(case):
    assert case
"""


def idle(bench: Bench) -> Iterator[Line]:
    """One trivial test, the plugin installed and unused, against the same without it."""
    folder = bench.fresh("idle")
    (folder / "test_one.py").write_text("def test_one():\n    pass\n", encoding="utf-8")
    pair = paired(
        lambda: run([*PYTEST, *ALONE], folder),
        lambda: run([*PYTEST, *ALONE, "-p", "no:ailoop"], folder),
        bench.rounds,
        warm=bench.warm,
    )
    more = pair.difference("cpu") * 1000
    yield at_most("idle: CPU over plain pytest", more, 15, "ms")


def collection(bench: Bench) -> Iterator[Line]:
    """Collection of many cases from a JSONL file, against as many plain parametrized items."""
    count = bench.items * 10
    folder = bench.fresh("collection")
    evals = Project(folder, bench.server.url, _COLLECT, count).command("--collect-only", "-qq")
    plain = [*plain_command(folder, count), "--collect-only", "-qq"]
    pair = paired(
        lambda: run(evals, folder), lambda: run(plain, folder), bench.rounds, warm=bench.warm
    )
    first, second = pair.median("cpu")
    detail = f"{first:.2f} s, plain {second:.2f} s CPU"
    yield at_most(f"collection of {count:,} items", pair.ratio("cpu"), 2, "x", detail)
