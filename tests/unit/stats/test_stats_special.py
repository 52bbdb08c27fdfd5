"""Tails and quantiles against scipy, from one case to a million."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from scipy import stats as scipy_stats

from pytest_ailoop.stats.normal import normal_cdf, normal_quantile
from pytest_ailoop.stats.special import (
    beta_quantile,
    beta_tails,
    binomial_cdf,
    binomial_log_pmf,
    binomial_pmf,
    binomial_tail,
    t_cdf,
    t_quantile,
)

TEN_DIGITS = {"rel": 1e-10, "abs": 1e-290}
SHARES = st.floats(1e-6, 1 - 1e-6)
PARAMETERS = st.floats(-0.3, 6).map(lambda power: 10**power)
COUNTS = st.floats(0, 6).map(lambda power: int(10**power))


@given(COUNTS, SHARES, st.floats(-6, 6))
def test_binomial_tails_are_scipys(n: int, p: float, place: float) -> None:
    """To ten digits, within six standard deviations of the mean, for n up to a million."""
    k = min(n, max(0, round(n * p + place * math.sqrt(n * p * (1 - p)))))
    below = special.betainc(n - k, k + 1, 1 - p) if k < n else 1.0
    above = special.betainc(k, n - k + 1, p) if k else 1.0
    assert binomial_cdf(k, n, p) == pytest.approx(below, **TEN_DIGITS)
    assert binomial_tail(k, n, p) == pytest.approx(above, **TEN_DIGITS)
    assert binomial_pmf(k, n, p) == pytest.approx(scipy_stats.binom.pmf(k, n, p), **TEN_DIGITS)


@given(PARAMETERS, PARAMETERS, st.floats(1e-12, 1 - 1e-9))
def test_beta_quantiles_are_scipys(a: float, b: float, q: float) -> None:
    """To ten digits, also where the quantile is a millionth."""
    assert beta_quantile(q, a, b) == pytest.approx(special.betaincinv(a, b, q), **TEN_DIGITS)


def test_a_quantile_too_small_for_a_float_is_none_at_all() -> None:
    """Of a distribution that sits at one end, as any a near 0 gives: 0, or 1 at the other."""
    assert (0.0, 1.0) == (beta_quantile(1e-300, 1e-3, 1e6), beta_quantile(1 - 1e-9, 1e6, 1e-4))


@given(PARAMETERS, PARAMETERS, SHARES)
def test_the_quantile_undoes_the_tail(a: float, b: float, q: float) -> None:
    """The tail at beta_quantile(q) is q."""
    x = beta_quantile(q, a, b)
    assert beta_tails(x, 1 - x, a, b)[0] == pytest.approx(q, rel=1e-7)


@given(PARAMETERS, st.floats(-30, 30))
def test_students_t_is_scipys(df: float, t: float) -> None:
    """To ten digits, in the far lower tail, too."""
    df = max(1.0, df)
    # Next to the middle it is scipy's that loses digits: t_cdf(1e-9, 1) is 1/2 + 1e-9/π.
    expected = scipy_stats.t.cdf(t, df) if abs(t) > 1e-3 else 0.5 + t * scipy_stats.t.pdf(0, df)
    assert t_cdf(t, df) == pytest.approx(expected, rel=1e-9, abs=1e-200)


@given(PARAMETERS, st.floats(1e-10, 0.49))
def test_quantiles_of_t_are_scipys_and_mirror(df: float, q: float) -> None:
    """To nine digits (scipy's own loses more near the middle), and odd."""
    df = max(1.0, df)
    assert t_quantile(q, df) == pytest.approx(scipy_stats.t.ppf(q, df), rel=1e-9)
    assert t_quantile(1 - q, df) == pytest.approx(-t_quantile(q, df), rel=1e-5)


@pytest.mark.parametrize("z", [-37.0, -8.0, -1.6448536269514722, 0.0, 2.0])
def test_normal_tails_are_scipys(z: float) -> None:
    """Also where a tail is 1e-300; the quantile is the inverse."""
    assert normal_cdf(z) == pytest.approx(scipy_stats.norm.cdf(z), rel=1e-12)
    assert normal_quantile(0.95) == pytest.approx(1.6448536269514722, rel=1e-14)


def test_the_ends_are_exact() -> None:
    """What cannot happen is 0, what must is 1."""
    assert (beta_tails(0, 1, 2, 3), beta_tails(1, 0, 2, 3)) == ((0.0, 1.0), (1.0, 0.0))
    assert t_quantile(0.5, 3) == 0.0
    assert (binomial_cdf(-1, 5, 0.5), binomial_cdf(5, 5, 0.5)) == (0.0, 1.0)
    assert (binomial_tail(0, 5, 0.5), binomial_tail(6, 5, 0.5)) == (1.0, 0.0)
    assert (binomial_log_pmf(1, 5, 0.0), binomial_pmf(5, 5, 1.0)) == (-math.inf, 1.0)
    assert (t_cdf(1e200, 3), t_cdf(-1e200, 3)) == (1.0, 0.0)
    low, high = beta_tails(1e-20, 1.0, 1.0, 1.0)
    assert (low, high) == pytest.approx((1e-20, 1.0), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: beta_tails(1.5, 0.5, 1, 1), "x lies between 0 and 1, got 1.5"),
        (lambda: beta_tails(math.nan, 1, 1, 1), "x lies between 0 and 1, got nan"),
        (lambda: beta_tails(0.5, 0.5, 0, 1), "above 0, got 0 and 1"),
        (lambda: beta_quantile(0, 1, 1), "q lies between 0 and 1, both left out, got 0"),
        (lambda: binomial_cdf(1, -1, 0.5), "n is a whole number from 0 up, got -1"),
        (lambda: binomial_log_pmf(3, 2, 0.5), "k lies between 0 and n, got k=3, n=2"),
        (lambda: t_cdf(0, 0), "above 0, got 0 and 1"),
        (lambda: normal_quantile(1), "q lies between 0 and 1, both left out, got 1"),
    ],
)
def test_what_is_no_probability_is_refused(call: object, message: str) -> None:
    """With what was got and what is allowed."""
    with pytest.raises(ValueError) as caught:
        call()  # type: ignore[operator]
    assert message in str(caught.value)
