"""The mean of a score over cases of which each has several trials: a case is one cluster.

Trials of one case are alike, so that they say less than as many cases would. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from pytest_ailoop.stats import guards
from pytest_ailoop.stats.intervals import Interval
from pytest_ailoop.stats.special import t_quantile

__all__ = [
    "ClusteredMean",
    "PseudoMean",
    "clustered_mean",
    "clustered_standard_error",
    "intraclass_correlation",
    "pseudo_mean",
    "standard_error",
]

WEIGHT = 1.5
"""Pseudo-observations on each side; why so many: docs/decisions/021-statistics.md."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusteredMean:
    """A mean over cases with trials, and how sure it is."""

    mean: float
    n: int
    """All values."""
    clusters: int
    """Cases."""
    standard_error: float | None
    """Clustered; None for one cluster."""
    iid_standard_error: float | None
    """What it would be if all values were independent; None for one value."""
    design_effect: float | None
    """How many times larger the variance is than with as many independent values."""
    icc: float | None
    """Share of the variance that lies between cases; below 0 where trials differ more than cases
    do; None where no case has two trials, or nothing varies."""
    interval: Interval | None
    """By Student's t with clusters - 1 degrees of freedom. None for one cluster, and where all
    clusters have one mean: nothing varied, which does not make it certain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PseudoMean:
    """A mean of bounded values with pseudo-observations, never without width."""

    mean: float
    """Shrunk towards the middle of the scale."""
    standard_error: float
    df: float
    interval: Interval
    """Cut at the ends of the scale."""


def standard_error(values: Sequence[float]) -> float | None:
    """Return the standard error of the mean of independent *values*: sd / sqrt(n), sd with n - 1.

    None for fewer than two. Miller, "Adding Error Bars to Evals", 2024 (arXiv 2411.00640), eq. 1;
    right for fractional scores, too, where `sqrt(p(1-p)/n)` is too wide. Raises `ValueError` for
    NaN and infinity.
    """
    guards.finite("standard_error", values)
    n = len(values)
    if n < 2:
        return None
    mean = fsum(values) / n
    return math.sqrt(fsum((value - mean) ** 2 for value in values) / (n - 1) / n)


def clustered_standard_error(groups: Sequence[Sequence[float]]) -> float | None:
    """Return the standard error of the mean of all values, where values of one group are alike.

    `sqrt(G/(G-1) Σ_g (Σ_i (x_ig - mean))²) / N` over G groups and N values: Miller 2024, eq. 4,
    with the correction G/(G-1) that is left out there (Liang and Zeger 1986; as in Stata's
    `vce(cluster)`). None for fewer than two groups. Empty groups are refused, as are NaN and
    infinity, by `ValueError`.
    """
    n, mean = _size_and_mean(groups)
    count = len(groups)
    if count < 2:
        return None
    squares = fsum(fsum(value - mean for value in group) ** 2 for group in groups)
    return math.sqrt(count / (count - 1) * squares) / n


def clustered_mean(
    groups: Sequence[Sequence[float]], confidence: float = 0.95
) -> ClusteredMean | None:
    """Return the mean of all values with its clustered interval, None for no groups.

    With as many trials for each case it is the mean of the cases' means. Where cases have
    different numbers of trials and each case shall count once, give the means: `[[m], ...]`.
    The interval is `mean ± t(G-1) SE`. Raises `ValueError` for empty groups, NaN, infinity, and
    unless 0 < confidence < 1.
    """
    guards.inner("confidence", confidence)
    if not groups:
        return None
    n, mean = _size_and_mean(groups)
    error = clustered_standard_error(groups)
    plain = standard_error([value for group in groups for value in group])
    return ClusteredMean(
        mean=mean,
        n=n,
        clusters=len(groups),
        standard_error=error,
        iid_standard_error=plain,
        design_effect=(error / plain) ** 2 if error is not None and plain else None,
        icc=intraclass_correlation(groups),
        interval=_t_interval(mean, error, len(groups) - 1, confidence) if error else None,
    )


def intraclass_correlation(groups: Sequence[Sequence[float]]) -> float | None:
    """Return the share of the variance that lies between groups: ICC(1) by analysis of variance.

    `(MSB - MSW) / (MSB + (m - 1) MSW)`, m the size of groups, for unequal ones
    `(N - Σn_g²/N)/(G - 1)` (Donner and Koval 1980). From -1/(m-1) to 1. None for fewer than two
    groups, where no group has two values, and where nothing varies.
    """
    n, mean = _size_and_mean(groups)
    count = len(groups)
    if count < 2 or n == count:
        return None
    means = [fsum(group) / len(group) for group in groups]
    pairs = list(zip(groups, means, strict=True))
    between = fsum(len(group) * (one - mean) ** 2 for group, one in pairs) / (count - 1)
    within = fsum((value - one) ** 2 for group, one in pairs for value in group) / (n - count)
    size = (n - sum(len(group) ** 2 for group in groups) / n) / (count - 1)
    whole = between + (size - 1) * within
    return (between - within) / whole if whole > 0 else None


def pseudo_mean(
    values: Sequence[float],
    *,
    low: float = 0.0,
    high: float = 1.0,
    confidence: float = 0.90,
    weight: float = WEIGHT,
) -> PseudoMean | None:
    """Return an interval for the mean of bounded independent *values*, None where there are none.

    *weight* pseudo-observations at *low* and as many at *high* are added, then Student's t:
    N = n + 2w, M = (Σx + w(low + high))/N, SE = sqrt(((Σx² + w(low² + high²))/N - M²)/N), df N - 1.
    It carries Agresti and Coull's interval (1998: two successes and two failures) over from rates
    to any bounded score, as Bonett and Price (2012) do for paired differences. It has width for
    one value and where all are equal. Skewed scores make a side err in up to twice its share, so
    decisions take each side at half of theirs (docs/statistics.md). Cases are independent, their
    trials are not: give it the means of cases.
    Raises `ValueError` for NaN, infinity, values outside of low to high, and low >= high.
    """
    guards.inner("confidence", confidence)
    guards.finite("pseudo_mean", values)
    if not low < high:
        raise ValueError(f"low lies below high, got low={low!r}, high={high!r}")
    if not values:
        return None
    if min(values) < low or max(values) > high:
        raise ValueError(
            f"values lie between {low!r} and {high!r}, got {min(values)!r} to {max(values)!r}"
        )
    # On the scale 0 to 1, so that neither its place nor its length costs digits.
    scale = high - low
    scaled = [(value - low) / scale for value in values]
    size = len(values) + 2 * weight
    mean = (fsum(scaled) + weight) / size
    squares = fsum(value * value for value in scaled) + weight
    error = math.sqrt(max(0.0, squares / size - mean * mean) / size)
    half = t_quantile((1 + confidence) / 2, size - 1) * error
    return PseudoMean(
        mean=low + scale * mean,
        standard_error=scale * error,
        df=size - 1,
        interval=Interval(low + scale * max(0.0, mean - half), low + scale * min(1.0, mean + half)),
    )


def _size_and_mean(groups: Sequence[Sequence[float]]) -> tuple[int, float]:
    for place, group in enumerate(groups):
        guards.finite("a group", group)
        if not group:
            raise ValueError(f"a group has one value or more, got an empty one at place {place}")
    n = sum(map(len, groups))
    return n, fsum(value for group in groups for value in group) / n if n else 0.0


def _t_interval(mean: float, error: float, df: int, confidence: float) -> Interval:
    half = t_quantile((1 + confidence) / 2, df) * error
    return Interval(mean - half, mean + half)
