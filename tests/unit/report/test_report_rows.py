"""What a row says of cases with one trial, and of cases with several."""

from __future__ import annotations

import pytest

from pytest_ailoop.data.baseline import Comparison
from pytest_ailoop.data.record import ItemRecord, RunRecord
from pytest_ailoop.report.detail import clustered_words, reliability_words, wavering_words
from pytest_ailoop.report.rows import Row, rows
from pytest_ailoop.stats.flips import flip_rate
from pytest_ailoop.stats.intervals import wilson
from tests.fakes.gated import item, plan


def row(*records: ItemRecord) -> Row:
    """Return the one row of a run of *records*."""
    run = RunRecord(id="r", started="s", duration=0, plan=plan(records), options={})
    (test,) = rows(run, records, Comparison()).tests
    (found,) = test.rows
    return found


def trials(*passed: str) -> list[ItemRecord]:
    """Return records of a case for each text, a trial for each of its digits: 1 passed, 0 not."""
    return [
        item(f"c{place}", float(digit), trial=trial)
        for place, digits in enumerate(passed)
        for trial, digit in enumerate(digits, 1)
    ]


def test_one_trial_has_wilsons_interval() -> None:
    """Nine of ten passed."""
    found = row(*trials(*"1111111110"))
    expected = wilson(9, 10)
    assert expected is not None
    assert (found.low, found.high) == (expected.low, expected.high)


@pytest.mark.parametrize("count", [2, 5])
def test_trials_that_agree_are_no_more_than_their_cases(count: int) -> None:
    """Ten cases, each passing or failing in all trials: as wide as with one, and no narrower."""
    found = row(*trials(*["1" * count] * 5, *["0" * count] * 5))
    one = wilson(5, 10)
    assert one is not None
    assert found.low is not None
    assert found.high is not None
    assert one.low - 0.05 < found.low <= one.low
    assert one.high <= found.high < one.high + 0.05


def test_trials_that_differ_say_more_than_one() -> None:
    """Ten equally hard cases with four trials each: narrower than with one."""
    found = row(*trials(*["1101", "1011"] * 5))
    cases = wilson(7.5, 10)
    assert cases is not None
    assert found.low is not None
    assert cases.low + 0.05 < found.low
    assert (found.passed, found.rate, found.trials) == (0, 0.75, 4)


def test_a_row_of_trials_that_all_pass_has_width() -> None:
    """Certain of nothing: three cases, five trials each."""
    found = row(*trials("11111", "11111", "11111"))
    assert (0.2956, 1.0) == pytest.approx((found.low, found.high), abs=1e-4)


def test_how_alike_trials_are_is_told() -> None:
    """The standard error by case beside that of as many independent trials."""
    found = row(*trials("1111", "1110", "0000", "0001"))
    assert list(clustered_words(found.clustered)) == [
        "standard error 22.82 points by case, 12.91 if all trials were independent; "
        "intraclass correlation 0.59"
    ]


def test_how_often_trials_of_a_case_differ_is_told() -> None:
    """The mean of the flip rates of the cases: 0, 1/2, 0 and 1/2."""
    cases = ["1111", "1110", "0000", "0001"]
    found = row(*trials(*cases))
    rates = [flip_rate([float(one) for one in case]) or 0.0 for case in cases]
    assert "two trials of a case disagree in 25.0%" == wavering_words(found.reliability)
    assert 0.25 == pytest.approx(sum(rates) / 4)


def test_digits_of_reliability_are_given_on_demand() -> None:
    """Whole percents, or tenths where published figures are to be held against them."""
    found = row(*trials("111", "110", "100", "100"))
    assert "all pass 58%, 33%, 25% (pass^k)" in reliability_words(found.reliability)
    assert "all pass 58.3%, 33.3%, 25.0% (pass^k)" in reliability_words(
        found.reliability, exact=True
    )


@pytest.mark.parametrize("passed", [("1", "0"), ("11", "11"), ("11",), ("11", "0")])
def test_nothing_is_told_of_one_trial_or_of_no_spread(passed: tuple[str, ...]) -> None:
    """One trial a case, one of them at least; one case; cases that are all the same."""
    assert [] == list(clustered_words(row(*trials(*passed)).clustered))
