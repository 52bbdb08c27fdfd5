"""Intervals of paired differences."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize
from scipy import stats as scipy_stats

from pytest_ailoop.stats.normal import normal_quantile
from pytest_ailoop.stats.paired import pseudo_pairs, pseudo_pairs_of, tango, tango_statistic
from pytest_ailoop.stats.unconditional import unconditional_p

COUNTS = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200)).map(
    lambda found: (found[0], found[1], sum(found))
)


@pytest.mark.parametrize(
    ("b", "c", "n", "low", "high"),
    [
        (1, 7, 21, -0.5172, -0.0260),
        (6, 16, 161, -0.1240, -0.0054),
        (0, 1, 44, -0.1181, 0.0594),
        (0, 0, 50, -0.0713, 0.0713),
    ],
)
def test_tango_gives_the_reference_values(b: int, c: int, n: int, low: float, high: float) -> None:
    """The first as published (-0.517 to -0.026), at 95 %."""
    found = tango(b, c, n, 0.95)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(COUNTS, st.sampled_from([0.8, 0.9, 0.99]))
def test_tango_bounds_are_roots_of_the_score(
    counts: tuple[int, int, int], confidence: float
) -> None:
    """Where the statistic is z and -z, on both sides of what was seen; never without width."""
    b, c, n = counts
    found = tango(b, c, n, confidence)
    if n == 0:
        assert found is None
        return
    assert found is not None
    assert -1 <= found.low <= (b - c) / n <= found.high <= 1
    assert found.low < found.high
    z = normal_quantile((1 + confidence) / 2)
    for bound, expected in ((found.low, z), (found.high, -z)):
        if abs(bound) < 1:
            assert tango_statistic(b, c, n, bound) == pytest.approx(expected, rel=1e-6)


@given(COUNTS, st.floats(-0.95, 0.95))
def test_the_score_rests_on_the_likeliest_losses(
    counts: tuple[int, int, int], difference: float
) -> None:
    """The closed form of q is what maximises the likelihood under the difference, numerically."""
    b, c, n = counts
    if n == 0:
        return
    low, high = max(0.0, -difference), (1 - difference) / 2

    def unlikely(q: float) -> float:
        parts = ((b, q + difference), (c, q), (n - b - c, 1 - 2 * q - difference))
        return -sum(k * math.log(max(p, 1e-300)) for k, p in parts if k)

    best = optimize.minimize_scalar(unlikely, bounds=(low, high), options={"xatol": 1e-12}).x
    variance = n * (2 * best + difference * (1 - difference))
    if variance > 1e-3 and high - low > 1e-3:
        expected = (b - c - n * difference) / math.sqrt(variance)
        assert tango_statistic(b, c, n, difference) == pytest.approx(expected, rel=1e-3, abs=1e-3)


@given(COUNTS)
def test_exchanging_the_runs_mirrors_the_interval(counts: tuple[int, int, int]) -> None:
    """Gains and losses change places, bounds change sign."""
    b, c, n = counts
    if n == 0:
        return
    one, other = tango(b, c, n), tango(c, b, n)
    assert one is not None
    assert other is not None
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)


def test_pseudo_pairs_give_the_reference_values() -> None:
    """Five differences, w = 1.5: D, SE and the one-sided 95 % bounds."""
    found = pseudo_pairs([0.2, -0.1, 0, 0, 0.3], weight=1.5)
    assert found is not None
    assert round(found.difference, 4) == 0.05
    assert round(found.standard_error, 6) == 0.220794
    assert (round(found.interval.low, 6), round(found.interval.high, 6)) == (-0.368312, 0.468312)
    t = scipy_stats.t(7)
    assert found.interval.low == pytest.approx(found.difference - t.ppf(0.95) * 0.2207940, abs=1e-6)
    assert found.p == pytest.approx(t.cdf(0.05 / 0.2207940), abs=1e-6)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=60), st.floats(0.5, 20))
def test_pseudo_pairs_have_width_and_follow_the_scale(found: list[float], scale: float) -> None:
    """Also for one pair and for equal ones; scores ten times as large give bounds ten times so."""
    plain = pseudo_pairs(found)
    scaled = pseudo_pairs([scale * one for one in found], spread=scale)
    assert plain is not None
    assert scaled is not None
    assert -1 <= plain.interval.low < plain.interval.high <= 1
    assert scaled.interval.low == pytest.approx(scale * plain.interval.low, abs=1e-9)
    assert scaled.p == pytest.approx(plain.p, abs=1e-12)


def test_nothing_to_compare_has_no_interval() -> None:
    """None, not the whole scale."""
    assert tango(0, 0, 0) is None
    assert pseudo_pairs([]) is None
    assert pseudo_pairs_of(0, 0, 0) is None


@pytest.mark.parametrize(("b", "c", "n"), [(0, 3, 7), (1, 6, 9), (2, 8, 12), (4, 13, 40)])
def test_the_exact_p_is_the_worst_over_discordance(b: int, c: int, n: int) -> None:
    """Of all tables with so low a statistic, over a fine grid of shares."""
    seen = (b - c) / math.sqrt(b + c)
    tables = [
        (gains, losses)
        for gains in range(n + 1)
        for losses in range(n + 1 - gains)
        if gains + losses and (gains - losses) / math.sqrt(gains + losses) <= seen + 1e-12
    ]
    worst = max(
        sum(
            scipy_stats.multinomial.pmf([*one, n - sum(one)], n, [psi / 2, psi / 2, 1 - psi])
            for one in tables
        )
        for psi in (step / 60 for step in range(1, 61))
    )
    assert worst - 1e-9 <= unconditional_p(b, c, n) <= worst + 2e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tango(3, 3, 5), "together n at most, got 3, 3, n=5"),
        (lambda: tango(-1, 0, 5), "0 or more"),
        (lambda: pseudo_pairs([2.0]), "differences lie between ±spread = ±1.0, got 2.0"),
        (lambda: pseudo_pairs([math.nan]), "finite numbers, got nan"),
        (lambda: pseudo_pairs([0.0], spread=0), "spread is finite and above 0, got 0"),
        (lambda: unconditional_p(3, 3, 5), "b + c is n at most"),
    ],
)
def test_what_is_no_difference_is_refused(call: object, message: str) -> None:
    """With what was got and what is allowed."""
    with pytest.raises(ValueError) as caught:
        call()  # type: ignore[operator]
    assert message in str(caught.value)
