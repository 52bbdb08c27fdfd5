"""Our own work on items whose replies are there already, against as many plain items."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import project
from benchmarks.bench import Bench, Line, at_most, exactly
from benchmarks.measure import Pair, paired, run
from benchmarks.project import Project, plain_command

__all__ = ["cached", "replay"]


def cached(bench: Bench) -> Iterator[Line]:
    """The second run: every reply comes out of the cache."""
    pair, calls = _again(bench, "cached", plain_imports="")
    ours, other = (one / bench.items * 1000 for one in pair.median("wall"))
    each = pair.difference("wall") / bench.items * 1000
    work = pair.difference("cpu") / bench.items * 1000
    detail = f"{ours:.2f} ms in all, plain pytest {other:.2f} ms; CPU {work:.2f} ms over it"
    yield at_most("cached: wall an item over plain pytest", each, 1.0, "ms", detail)
    yield exactly("cached: calls", calls, 0)


def replay(bench: Bench) -> Iterator[Line]:
    """A run by committed recordings alone, as in CI; both sides import openai."""
    imports = "import openai\nimport openai.types.chat"
    pair, calls = _again(bench, "replay", "record", "replay", plain_imports=imports)
    each = pair.difference("cpu") / bench.items * 1000
    yield at_most("replay: CPU an item over plain pytest", each, 1.5, "ms", "openai in both")
    yield exactly("replay: calls", calls, 0)


def _again(bench: Bench, name: str, *modes: str, plain_imports: str) -> tuple[Pair, int]:
    """Measure runs after a first one; *modes* are those of the first one and of the others."""
    server, count = bench.server, bench.items
    first, then = (f"--ailoop-replies={mode}" for mode in modes or ("auto", "auto"))
    server.set(latency=0.0)
    head = f"\n{plain_imports}\n" if plain_imports else ""
    evals = Project(bench.fresh(name), server.url, head + project.LLM, count)
    plain = plain_command(evals.folder, count, plain_imports)
    evals.run(first, concurrency=bench.concurrency)
    server.set(latency=0.0)
    pair = paired(
        lambda: evals.run(then, concurrency=bench.concurrency, again=True),
        lambda: run(plain, evals.folder),
        bench.rounds,
        warm=bench.warm,
    )
    return pair, server.stats()["calls"]
