"""From differences to bounds, and from bounds to a status: the rule that comparisons follow.

On a scale from 0 to 1, higher being better. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import Literal

from pytest_ailoop.frozen import dataclass
from pytest_ailoop.stats.cross_checks import mcnemar
from pytest_ailoop.stats.normal import normal_cdf
from pytest_ailoop.stats.paired import (
    PseudoPairs,
    pseudo_pairs,
    pseudo_pairs_of,
    tango,
    tango_statistic,
)
from pytest_ailoop.stats.unconditional import unconditional_p

__all__ = ["EXACT", "FEW", "RATES", "Evidence", "of_counts", "of_differences", "status_of"]

FEW = 10
"""With fewer pairs of one trial, *regressed* needs McNemar's exact test besides."""

EXACT = 250
"""Up to as many pairs the p-value of paired rates is exact; beyond, the approximation is."""

STEP = 0.5
"""Where more than half of the pairs changed, few sums are possible, and each is likely: then that
share of the smallest change is taken off before a claim (docs/decisions/021-statistics.md)."""

_DIGITS = 1e-6
"""Means are accepted with six decimals: what lies within them did not change."""

RATES = "Tango score interval"
"""The method for passes and misses of one trial each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What paired differences say about the candidate."""

    low: float
    high: float
    """One-sided bounds of the mean difference."""
    p: float
    """Probability of a drop like this where nothing got worse; one-sided."""
    method: str


def of_counts(gains: int, losses: int, n: int, alpha: float = 0.05) -> Evidence:
    """Return what *n* pairs of one trial each say that pass or miss: Tango's interval.

    Where more than half of them changed, the lower bound is that of `STEP` less.
    The p-value is McNemar's `(b - c)/sqrt(b + c)`; where that would do, and up to 250 pairs, the
    exact unconditional one takes its place, so that no more than alpha are false alarms.
    Raises `ValueError` for n = 0.
    """
    interval = tango(gains, losses, n, 1 - 2 * alpha)
    if interval is None:
        raise ValueError("of no pairs there is no evidence")
    low = interval.low
    if _is_coarse(gains + losses, n):
        # A loss in place of a gain is a difference of two: half a step moves each by a quarter.
        step = min(STEP / 2, gains)
        moved = tango(gains - step, losses + step, n, 1 - 2 * alpha)
        low = moved.low if moved else low
    p = normal_cdf(tango_statistic(gains, losses, n, 0.0))
    if p <= alpha and n <= EXACT:
        p = max(p, unconditional_p(gains, losses, n))
    if n < FEW:
        p = max(p, mcnemar(gains, losses, "less").exact)
    return Evidence(low=low, high=interval.high, p=p, method=RATES)


def _is_coarse(changed: int, n: int) -> bool:
    return 2 * changed > n


def of_differences(differences: Sequence[float], alpha: float = 0.05) -> Evidence:
    """Return what the differences of cases' means say: Student's t with pseudo-pairs.

    Where more than half of the cases changed, `STEP` of the smallest change is taken off first.
    For few cases its p-value is larger than that of sign flips, wherever it is 5 % or less.
    Raises `ValueError` where there are none.
    """
    found = pseudo_pairs(differences, confidence=1 - 2 * alpha)
    if found is None:
        raise ValueError("of no pairs there is no evidence")
    low = high = found
    sizes = [abs(one) for one in differences if abs(one) > _DIGITS]
    if _is_coarse(len(sizes), len(differences)):
        step = STEP * min(sizes)
        low, high = (_moved(differences, way * step, alpha) or found for way in (-1, 1))
    return Evidence(low=low.interval.low, high=high.interval.high, p=high.p, method="pseudo-pair t")


def _moved(differences: Sequence[float], by: float, alpha: float) -> PseudoPairs | None:
    squares = fsum(one * one for one in differences)
    total = fsum(differences) + by
    return pseudo_pairs_of(len(differences), total, squares, confidence=1 - 2 * alpha)


def status_of(
    found: Evidence, n: int, margin: float, alpha: float = 0.05
) -> Literal["improved", "same", "regressed", "inconclusive"]:
    """Return the verdict of *n* pairs, the first that holds; one pair is never enough.

    improved: low > 0. same: low >= -margin. regressed: high < 0 and p <= alpha, low being below
    -margin. inconclusive: all else.
    """
    if n < 2:
        return "inconclusive"
    if found.low > 0:
        return "improved"
    if found.low >= -margin:
        return "same"
    return "regressed" if found.high < 0 and found.p <= alpha else "inconclusive"
