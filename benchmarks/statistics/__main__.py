"""Error rates of the verdicts over all numbers of pairs: `python -m benchmarks.statistics`.

Prints a line for each bound: what was measured, the bound, whether it is kept. Takes minutes; with
`--quick` every tenth number of pairs. Needs the `test` group (numpy, scipy).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.statistics import early, exact, means
from benchmarks.statistics.exact import Rule
from pytest_ailoop.data.verdict import Pair
from pytest_ailoop.gates.verdicts import compare_pairs, holm_regressed
from pytest_ailoop.stats.paired import WEIGHT

Line = tuple[str, float, float]
Make = Callable[[int, float], Rule]


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 where a bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every tenth number of pairs")
    sizes = range(10, 251, 10 if parser.parse_args(arguments).quick else 1)
    missed = 0
    for what, measured, bound in lines(sizes):
        kept = measured <= bound
        missed += not kept
        print(f"{what:<84}{measured:>8.4f}  <= {bound:<7}{'ok' if kept else 'MISSED'}", flush=True)
    print(f"{missed} missed")
    return int(bool(missed))


def lines(sizes: range) -> Iterator[Line]:
    """Yield what was measured, with its bound."""
    yield from _pairs("one trial (Tango, exact p)", exact.tango, sizes, (0.05, 0.05, 0.072, 0.072))
    graded = f"graded (pseudo-pair t, w = {WEIGHT:g})"
    yield from _pairs(graded, exact.pseudo_pairs, sizes, (0.05, 0.053, 0.079, 0.079))
    yield from means.lines()
    yield from early.lines(sizes)
    yield from _speed()


def _pairs(
    name: str, make: Make, sizes: range, bounds: tuple[float, float, float, float]
) -> Iterator[Line]:
    rules = [make(n, margin) for n in sizes for margin in exact.MARGINS]
    figures = (
        ("false alarm, at most half discordant", exact.false_alarm, 0.5),
        ("false alarm, any discordance", exact.false_alarm, 1.0),
        ("miss, at most half discordant", exact.miss, 0.5),
        ("miss, any discordance", exact.miss, 1.0),
    )
    for (what, measure, most), bound in zip(figures, bounds, strict=True):
        worst = max(rules, key=lambda rule: measure(rule, most))
        where = f"n = {worst.n}, margin {worst.margin:g}"
        # A tail that is the level itself, but for its last digits, keeps it.
        yield f"{name}: {what} ({where})", round(measure(worst, most), 6), bound


def _speed() -> Iterator[Line]:
    """A thousand cases by twenty metrics, half of them passes, half means of three trials."""
    chance = np.random.default_rng(13)
    metrics = [_metric(chance, trials) for trials in [1] * 10 + [3] * 10]
    start = time.process_time()
    holm_regressed([compare_pairs(one, margin=0.05) for one in metrics])
    yield "1,000 cases x 20 metrics, CPU seconds", time.process_time() - start, 1.0


def _metric(chance: np.random.Generator, trials: int) -> list[Pair]:
    before = (chance.random((1000, trials)) < 0.9).mean(axis=1)
    now = (chance.random((1000, trials)) < 0.9).astype(float)
    return [
        Pair(
            case=str(place),
            base=float(before[place]),
            candidate=tuple(now[place].tolist()),
            base_trials=trials,
        )
        for place in range(1000)
    ]


if __name__ == "__main__":
    sys.exit(main())
