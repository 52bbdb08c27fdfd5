"""Two runs over the same cases: the interval of their difference, which verdicts rest on.

Differences are candidate less base. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum

from pytest_ailoop.stats import guards
from pytest_ailoop.stats.intervals import Interval
from pytest_ailoop.stats.normal import normal_quantile
from pytest_ailoop.stats.special import t_cdf, t_quantile

__all__ = ["PseudoPairs", "pseudo_pairs", "pseudo_pairs_of", "tango", "tango_statistic"]

WEIGHT = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PseudoPairs:
    """A mean difference of bounded scores with pseudo-pairs, never without width."""

    difference: float
    """Mean difference, shrunk towards 0."""
    standard_error: float
    df: float
    interval: Interval
    p: float
    """One-sided, for the hypothesis that the candidate is not worse."""


def tango(b: float, c: float, n: int, confidence: float = 0.90) -> Interval | None:
    """Return the score interval for a difference of two paired rates, None for n = 0.

    *b*: cases that only the candidate passes; *c*: that only the base passes; *n*: all pairs.
    The difference is (b - c)/n. Bounds are where `tango_statistic` is z and -z (Tango 1998, eq. 8),
    found by false position. It stays within -1 and 1 and has width without a discordant pair, too:
    z²/(n + z²) to each side. The default 90 % are two one-sided bounds of 95 %.
    Exact error rates of the bounds: docs/statistics.md. b and c need not be whole (projections).
    Raises `ValueError` unless 0 <= b, 0 <= c, b + c <= n, and unless 0 < confidence < 1.
    """
    guards.inner("confidence", confidence)
    _refuse_counts(b, c, n)
    if n == 0:
        return None
    z = normal_quantile((1 + confidence) / 2)
    seen = (b - c) / n

    def excess(difference: float) -> float:
        """T/sqrt(T² + z²): rises and falls with T, and is finite where T is not."""
        gap, variance = _gap_and_variance(b, c, n, difference)
        return gap / math.sqrt(gap * gap + z * z * variance) if gap or variance else 0.0

    low = _root(lambda difference: excess(difference) - math.sqrt(0.5), -1.0, seen)
    return Interval(low, _root(lambda difference: excess(difference) + math.sqrt(0.5), seen, 1.0))


def tango_statistic(b: float, c: float, n: int, difference: float) -> float:
    """Return how many standard errors the rates' seen difference lies above *difference*.

    `(b - c - nD) / sqrt(n(2q + D(1-D)))` with q the likeliest share of losses given D:
    `(sqrt(B² - 4AC) - B)/(2A)`, A = 2n, B = -b - c + (2n - b + c)D, C = -cD(1-D) (Tango 1998,
    eq. 7 and 9). For D = 0 it is McNemar's (b-c)/sqrt(b+c). It falls as D grows; infinite where
    the data cannot come from D; 0 where D is what was seen.
    """
    gap, variance = _gap_and_variance(b, c, n, difference)
    if variance == 0:
        return math.copysign(math.inf, gap) if gap else 0.0
    return gap / math.sqrt(variance)


def pseudo_pairs(
    differences: Sequence[float],
    *,
    spread: float = 1.0,
    confidence: float = 0.90,
    weight: float = WEIGHT,
) -> PseudoPairs | None:
    """Return the interval of the mean difference of bounded scores, None where there are none.

    *differences*: one for each case, candidate less base, of the case's means over its trials.
    *spread*: highest less lowest possible score, R. *weight* pseudo-pairs of +R and as many of -R
    are added, then Student's t: N = n + 2w, D = Σd/N, SE = sqrt(((Σd² + 2wR²)/N - D²)/N), df N - 1.
    It carries Bonett and Price (2012), who add one of each to paired rates, over to any bounded
    score; w = 2 by exact enumeration (docs/decisions/021-statistics.md).
    It is finite for one pair and has width where all differences are equal.
    Raises `ValueError` for NaN, infinity, a difference beyond ±R, and R <= 0.
    """
    guards.finite("pseudo_pairs", differences)
    if differences and max(map(abs, differences)) > spread * (1 + 1e-9):
        found = max(differences, key=abs)
        raise ValueError(f"differences lie between ±spread = ±{spread!r}, got {found!r}")
    squares = fsum(one * one for one in differences)
    return pseudo_pairs_of(
        len(differences),
        fsum(differences),
        squares,
        spread=spread,
        confidence=confidence,
        weight=weight,
    )


def pseudo_pairs_of(
    n: float,
    total: float,
    squares: float,
    *,
    spread: float = 1.0,
    confidence: float = 0.90,
    weight: float = WEIGHT,
) -> PseudoPairs | None:
    """Return what `pseudo_pairs` does, from the number, sum and sum of squares of differences."""
    guards.inner("confidence", confidence)
    if not 0 < spread < math.inf:
        raise ValueError(f"spread is finite and above 0, got {spread!r}")
    if n == 0:
        return None
    size = n + 2 * weight
    mean = total / spread / size
    square = (squares / spread / spread + 2 * weight) / size
    error = math.sqrt(max(0.0, square - mean * mean) / size)
    half = t_quantile((1 + confidence) / 2, size - 1) * error
    return PseudoPairs(
        difference=spread * mean,
        standard_error=spread * error,
        df=size - 1,
        interval=Interval(spread * max(-1.0, mean - half), spread * min(1.0, mean + half)),
        p=t_cdf(mean / error, size - 1),
    )


def _refuse_counts(b: float, c: float, n: int) -> None:
    if not (b >= 0 and c >= 0 and b + c <= n + 1e-9):
        raise ValueError(f"b and c are 0 or more and together n at most, got {b!r}, {c!r}, n={n!r}")


def _gap_and_variance(b: float, c: float, n: int, difference: float) -> tuple[float, float]:
    gap = b - c - n * difference
    spread = difference * (1 - difference)
    linear = -b - c + (2 * n - b + c) * difference
    root = math.sqrt(max(0.0, linear * linear + 8 * n * c * spread))
    # Of the two ways to write the root, the one in which nothing cancels.
    losses = (root - linear) / (4 * n) if linear <= 0 else 2 * c * spread / (root + linear)
    return gap, max(0.0, n * (2 * losses + spread))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where *function* falls through 0: false position, by the rule called Illinois."""
    at_low, at_high = function(low), function(high)
    if at_low <= 0 or at_high >= 0:
        return low if at_low <= 0 else high
    side = 0
    while high - low > 1e-14:
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        found = function(middle)
        if found == 0 or not low < middle < high:
            return middle
        if found > 0:
            low, at_low, at_high = middle, found, at_high / 2 if side > 0 else at_high
        else:
            high, at_high, at_low = middle, found, at_low / 2 if side < 0 else at_low
        side = 1 if found > 0 else -1
    return (low + high) / 2
