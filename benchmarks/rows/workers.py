"""The same results with and without xdist."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import project
from benchmarks.bench import Bench, Line, exactly
from benchmarks.project import Project

__all__ = ["MODES", "dist"]

MODES = ("load", "loadscope", "loadfile", "loadgroup", "worksteal", "each")


def dist(bench: Bench) -> Iterator[Line]:
    """Two workers under each way to share the items out, against one process."""
    server, count = bench.server, max(10, bench.items * 3 // 10)
    server.set(latency=bench.latency)
    evals = Project(bench.fresh("dist"), server.url, project.LLM, count)
    alone = evals.run(concurrency=bench.concurrency)
    expected = evals.results()
    for mode in MODES:
        server.set(latency=bench.latency)
        used = evals.run("-n2", f"--dist={mode}", concurrency=bench.concurrency)
        detail = f"{used.wall:.2f} s, one process {alone.wall:.2f} s"
        stats = server.stats()
        yield exactly(f"dist {mode}: calls made", stats["calls"], count, detail)
        pairs = zip(evals.results(), expected, strict=False)
        same = sum(one == other for one, other in pairs)
        yield exactly(f"dist {mode}: records as in one process", same, count)
        yield _within(f"dist {mode}: calls in flight", stats["max_in_flight"], bench.concurrency)


def _within(what: str, value: int, bound: int) -> Line:
    return Line(what=what, measured=str(value), bound=f"<= {bound}", ok=value <= bound)
