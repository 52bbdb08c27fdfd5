"""Means over cases with several trials."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_ailoop.stats.clustered import (
    clustered_mean,
    clustered_standard_error,
    intraclass_correlation,
    pseudo_mean,
    standard_error,
)

SHARES = st.floats(0, 1)
GROUPS = st.lists(st.lists(SHARES, min_size=1, max_size=5), min_size=2, max_size=12)


def test_the_reference_values() -> None:
    """Three cases by hand: 0.25 with the correction, 0.2041 without it, 0.2236 unclustered."""
    found = clustered_mean([[1, 1, 0], [0, 0], [1]])
    assert found is not None
    assert found.standard_error is not None
    assert round(found.standard_error, 4) == 0.25
    assert round(found.standard_error * math.sqrt(2 / 3), 4) == 0.2041
    assert found.iid_standard_error is not None
    assert round(found.iid_standard_error, 4) == 0.2236
    assert (found.mean, found.n, found.clusters) == (0.5, 6, 3)


@given(GROUPS)
def test_the_clustered_error_is_statsmodels(groups: list[list[float]]) -> None:
    """Of a regression on a constant, `cov_type="cluster"`."""
    values = [value for group in groups for value in group]
    names = [place for place, group in enumerate(groups) for _ in group]
    fitted = sm.OLS(np.array(values), np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": np.array(names)}
    )
    assert clustered_standard_error(groups) == pytest.approx(float(fitted.bse[0]), abs=1e-9)


def test_trials_of_a_case_that_agree_add_nothing() -> None:
    """Ten equal trials of each case give the error of the cases, not a third of it."""
    cases = [0.0, 1.0, 1.0, 0.0, 1.0]
    assert clustered_standard_error([[case] * 10 for case in cases]) == pytest.approx(
        standard_error(cases)
    )
    found = clustered_mean([[case] * 10 for case in cases])
    assert found is not None
    assert found.icc == pytest.approx(1.0)
    # Kish's 1 + (m - 1) ICC, and the small-sample factors of both errors.
    assert found.design_effect == pytest.approx((1 + 9 * 1.0) * 49 / 40)


def test_correlation_within_cases_by_hand() -> None:
    """Donner and Koval's analysis of variance: between 1/2, within 1/6: it gives 1/2."""
    assert intraclass_correlation([[1, 1], [0, 1], [0, 0]]) == pytest.approx(0.5)
    assert intraclass_correlation([[1], [0]]) is None
    assert intraclass_correlation([[1, 1], [1, 1]]) is None


@pytest.mark.parametrize(
    ("groups", "shown"), [([], None), ([[1.0]], None), ([[1.0], [1.0], [1.0]], None)]
)
def test_too_little_has_no_interval(groups: list[list[float]], shown: None) -> None:
    """No case, one case, and cases that all agree: unknown, never without width."""
    found = clustered_mean(groups)
    assert (found and found.interval) is shown


@given(st.lists(SHARES, min_size=1, max_size=50), st.floats(0.5, 0.99))
@example([1.0], 0.9)
@example([0.0] * 30, 0.9)
def test_pseudo_observations_give_width_always(values: list[float], confidence: float) -> None:
    """Also for one value and for equal ones, within the scale."""
    found = pseudo_mean(values, confidence=confidence)
    assert found is not None
    assert 0 <= found.interval.low < found.interval.high <= 1
    assert found.interval.low <= found.mean <= found.interval.high


@given(st.lists(SHARES, min_size=1, max_size=20))
def test_pseudo_observations_follow_the_scale(values: list[float]) -> None:
    """Scores from 1 to 5 give the bounds of the same scores from 0 to 1, stretched."""
    plain = pseudo_mean(values)
    stretched = pseudo_mean([1 + 4 * one for one in values], low=1, high=5)
    assert plain is not None
    assert stretched is not None
    assert stretched.interval.low == pytest.approx(1 + 4 * plain.interval.low)
    assert stretched.interval.high == pytest.approx(1 + 4 * plain.interval.high)


def test_coverage_of_ten_trials_a_case() -> None:
    """S8: 50 cases, ICC 0.5: clustered 93 to 96.5 %; pooled, as if independent, 65 % at most."""
    chance = np.random.default_rng(20)
    runs, good, naive = 1500, 0, 0
    for _ in range(runs):
        # Passes drawn by rates from Beta(a, b) have an ICC of 1/(a + b + 1).
        rates = chance.beta(0.7, 0.3, 50)
        groups = (chance.random((50, 10)) < rates[:, None]).astype(float)
        found = clustered_mean(groups.tolist())
        assert found is not None
        assert found.interval is not None
        assert found.iid_standard_error is not None
        good += found.interval.low <= 0.7 <= found.interval.high
        naive += abs(found.mean - 0.7) <= 1.965 * found.iid_standard_error
    assert 0.93 <= good / runs <= 0.965
    assert naive / runs <= 0.65


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: standard_error([1.0, math.nan]), "finite numbers, got nan at place 1"),
        (lambda: clustered_mean([[1.0], []]), "got an empty one at place 1"),
        (lambda: clustered_mean([[math.inf]]), "finite numbers, got inf"),
        (lambda: pseudo_mean([2.0]), "values lie between 0.0 and 1.0, got 2.0 to 2.0"),
        (lambda: pseudo_mean([0.5], low=1, high=1), "low lies below high"),
    ],
)
def test_what_is_no_score_is_refused(call: object, message: str) -> None:
    """NaN is never averaged away."""
    with pytest.raises(ValueError) as caught:
        call()  # type: ignore[operator]
    assert message in str(caught.value)
