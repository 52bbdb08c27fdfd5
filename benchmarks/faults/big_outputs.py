"""R15: items fail over outputs of megabytes: little on the screen, and not all in memory."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.bench import Bench, Line, at_most, exactly
from benchmarks.faults._evals import outcomes
from benchmarks.project import Project

_BY_EXPECTATION = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="bench")
async def test_{0}(case, llm):
    reply = await llm(case.input)
    expect(reply).to(contains("absent"))
"""

_BY_ASSERT = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="bench")
async def test_{0}(case, llm):
    reply = await llm(case.input)
    assert "absent" in reply.text
"""

_BY_ECHO = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="bench")
async def test_{0}(case, llm):
    reply = await llm(case.input)
    print(reply.text[:100])
    expect(reply.text).to(contains("absent"))
    raise ValueError(reply.text)
"""


def run(bench: Bench) -> Iterator[Line]:
    ways = {"expect": _BY_EXPECTATION, "assert": _BY_ASSERT, "raise": _BY_ECHO}
    for name, body in ways.items():
        yield from _shown(bench, name, body, cases=4 if bench.quick else 10)
    cases = bench.items if not bench.quick else 50
    yield from _shown(bench, "many", _BY_EXPECTATION, cases=cases, size=1_000_000)


def _shown(
    bench: Bench, name: str, body: str, *, cases: int, size: int = 10_000_000
) -> Iterator[Line]:
    server = bench.server
    server.set(latency=0.01, size=size)
    evals = Project(bench.fresh("big"), server.url, body, cases)
    used = evals.run(concurrency=min(bench.concurrency, 200_000_000 // size), codes=(1,))
    what = f"R15 {cases} x {size // 1_000_000} MB, {name}"
    yield exactly(f"{what}: failed", outcomes(evals)["failed"], cases)
    each = len(used.said) / cases / 1000
    yield at_most(f"{what}: terminal a case", each, 4, "kB")
    yield at_most(f"{what}: memory", used.peak, 600, "MiB", f"{used.wall:.1f} s")
