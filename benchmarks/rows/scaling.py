"""Wall and memory from a thousand items to a hundred thousand; takes minutes."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator

from benchmarks import project
from benchmarks.bench import Bench, Line, at_most
from benchmarks.measure import Pair, Used, paired, run
from benchmarks.project import Project, plain_command, run_bare

__all__ = ["scaling"]

_LATENCY = 0.001


def scaling(bench: Bench) -> Iterator[Line]:
    """What one more item costs between each two sizes; growth shows that it is not linear."""
    bench.server.set(latency=_LATENCY)
    found: list[tuple[int, float, float]] = []
    for size in bench.sizes:
        pair = _measure(bench, size)
        ours, bare = pair.median("wall")
        peak = statistics.median(one.peak for one in pair.ours)
        found.append((size, ours, peak))
        yield Line(
            what=f"scaling: {size:,} items",
            measured=f"{pair.ratio('wall'):.2f} x",
            detail=f"{ours:.1f} s, {peak:.0f} MiB, bare {bare:.1f} s, "
            f"{pair.median('peak')[1]:.0f} MiB",
        )
    largest = found[-1][0]
    plain = _plain(bench, largest)
    detail = f"plain pytest with as many parametrized tests takes {plain.peak:.0f} MiB"
    yield at_most(f"scaling: memory at {largest:,}", found[-1][2], 400, "MiB", detail)
    yield from _slopes(found)


def _plain(bench: Bench, size: int) -> Used:
    folder = bench.fresh("plain")
    return run(plain_command(folder, size), folder)


def _measure(bench: Bench, size: int) -> Pair:
    evals = Project(bench.fresh("scaling"), bench.server.url, project.LLM, size)
    return paired(
        lambda: evals.run(concurrency=bench.concurrency),
        lambda: run_bare(evals.folder, "chat", bench.server.url, size, bench.concurrency),
        bench.rounds if size <= 1000 else 1,
        warm=bench.warm and size <= 1000,
    )


def _slopes(found: list[tuple[int, float, float]]) -> Iterator[Line]:
    """The cost of one more item in the last span by that in the first."""
    if len(found) < 3:
        return
    for name, place, unit in (("wall", 1, "ms"), ("memory", 2, "KiB")):
        factor = 1000 if place == 1 else 1024
        each = [
            (right[place] - left[place]) / (right[0] - left[0]) * factor
            for left, right in itertools.pairwise(found)
        ]
        detail = ", then ".join(f"{one:.3f}" for one in each) + f" {unit} an item more"
        yield at_most(f"scaling: {name}, slope ratio", each[-1] / each[0], 1.25, "x", detail)
