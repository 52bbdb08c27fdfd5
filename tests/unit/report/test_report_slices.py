"""Slices of the cases that stand out from the rest."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_ailoop.baseline.compare import compare
from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.data.record import ItemRecord, Plan
from pytest_ailoop.data.slice import Slice
from pytest_ailoop.gates import specs
from pytest_ailoop.report.slices import slice_lines, slices
from tests.fakes.gated import PLAIN, item, plan

Names = Mapping[str, tuple[str, ...]]


def asked(records: Sequence[ItemRecord], tags: Names, named: Names | None = None) -> Plan:
    planned = plan(records, tags=dict(tags))
    return replace(planned, tests=(replace(planned.tests[0], slices=dict(named or {})),))


def found(
    records: Sequence[ItemRecord],
    tags: Names,
    named: Names | None = None,
    *,
    before: Sequence[ItemRecord] = (),
    gates: Sequence[GateVerdict] = (),
) -> tuple[Slice, ...]:
    wanted = asked(records, tags, named)
    comparison = compare(accepted_from(before).entries, accepted_from(records, wanted), wanted)
    return slices(wanted, comparison, gates)


def cases(count: int, start: int = 0) -> list[str]:
    return [f"c{at}" for at in range(start, start + count)]


def run(passed: Sequence[str], every: Sequence[str]) -> list[ItemRecord]:
    return [item(case, float(case in passed)) for case in every]


def compared(**more: Any) -> GateVerdict:
    gate = specs.no_regression(0.05, **more)
    return GateVerdict(
        gate=gate,
        module="test_a.py",
        test="test_a",
        variant=PLAIN,
        status="inconclusive",
        blocking=False,
        value=0.0,
    )


EVERY = cases(120)
GERMAN = {case: ("lang=de",) for case in EVERY[:30]}


def test_a_weak_slice_stands_out() -> None:
    """Its pass rate is held against that of the other cases of its group."""
    records = run([*EVERY[:12], *EVERY[30:118]], EVERY)
    (one,) = found(records, {}, GERMAN)
    assert ("lang=de", 30, 90, True, True) == (
        one.name, one.cases, one.rest, one.whole, one.stands_out
    )  # fmt: skip
    assert one.p < 1e-6
    lines = [line for line, _ in slice_lines([one])]
    assert [
        "hints: slices that stand out, 1 of 1 looked at (Benjamini-Hochberg, 10%)",
        f"  - lang=de: 12/30 passed against 88/90, q = {one.q:.2g}",
    ] == lines


def test_what_does_not_stand_out_is_not_shown() -> None:
    """Without a find there is no line; -vv lists what was looked at."""
    (one,) = found(run(EVERY[::2], EVERY), {}, GERMAN)
    assert not one.stands_out
    assert [] == list(slice_lines([one]))
    assert 2 == len(list(slice_lines([one], verbose=2)))


def test_small_slices_are_not_looked_at() -> None:
    """Fewer than five cases, or all but four, say nothing."""
    few = {case: ("few",) for case in EVERY[:4]}
    most = {case: ("most",) for case in EVERY[:116]}
    assert () == found(run(EVERY, EVERY), few)
    assert () == found(run(EVERY, EVERY), most)
    assert () == found(run(EVERY, EVERY), {})


def test_what_says_the_same_is_said_once() -> None:
    """One name for equal sets of cases; of a slice and its rest the weaker."""
    tags = {case: ("hard", "late") if at < 30 else ("easy",) for at, case in enumerate(EVERY)}
    (one,) = found(run(EVERY[20:], EVERY), tags)
    assert ("tag hard, tag late", 30) == (one.name, one.cases)


def test_several_trials_are_ranked() -> None:
    """Means over trials are no counts."""
    records = [
        item(case, float(at >= 30 or trial == 1), trial=trial)
        for at, case in enumerate(EVERY)
        for trial in (1, 2)
    ]
    (one,) = found(records, {}, GERMAN)
    assert (False, 0.5, 1.0, True) == (one.whole, one.value, one.rest_value, one.stands_out)
    assert "lang=de: 50% of 30 cases passed against 100% of 90" in [*slice_lines([one])][1][0]


def test_a_comparison_is_looked_at_by_slice() -> None:
    """Under a gate against the baseline, the differences of a slice are held against the rest."""
    before, after = run(EVERY, EVERY), run(EVERY[20:], EVERY)
    one, other = found(after, {}, GERMAN, before=before, gates=[compared()])
    assert {"", "no_regression(0.05)"} == {one.gate, other.gate}
    moved = one if one.gate else other
    assert (-0.666667, 0.0) == (round(moved.value, 6), moved.rest_value)
    (first,) = {one.gate for one in found(after, {}, GERMAN, before=before)}
    assert "" == first


@pytest.mark.parametrize("names", [20])
def test_slices_without_a_difference_seldom_stand_out(names: int) -> None:
    """Over 150 runs of twenty random slices of one system, any stands out in 13 % at most."""
    chance = random.Random(7)
    every = cases(60)
    alarms = 0
    for _ in range(150):
        records = [item(case, float(chance.random() < 0.8)) for case in every]
        named = {
            case: tuple(f"s={at}" for at in range(names) if chance.random() < 0.4) for case in every
        }
        alarms += any(one.stands_out for one in found(records, {}, named))
    assert alarms <= 0.13 * 150
