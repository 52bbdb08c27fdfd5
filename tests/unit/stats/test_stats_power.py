"""Plans: what a run can see, how many cases it takes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from scipy.stats import binom, norm
from statsmodels.stats.proportion import proportion_confint

from pytest_ailoop.stats.paired import pseudo_pairs_of, tango
from pytest_ailoop.stats.planning import Plan, cases_for_mean, cases_to_settle, detectable_drop
from pytest_ailoop.stats.power import (
    Variances,
    cases_all_passing,
    cases_for_rate,
    cases_for_tie,
    connor_cases,
    connor_power,
    fewest,
    miller_cases,
    miller_effect,
    passes_that_settle,
)


def test_millers_examples() -> None:
    """969 questions for three points; 198 find 13.3 points with one trial, 7.6 with ten."""
    one = Variances(between=1 / 9, within_base=1 / 6, within_candidate=1 / 6)
    ten = replace(one, trials_base=10, trials_candidate=10)
    assert miller_cases(0.03, Variances(between=1 / 9), sides=2) == 969
    assert round(miller_effect(198, one, sides=2), 4) == 0.1327
    assert round(miller_effect(198, ten, sides=2), 4) == 0.0757


@pytest.mark.parametrize(
    ("discordance", "effect", "cases"),
    [(0.1, 0.05, 246), (0.1, 0.02, 1544), (0.18, 0.05, 444), (0.18, 0.1, 110), (0.3, 0.1, 184)],
)
def test_connors_table(discordance: float, effect: float, cases: int) -> None:
    """One-sided 5 %, power 80 %; the power of that many is just 80 %."""
    assert connor_cases(effect, discordance) == cases
    assert connor_power(cases, effect, discordance) >= 0.8
    assert connor_power(cases - 1, effect, discordance) < 0.8


@pytest.mark.parametrize(
    ("bar", "cases"), [(0.8, 14), (0.9, 29), (0.95, 59), (0.98, 149), (0.99, 299)]
)
def test_cases_that_all_pass(bar: float, cases: int) -> None:
    """With so many the exact lower bound reaches the bar, with one less it does not."""
    assert cases_all_passing(bar) == cases
    for n, reached in ((cases, True), (cases - 1, False)):
        assert (proportion_confint(n, n, alpha=0.1, method="beta")[0] >= bar) is reached
    assert cases_all_passing(1.0) is None


@pytest.mark.parametrize(
    ("margin", "cases"),
    [(0.01, 268), (0.02, 133), (0.03, 88), (0.05, 52), (0.1, 25), (0.15, 16), (0.2, 11)],
)
def test_cases_that_all_tie(margin: float, cases: int) -> None:
    """With so many Tango's lower bound reaches the margin, with one less it does not."""
    assert cases_for_tie(margin) == cases
    for n, reached in ((cases, True), (cases - 1, False)):
        found = tango(0, 0, n)
        assert found is not None
        assert (found.low >= -margin) is reached


def test_ties_of_graded_scores() -> None:
    """Pseudo-pairs ask for a few more; with 1.5 of them the published 27, 55, 93."""

    def first(margin: float, weight: float) -> int | None:
        def proven(n: int) -> bool:
            found = pseudo_pairs_of(n, 0, 0, weight=weight)
            return found is not None and found.interval.low >= -margin

        return fewest(proven)

    assert [first(margin, 1.5) for margin in (0.1, 0.05, 0.03)] == [27, 55, 93]
    assert [cases_for_tie(margin, "pseudo-pairs") for margin in (0.1, 0.05, 0.03)] == [30, 63, 107]
    assert cases_for_tie(0.0) is None


@pytest.mark.parametrize(("n", "bar"), [(0, 0.5), (1, 0.9), (20, 0.9), (250, 0.95), (40, 0.0)])
def test_passes_that_settle_a_bar(n: int, bar: float) -> None:
    """The nearest numbers at which the binomial tail is 5 % or less."""
    needed, hopeless = passes_that_settle(n, bar)
    assert needed == next((k for k in range(n + 1) if binom.sf(k - 1, n, bar) <= 0.05), n + 1)
    assert hopeless == max((k for k in range(n + 1) if binom.cdf(k, n, bar) < 0.05), default=-1)


@pytest.mark.parametrize(("rate", "bar"), [(1.0, 0.9), (0.95, 0.9), (0.8, 0.9), (0.5, 1.0)])
def test_cases_that_tell_a_rate_from_a_bar(rate: float, bar: float) -> None:
    """With so many, a verdict is reached four times in five."""
    cases = cases_for_rate(rate, bar)
    assert cases is not None
    needed, hopeless = passes_that_settle(cases, bar)
    assert binom.sf(needed - 1, cases, rate) + binom.cdf(hopeless, cases, rate) >= 0.8
    needed, hopeless = passes_that_settle(cases - 1, bar)
    assert binom.sf(needed - 1, cases - 1, rate) + binom.cdf(hopeless, cases - 1, rate) < 0.8
    assert cases_for_rate(bar, bar) is None


def test_a_detectable_drop_is_connors_where_the_margin_does_not_bind() -> None:
    """Eighteen discordant of a hundred, no change seen; a drop x brings x more of them."""
    plan = Plan(
        n=100, difference=0.0, variance=0.18, margin=0.05, alpha=0.05, growth=1.0, weight=0.0
    )
    found = detectable_drop(plan)
    assert found is not None
    assert connor_power(100, found, 0.18 + found) == pytest.approx(0.8, abs=1e-6)


def test_with_many_cases_the_margin_binds() -> None:
    """A drop must not be *same*: near the margin, however many cases there are."""
    plan = Plan(
        n=10**6, difference=0.0, variance=0.18, margin=0.05, alpha=0.05, growth=0.0, weight=0.0
    )
    error = math.sqrt((0.18 + 0.05**2) / 10**6)
    found = detectable_drop(plan)
    assert found == pytest.approx(
        0.05 - norm.ppf(0.95) * error + norm.ppf(0.8) * math.sqrt(0.18 / 10**6), rel=1e-3
    )


def test_no_drop_is_seen_with_two_cases() -> None:
    """None, not the whole scale."""
    plan = Plan(n=2, difference=0.0, variance=0.5, margin=0.05, alpha=0.05, growth=1.0, weight=0.0)
    assert detectable_drop(plan) is None


def test_cases_to_settle_a_tie() -> None:
    """Nothing changed: (z_a + z_b)² variance / margin²."""
    plan = Plan(
        n=50, difference=0.0, variance=0.18, margin=0.05, alpha=0.05, growth=1.0, weight=0.0
    )
    z = norm.ppf(0.95) + norm.ppf(0.9)
    found = cases_to_settle(plan)
    # Either way out of the middle counts, so that less than 80 % must come from each.
    assert found is not None
    assert 0.5 * z**2 * 0.18 / 0.05**2 < found <= z**2 * 0.18 / 0.05**2


def test_cases_for_a_mean() -> None:
    """More than there are; fewer for a bar further away; none for a mean that is the bar."""
    near = cases_for_mean(40, 0.85, 0.04, 0.8)
    far = cases_for_mean(40, 0.85, 0.04, 0.7)
    assert near is not None
    assert far is not None
    assert 40 < far < near
    assert cases_for_mean(40, 0.8, 0.04, 0.8) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: miller_cases(0, Variances(between=1)), "an effect is finite and not 0, got 0"),
        (lambda: miller_cases(0.1, Variances(between=-1)), "variances are 0 or more, got -1"),
        (lambda: miller_effect(0, Variances(between=1)), "n is a whole number from 1 up, got 0"),
        (lambda: connor_cases(0.2, 0.1), "effect=0.2, discordance=0.1"),
        (lambda: cases_all_passing(1.5), "bar lies between 0 and 1, got 1.5"),
        (lambda: cases_for_tie(-0.1), "margin lies between 0 and 1, got -0.1"),
        (lambda: cases_for_rate(2, 0.5), "rate lies between 0 and 1, got 2"),
    ],
)
def test_impossible_plans_are_refused(call: object, message: str) -> None:
    """With what was got and what is allowed."""
    with pytest.raises(ValueError) as caught:
        call()  # type: ignore[operator]
    assert message in str(caught.value)
