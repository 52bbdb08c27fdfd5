"""Clopper and Pearson's bounds against published tables and scipy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pytest_ailoop.stats.intervals import clopper_pearson, clopper_pearson_bound
from pytest_ailoop.stats.special import binomial_cdf, binomial_tail


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_clopper_pearson_agrees_with_newcombes_table(
    k: int, n: int, low: float, high: float
) -> None:
    """Newcombe 1998, method 5, to the digits he prints."""
    found = clopper_pearson(k, n)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.integers(1, 10**5), st.data(), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_clopper_pearson_is_scipys(n: int, data: st.DataObject, confidence: float) -> None:
    """To nine digits; never without width, and around k/n."""
    k = data.draw(st.integers(0, n))
    found = clopper_pearson(k, n, confidence)
    expected = scipy_stats.binomtest(k, n).proportion_ci(confidence, method="exact")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert found.low <= k / n <= found.high
    assert found.low < found.high


@given(st.integers(1, 10**4), st.data(), st.floats(0.001, 0.4))
def test_a_bound_is_where_the_sample_becomes_unlikely(
    n: int, data: st.DataObject, alpha: float
) -> None:
    """At the bound, a sample as extreme as the one seen has the probability alpha."""
    k = data.draw(st.integers(1, n))
    low = clopper_pearson_bound(k, n, alpha, "lower")
    high = clopper_pearson_bound(n - k, n, alpha, "upper")
    assert binomial_tail(k, n, low) == pytest.approx(alpha, rel=1e-6)
    assert binomial_cdf(n - k, n, high) == pytest.approx(alpha, rel=1e-6)


def test_of_nothing_there_is_no_interval() -> None:
    """None for show; as bounds, the whole scale."""
    assert clopper_pearson(0, 0) is None
    assert clopper_pearson_bound(0, 0, side="lower") == 0.0
    assert clopper_pearson_bound(0, 0, side="upper") == 1.0


@pytest.mark.parametrize(
    ("k", "n", "confidence", "message"),
    [
        (2.5, 5, 0.95, "k counts cases that passed and is a whole number, got 2.5"),
        (6, 5, 0.95, "k lies between 0 and n, got k=6, n=5"),
        (-1, 5, 0.95, "k lies between 0 and n, got k=-1, n=5"),
        (1, 5, 1.0, "confidence lies between 0 and 1, both left out, got 1.0"),
        (1, -5, 0.95, "n is a whole number from 0 up, got -5"),
    ],
)
def test_what_is_no_count_is_refused(k: float, n: int, confidence: float, message: str) -> None:
    """A mean over trials is no count, and is sent where it belongs."""
    with pytest.raises(ValueError) as caught:
        clopper_pearson(k, n, confidence)  # type: ignore[arg-type]
    assert message in str(caught.value)
