"""Rates and means held against a bar."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from pytest_ailoop.data.record import plain
from pytest_ailoop.gates.verdicts import decide_mean, decide_rate
from pytest_ailoop.stats.special import t_quantile

ALPHA = 0.05
#: Worse for Clopper and Pearson's bounds than these numbers of cases there are none among 1 to 300.
SIZES = (2, 3, 5, 10, 14, 29, 59, 100, 148)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("bar", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_a_bar_errs_in_five_percent_at_most(n: int, bar: float) -> None:
    """S11: passed just below the bar, failed on it, by going through all outcomes."""
    statuses = np.array([decide_rate(k, n, bar).status for k in range(n + 1)])
    chances = binom.pmf(np.arange(n + 1), n, bar)
    assert chances[statuses == "passed"].sum() <= ALPHA
    assert chances[statuses == "failed"].sum() <= ALPHA
    order = ["failed", "inconclusive", "passed"]
    assert sorted(statuses, key=order.index) == list(statuses)


def test_wilsons_bounds_would_err_more_often() -> None:
    """The mutant of S11: the interval for show, taken for a decision."""
    from pytest_ailoop.stats import wilson

    n, bar = 10, 0.985
    found = [wilson(k, n, 0.9) for k in range(n + 1)]
    failed = np.array([one is not None and one.high < bar for one in found])
    assert binom.pmf(np.arange(n + 1), n, bar)[failed].sum() > 0.1


@pytest.mark.parametrize(
    ("k", "n", "bar", "status", "needed"),
    [
        (29, 29, 0.9, "passed", None),
        (28, 28, 0.9, "inconclusive", 29),
        (19, 20, 0.9, "inconclusive", 191),
        (10, 20, 0.9, "failed", None),
        (18, 20, 0.9, "inconclusive", None),
        (20, 20, 1.0, "inconclusive", None),
        (19, 20, 1.0, "failed", None),
        (1, 1, 0.01, "inconclusive", 2),
        (0, 1, 0.99, "inconclusive", 2),
        (0, 0, 0.9, "invalid", None),
    ],
)
def test_statuses_of_a_rate(k: int, n: int, bar: float, status: str, needed: int | None) -> None:
    """One case decides nothing, no case is no pass, and a bar of 1 cannot be shown by a sample."""
    found = decide_rate(k, n, bar)
    assert (found.status, found.needed_cases) == (status, needed)


def test_a_verdict_explains_itself() -> None:
    """What was found, what it means, what to do next; plain values for JSON."""
    found = decide_rate(19, 20, 0.9)
    assert found.reasons == (
        "0.95 [0.784, 0.997] over 20 cases, at least 0.9 is asked",
        "too little data: the bar lies between",
        "about 191 cases would settle it",
        "so few cannot show 0.9, whatever they give: it takes 29",
    )
    assert plain(found)["status"] == "inconclusive"


@pytest.mark.parametrize(
    ("k", "n", "bar", "words"),
    [
        (28, 28, 0.9, "so few cannot show 0.9, whatever they give: it takes 29"),
        (28, 29, 0.9, ""),
        (20, 20, 1.0, "no sample shows 1: fixed=True decides by its own rate"),
        (1, 20, 0.9, ""),
    ],
)
def test_a_bar_out_of_reach_is_told(k: int, n: int, bar: float, words: str) -> None:
    """Where not even that all pass would show it; not where it is ruled out anyway."""
    told = [
        one for one in decide_rate(k, n, bar).reasons if " show" in one and "neither" not in one
    ]
    assert ([words] if words else []) == told


@pytest.mark.parametrize(
    ("k", "n", "unscored", "status", "reason"),
    [
        (98, 98, 2, "passed", "at least 0.9 is shown"),
        (59, 59, 2, "invalid", "2 of 61 were not scored, 2% at most may be"),
        (52, 54, 1, "inconclusive", "too little data"),
        (96, 100, 2, "inconclusive", "2 were not scored: passed without them, inconclusive"),
    ],
)
def test_cases_not_scored(k: int, n: int, unscored: int, status: str, reason: str) -> None:
    """More than 2 % are no measurement; fewer must not be what the verdict hangs on."""
    found = decide_rate(k, n, 0.9, unscored=unscored)
    assert found.status == status
    assert any(reason in one for one in found.reasons), found.reasons


@pytest.mark.parametrize(
    ("values", "bar", "status"),
    [
        ([0.8, 0.7, 0.9, 0.75] * 10, 0.7, "passed"),
        ([0.8, 0.7, 0.9, 0.75] * 10, 0.8, "inconclusive"),
        ([0.8, 0.7, 0.9, 0.75] * 10, 0.9, "failed"),
        ([1.0], 0.1, "inconclusive"),
        ([], 0.5, "invalid"),
        ([math.nan] * 3, 0.5, "invalid"),
    ],
)
def test_statuses_of_a_mean(values: list[float], bar: float, status: str) -> None:
    """NaN is not scored, and never averaged away."""
    assert decide_mean(values, bar).status == status


def test_lower_is_better_is_the_mirror_image() -> None:
    """Latencies of 0 to 10 s under a bar of 4 s, and what is left of 10 s over a bar of 6 s."""
    values = [3.0, 2.5, 3.5, 2.0, 4.0] * 8
    low = decide_mean(values, 4.0, 0, 10, direction="lower")
    high = decide_mean([10 - one for one in values], 6.0, 0, 10)
    assert low.status == high.status == "passed"
    assert low.high == pytest.approx(10 - (high.low or 0))
    assert low.low is not None
    assert low.low < (low.value or 0) < (low.high or 0)
    assert "at most 4 is shown" in low.reasons


@pytest.mark.parametrize("n", [10, 14, 50, 100])
@pytest.mark.parametrize(("high", "most"), [(1.0, ALPHA), (0.5, 0.06)])
def test_a_mean_errs_as_often_as_is_told(n: int, high: float, most: float) -> None:
    """Either bound, whatever the share: 5 % of passes, 6 % of scores that are 0 or 0.5."""
    rates = np.linspace(0.01, 0.99, 99)
    chances = binom.pmf(np.arange(n + 1)[None, :], n, rates[:, None])
    means = high * rates[:, None]
    bounds = [decide_mean([high] * k + [0.0] * (n - k), 0.5) for k in range(n + 1)]
    low, top = (np.array([getattr(one, end) for one in bounds]) for end in ("low", "high"))
    assert (chances * (low > means)).sum(axis=1).max() <= most
    assert (chances * (top < means)).sum(axis=1).max() <= most


def test_a_plain_t_bound_of_a_mean_errs_more_often() -> None:
    """The mutant: without pseudo-observations, nine of ten rates are left out near 1."""
    n, rate = 10, 0.99
    p = np.arange(n + 1) / n
    low = p - t_quantile(0.95, n - 1) * np.sqrt(p * (1 - p) / (n - 1))
    assert binom.pmf(np.arange(n + 1), n, rate)[low > rate].sum() > 0.9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: decide_rate(1, 2, 1.5), "bar lies between 0 and 1, got 1.5"),
        (lambda: decide_rate(1.5, 2, 0.5), "k counts cases that passed"),
        (lambda: decide_rate(3, 2, 0.5), "k lies between 0 and n, got k=3, n=2"),
        (lambda: decide_rate(1, 2, 0.5, alpha=0.5), "alpha lies between 0 and 0.5, got 0.5"),
        (lambda: decide_mean([0.5], 2.0), "a bar lies between 0.0 and 1.0, got 2.0"),
        (lambda: decide_mean([0.5], 0.5, 1, 1), "low lies below high"),
        (lambda: decide_rate(1, 2, 0.5, unscored=-1), "unscored is a whole number from 0 up"),
    ],
)
def test_impossible_questions_are_refused(call: object, message: str) -> None:
    """With what was got and what is allowed."""
    with pytest.raises(ValueError) as caught:
        call()  # type: ignore[operator]
    assert message in str(caught.value)
