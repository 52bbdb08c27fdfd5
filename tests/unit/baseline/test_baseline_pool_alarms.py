"""What the best of several runs does to later ones, and what their pool does."""

from __future__ import annotations

import random
from collections.abc import Callable

from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.baseline.pool import pooled
from pytest_ailoop.data.baseline import Accepted, EntryKey
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.data.verdict import Pair
from pytest_ailoop.gates.comparison import compare_pairs
from tests.fakes.gated import item, plan

CASES, RUNS, TIMES = 200, 3, 400
LIVE = (Call(digest="d", path="/chat/completions", origin="live"),)
#: Both outcomes of each case, made once: a draw takes one of them.
ITEMS = [tuple(item(f"c{n}", float(ok), calls=LIVE) for ok in (0, 1)) for n in range(CASES)]
PLAN = plan([one for one, _ in ITEMS])


def draw(chance: random.Random) -> list[ItemRecord]:
    """Run a system that passes each case with a chance of one half to all, and never changes."""
    return [both[chance.random() < 0.5 + number / CASES / 2] for number, both in enumerate(ITEMS)]


def best(runs: list[list[ItemRecord]]) -> dict[EntryKey, Accepted]:
    return dict(accepted_from(max(runs, key=_passed), PLAN).entries)


def _passed(run: list[ItemRecord]) -> float:
    return sum(one.scores[0].value or 0.0 for one in run)


def together(runs: list[list[ItemRecord]]) -> dict[EntryKey, Accepted]:
    return dict(pooled(runs, PLAN).measured.entries)


def alarms(accept: Callable[[list[list[ItemRecord]]], dict[EntryKey, Accepted]]) -> float:
    """Return the share of later runs of the unchanged system that are called regressed."""
    chance, found = random.Random(4), 0
    for _ in range(TIMES):
        lines = accept([draw(chance) for _ in range(RUNS)])
        now = draw(chance)
        pairs = [
            Pair(
                case=key.case,
                base=line.scores["passed"].mean,
                candidate=(one.scores[0].value,),
                base_trials=line.scores["passed"].n,
            )
            for (key, line), one in zip(lines.items(), now, strict=True)
        ]
        found += compare_pairs(pairs, margin=0.0).status == "regressed"
    return found / TIMES


def test_the_best_of_three_raises_false_alarms() -> None:
    """More than every tenth run of an unchanged system is called worse than the luckiest one."""
    assert alarms(best) > 0.10


def test_the_pool_of_three_does_not() -> None:
    """At most one run of twenty, as the gates promise."""
    assert alarms(together) <= 0.05
