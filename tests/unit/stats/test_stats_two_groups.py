"""A slice of the cases and the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats as scipy

from pytest_ailoop.stats.two_groups import fisher_exact, rank_sum


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(0, 60))
    return draw(st.integers(0, n)), n


@settings(max_examples=100, deadline=None)
@given(counts(), counts())
def test_fisher_is_that_of_scipy(one: tuple[int, int], rest: tuple[int, int]) -> None:
    """Two-sided by likelihood, for every table."""
    (a, n), (b, m) = one, rest
    table = [[a, n - a], [b, m - b]]
    expected = scipy.fisher_exact(table).pvalue
    assert fisher_exact(a, n, b, m) == pytest.approx(expected, rel=1e-6)


def test_the_lady_who_tasted_tea() -> None:
    """Fisher 1935: three of four cups right on both sides, 34 of 70 ways."""
    assert fisher_exact(3, 4, 1, 4) == pytest.approx(34 / 70)


def test_far_apart_groups_give_no_nonsense() -> None:
    """A hundred thousand cases are as easy as a dozen."""
    assert 0 <= fisher_exact(0, 50_000, 50_000, 50_000) < 1e-200
    assert fisher_exact(25_000, 50_000, 25_000, 50_000) == pytest.approx(1.0)


values = st.lists(st.sampled_from([0.0, 1 / 3, 0.5, 2 / 3, 1.0]), min_size=1, max_size=30)


@settings(max_examples=100, deadline=None)
@given(values, values)
def test_the_rank_sum_is_that_of_scipy(one: list[float], rest: list[float]) -> None:
    """Mann and Whitney's U, normal, with ties and continuity."""
    assume(len({*one, *rest}) > 1)
    expected = scipy.mannwhitneyu(one, rest, method="asymptotic").pvalue
    assert rank_sum(one, rest) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("nothing", [([], [1.0]), ([1.0], []), ([0.5] * 9, [0.5] * 3)])
def test_where_nothing_differs_p_is_one(nothing: tuple[list[float], list[float]]) -> None:
    """An empty group, or one value in all cases, is no difference."""
    assert 1.0 == rank_sum(*nothing)
    assert 1.0 == fisher_exact(0, 0, 3, 5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: fisher_exact(4, 3, 0, 1),
        lambda: fisher_exact(0, 1, -1, 1),
        lambda: rank_sum([float("nan")], [1.0]),
        lambda: rank_sum([1.0], [float("inf")]),
    ],
)
def test_what_is_no_count_or_number_is_refused(call: Callable[[], float]) -> None:
    """Counts beyond their group, NaN and infinity raise."""
    with pytest.raises(ValueError, match=r"lies between|whole number|finite"):
        call()
