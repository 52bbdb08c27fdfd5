"""What the best of several runs does to later ones, and what their pool does."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import fsum

from pytest_ailoop.baseline.pool import pooled
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.verdict import Pair
from pytest_ailoop.gates.comparison import compare_pairs
from tests.fakes.gated import item, plan

CASES, RUNS, TIMES = 100, 3, 800

Run = Sequence[float]
"""For each case, whether it passed."""
Line = tuple[float, int]
"""The accepted mean of a case and its number of draws."""


def draw(chance: random.Random) -> Run:
    """Run a system that passes each case with a chance of one half to all, and never changes."""
    return [float(chance.random() < 0.5 + number / CASES / 2) for number in range(CASES)]


def best(runs: Sequence[Run]) -> list[Line]:
    return [(passed, 1) for passed in max(runs, key=sum)]


def together(runs: Sequence[Run]) -> list[Line]:
    return [(round(fsum(each) / len(each), 6), len(each)) for each in zip(*runs, strict=True)]


def alarms(accept: Callable[[Sequence[Run]], list[Line]]) -> float:
    """Return the share of later runs of the unchanged system that are called regressed."""
    chance, found = random.Random(4), 0
    for _ in range(TIMES):
        lines = accept([draw(chance) for _ in range(RUNS)])
        pairs = [
            Pair(case=f"c{number}", base=mean, candidate=(passed,), base_trials=trials)
            for number, ((mean, trials), passed) in enumerate(zip(lines, draw(chance), strict=True))
        ]
        found += compare_pairs(pairs, margin=0.0).status == "regressed"
    return found / TIMES


def test_the_best_of_three_raises_false_alarms() -> None:
    """More than every tenth run of an unchanged system is called worse than the luckiest one."""
    assert alarms(best) > 0.10


def test_the_pool_of_three_does_not() -> None:
    """At most one run of twenty, as the gates promise."""
    assert alarms(together) <= 0.05


def test_these_are_the_lines_of_a_pool() -> None:
    """Means and counts above are those that are accepted."""
    chance = random.Random(4)
    drawn = [draw(chance) for _ in range(RUNS)]
    live = (Call(digest="d", path="/chat/completions", origin="live"),)
    runs = [[item(f"c{at}", one, calls=live) for at, one in enumerate(run)] for run in drawn]
    lines = pooled(runs, plan(runs[0])).measured.entries.values()
    scores = [one.scores["passed"] for one in lines]
    assert together(drawn) == [(one.mean, one.n) for one in scores]
