"""Where a pass rate lies: Wilson's interval for show, Clopper and Pearson's for decisions.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pytest_ailoop.stats import guards
from pytest_ailoop.stats.normal import normal_quantile

__all__ = ["Interval", "clopper_pearson", "clopper_pearson_bound", "wilson"]


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true value lies, with the confidence that was asked for."""

    low: float
    high: float


def wilson(k: float, n: int, confidence: float = 0.95) -> Interval | None:
    """Return the interval for a rate of which *k* of *n* were seen, None for n = 0.

    Score interval without continuity correction (Wilson 1927; formula 3 in Newcombe,
    "Two-sided confidence intervals for the single proportion", 1998), with z the normal quantile:
    `(p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)`. It stays within 0 and 1 and has width
    also where all or none passed. Trials of one case are not independent: give it cases, *k* being
    then the sum of their shares and no whole number.
    Raises `ValueError` unless 0 <= k <= n and 0 < confidence < 1.
    """
    if not 0 <= k <= n:
        raise ValueError(f"k lies between 0 and n, got k={k!r}, n={n!r}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies between 0 and 1, got {confidence!r}")
    if n == 0:
        return None
    z2 = normal_quantile((1 + confidence) / 2) ** 2
    p = k / n
    centre = p + z2 / (2 * n)
    half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n)))
    scale = 1 + z2 / n
    # At the edges the bound is exactly 0 or 1; rounding must not say otherwise.
    low = 0.0 if k == 0 else (centre - half) / scale
    high = 1.0 if k == n else (centre + half) / scale
    return Interval(low, high)


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> Interval | None:
    """Return the exact interval for a rate of which *k* of *n* cases were seen, None for n = 0.

    Beta quantiles `B(a/2; k, n-k+1)` and `B(1-a/2; k+1, n-k)`, a = 1 - confidence (Clopper and
    Pearson 1934; method 5 in Newcombe 1998); 0 for k = 0, 1 for k = n. Each side leaves the true
    rate out in at most a/2 of all samples, whatever the rate: that is why decisions use it.
    Raises `ValueError` for a *k* that is no whole number (means over trials are no counts: use
    `clustered.pseudo_mean`), unless 0 <= k <= n, and unless 0 < confidence < 1.
    """
    guards.inner("confidence", confidence)
    _refuse_counts(k, n)
    if n == 0:
        return None
    alpha = (1 - confidence) / 2
    low = clopper_pearson_bound(k, n, alpha, "lower")
    return Interval(low, clopper_pearson_bound(k, n, alpha, "upper"))


def clopper_pearson_bound(
    k: int, n: int, alpha: float = 0.05, side: Literal["lower", "upper"] = "lower"
) -> float:
    """Return the exact one-sided bound that errs in at most *alpha* of all samples.

    Lower: `B(alpha; k, n-k+1)`, the rate at which *k* or more of *n* have the probability alpha.
    Upper: `B(1-alpha; k+1, n-k)` (Clopper and Pearson 1934). Of nothing the bounds are 0 and 1.
    Raises `ValueError` as `clopper_pearson` does, and unless 0 < alpha < 1.
    """
    from pytest_ailoop.stats.special import beta_quantile  # needed by gates only

    guards.inner("alpha", alpha)
    _refuse_counts(k, n)
    if side == "lower":
        return 0.0 if k == 0 else beta_quantile(alpha, k, n - k + 1)
    return 1.0 if k == n else beta_quantile(1 - alpha, k + 1, n - k)


def _refuse_counts(k: float, n: int) -> None:
    guards.whole("n", n)
    if k != int(k):
        raise ValueError(
            f"k counts cases that passed and is a whole number, got {k!r}; "
            "of means over trials take clustered.pseudo_mean"
        )
    if not 0 <= k <= n:
        raise ValueError(f"k lies between 0 and n, got k={k!r}, n={n!r}")
