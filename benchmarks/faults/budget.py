"""R20: a budget runs out: no further call starts, those in flight settle, what there is is kept."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import project
from benchmarks.bench import Bench, Line
from benchmarks.faults._evals import records
from benchmarks.project import Project

#: 12 input and 6 output tokens at one dollar a million: what the server answers, priced.
_CALL = 18e-6


def run(bench: Bench) -> Iterator[Line]:
    allowed = bench.items // 5
    by_cost = f"--ailoop-max-cost={allowed * _CALL:.9f}"
    for workers in (1, 2) if bench.quick else (1, 8):
        further = [] if workers == 1 else [f"-n{workers}"]
        name = f"{workers} process{'es' if workers > 1 else ''}"
        yield from _spent(
            bench, f"calls, {name}", allowed, 0, f"--ailoop-max-calls={allowed}", *further
        )
        yield from _spent(bench, f"cost, {name}", allowed, bench.concurrency, by_cost, *further)


def _spent(
    bench: Bench, name: str, allowed: int, over: int, limit: str, *further: str
) -> Iterator[Line]:
    server = bench.server
    evals = Project(bench.fresh("budget"), server.url, project.LLM, bench.items)
    server.set(latency=bench.latency)
    used = evals.run(limit, *further, concurrency=bench.concurrency, codes=(1, 2))
    calls, kept = server.stats()["calls"], records(evals)
    passed = sum(one["outcome"] == "passed" for one in kept)
    yield Line(
        what=f"R20 budget of {name}",
        measured=f"{calls} calls",
        bound=f"<= {allowed + over}",
        ok=allowed - bench.concurrency <= calls <= allowed + over,
        detail=f"{limit}, {used.wall:.1f} s",
    )
    told = "incomplete" in used.said
    yield Line(
        what=f"R20 budget of {name}: kept",
        measured=f"{passed} passed",
        bound=f"= {calls}",
        ok=passed == calls and told,
        detail="told as incomplete" if told else "not told as incomplete",
    )
