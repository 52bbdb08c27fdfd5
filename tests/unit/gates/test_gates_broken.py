"""Which cases broke by their own trials, and how many trials it takes to tell."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.data.verdict import Pair
from pytest_ailoop.gates import specs
from pytest_ailoop.gates.broken import broken
from pytest_ailoop.gates.decide import Context
from pytest_ailoop.report.gates import broken_words, gate_lines, story
from tests.fakes.gated import item, verdict

CASES = 50


def pair(case: int, before: float, now: str, trials: int = 7) -> Pair:
    return Pair(case=f"c{case}", base=before, candidate=tuple(map(float, now)), base_trials=trials)


def steady(count: int = CASES - 1) -> list[Pair]:
    return [pair(at, 1.0, "1111111") for at in range(1, count + 1)]


@pytest.mark.parametrize(
    ("first", "up", "broke"),
    [
        (pair(0, 1.0, "0000000"), 1, ["c0"]),
        (pair(0, 1.0, "0000001"), 1, []),
        (pair(0, 0.0, "1111111"), 1, []),
        (pair(0, 1.0, "000000", trials=6), 1, []),
    ],
)
def test_seven_trials_name_one_case_of_fifty(first: Pair, up: Any, broke: list[str]) -> None:
    """From all passed to none, and with one trial less it may be chance."""
    found = broken([first, *steady()], up, 0.05)
    assert {"broke": broke, "trials_to_name": 7} == found


def test_where_lower_is_better_it_broke_by_rising() -> None:
    """A score that shall be 0 and became 1."""
    others = [pair(at, 0.0, "0000000") for at in range(1, CASES)]
    assert ["c0"] == broken([pair(0, 0.0, "1111111"), *others], -1, 0.05)["broke"]
    assert [] == broken([pair(0, 1.0, "0000000"), *others], -1, 0.05)["broke"]


def test_of_several_the_worst_comes_first() -> None:
    """By how likely it is chance."""
    found = broken([pair(1, 5 / 7, "0000000"), pair(0, 1.0, "0000000")], 1, 0.05)
    assert ["c0", "c1"] == found["broke"]


@pytest.mark.parametrize(
    "odd", [pair(0, 0.5, "0000000"), Pair(case="c0", base=1.0, candidate=(0.5,))]
)
def test_of_graded_scores_nothing_is_counted(odd: Pair) -> None:
    """Trials that do not just pass or miss cannot be counted."""
    assert {} == broken([odd, *steady()], 1, 0.05)


def trials(fallen: str) -> list[ItemRecord]:
    return [
        item(f"c{case}", float((fallen if case == 0 else "1111111")[number]), trial=number + 1)
        for case in range(CASES)
        for number in range(len(fallen))
    ]


def compared(fallen: str) -> GateVerdict:
    before = accepted_from(trials("1" * len(fallen))).entries
    return verdict(trials(fallen), specs.no_regression(0.02), Context(baseline=before))


def test_a_case_that_broke_is_named() -> None:
    """Below the verdict and in the gate's own report; by its trials, whatever the verdict is."""
    found = compared("0000000")
    words = "broke beyond chance, by their own trials: c0"
    assert words in story(found)
    assert f"    | {words}" in [line for line, _ in gate_lines([found])]


def test_what_it_takes_to_name_one_is_told_on_demand() -> None:
    """Where a case fell and may only waver."""
    found = compared("000")
    assert "" == broken_words(found)
    words = (
        "whether the case that fell broke, or wavers, trials would tell: 7 of each case before "
        "and now name one of 50"
    )
    assert words == broken_words(found, verbose=1)
    assert "" == broken_words(compared("111"), verbose=1)
