"""R3: three of ten requests meet 429, 500, 503, 529 or a reset; every case must still finish."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import project
from benchmarks.bench import Bench, Line, at_most, exactly
from benchmarks.faults._evals import outcomes
from benchmarks.project import Project

_KINDS = ("429", "500", "503", "529", "reset")


def run(bench: Bench) -> Iterator[Line]:
    server, count = bench.server, bench.items
    evals = Project(bench.fresh("mix"), server.url, project.LLM, count)
    server.set(latency=bench.latency)
    clean = evals.run(concurrency=bench.concurrency)
    server.set(latency=bench.latency, shares=dict.fromkeys(_KINDS, 0.06), seed=3)
    foul = evals.run(concurrency=bench.concurrency, codes=(0, 1))
    stats, finished = server.stats(), outcomes(evals)
    detail = ", ".join(f"{kind} {number}" for kind, number in sorted(stats["faults"].items()))
    yield exactly("R3 mix: cases finished", finished["passed"], count, detail)
    extra = (stats["calls"] - count) / count * 100
    yield at_most("R3 mix: extra calls", extra, 60, "%")
    detail = f"{foul.wall:.1f} s, clean {clean.wall:.1f} s"
    yield at_most("R3 mix: wall by clean", foul.wall / clean.wall, 2.5, "x", detail)
