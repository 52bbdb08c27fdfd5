"""The verdict over a rate or a mean that is held against a bar; pure. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from math import fsum
from typing import Literal

from pytest_ailoop.data.verdict import ThresholdStatus, ThresholdVerdict
from pytest_ailoop.gates import wording
from pytest_ailoop.gates.comparison import MOST_UNSCORED
from pytest_ailoop.stats import guards
from pytest_ailoop.stats.clustered import WEIGHT, pseudo_mean
from pytest_ailoop.stats.intervals import clopper_pearson_bound
from pytest_ailoop.stats.planning import cases_for_mean
from pytest_ailoop.stats.power import cases_all_passing, cases_for_rate

__all__ = ["decide_mean", "decide_rate"]


def decide_rate(
    k: int, n: int, bar: float, alpha: float = 0.05, *, unscored: int = 0
) -> ThresholdVerdict:
    """Return whether the pass rate that *k* of *n* cases come from reaches *bar*.

    passed: Clopper and Pearson's lower bound is the bar or more; failed: the upper one lies below
    it; each with error *alpha*. Else inconclusive; one case is always. invalid: no case, or more
    than 2 % *unscored* (cases beside the n). With some unscored, the verdict must be the same if
    they were all missed. A bar of 1 cannot be shown by a sample, only ruled out.
    Raises `ValueError` unless 0 <= k <= n whole, 0 <= bar <= 1, 0 < alpha < 0.5.
    """
    _refuse(bar, alpha, unscored)
    empty = ThresholdVerdict(status="invalid", bar=bar, alpha=alpha, n=n, unscored=unscored)
    low, high = _rate_bounds(k, n, alpha)
    if why := _undecidable(n, unscored):
        return replace(empty, reasons=(why, wording.INVALID))
    status = _status(low, high, bar, n)
    worst = _status(*_rate_bounds(k, n + unscored, alpha), bar, n + unscored)
    found = replace(
        empty,
        status=status if status == worst else "inconclusive",
        value=k / n,
        low=low,
        high=high,
        method="Clopper-Pearson bounds",
        needed_cases=_more_cases(k, n, bar, alpha) if status == "inconclusive" else None,
    )
    reasons = wording.threshold(found, status, worst, "at least")
    if status == worst == "inconclusive":
        reasons += wording.out_of_reach(n, bar, cases_all_passing(bar, alpha))
    return replace(found, reasons=reasons)


def decide_mean(
    case_means: Sequence[float],
    bar: float,
    low: float = 0.0,
    high: float = 1.0,
    alpha: float = 0.05,
    *,
    direction: Literal["higher", "lower"] = "higher",
    unscored: int = 0,
) -> ThresholdVerdict:
    """Return whether the mean that *case_means* come from reaches *bar*.

    One value a case, its mean over its trials: a case is one cluster. Bounds by Student's t with
    pseudo-observations (`clustered.pseudo_mean`) at alpha/2 a side, so that each errs in *alpha* at
    most, or little more for very skewed scores (docs/statistics.md). Statuses as in `decide_rate`;
    with *direction* `lower` the mean must not lie above the bar. A value that is NaN, infinite or
    outside of *low* to *high* was not scored, and is added to *unscored*.
    Raises `ValueError` for low >= high, a bar outside of them, and unless 0 < alpha < 0.5.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"low lies below high, both finite, got low={low!r}, high={high!r}")
    if not low <= bar <= high:
        raise ValueError(f"a bar lies between {low!r} and {high!r}, got {bar!r}")
    _refuse(0.0, alpha, unscored)
    kept = [one for one in case_means if math.isfinite(one) and low <= one <= high]
    unscored += len(case_means) - len(kept)
    n = len(kept)
    empty = ThresholdVerdict(status="invalid", bar=bar, alpha=alpha, n=n, unscored=unscored)
    if why := _undecidable(n, unscored):
        return replace(empty, reasons=(why, wording.INVALID))
    up = direction == "higher"
    scaled = [(one - low if up else high - one) / (high - low) for one in kept]
    aim = (bar - low if up else high - bar) / (high - low)
    bounds = _mean_bounds(scaled, alpha)
    status = _status(*bounds, aim, n)
    worst = _status(*_mean_bounds(scaled + [0.0] * unscored, alpha), aim, n + unscored)
    ends = [low + (high - low) * one if up else high - (high - low) * one for one in bounds]
    found = replace(
        empty,
        status=status if status == worst else "inconclusive",
        value=fsum(kept) / n,
        low=min(ends),
        high=max(ends),
        method="pseudo-observation t over cases",
        needed_cases=_more_for_mean(scaled, aim, alpha) if status == "inconclusive" else None,
    )
    side = "at least" if up else "at most"
    return replace(found, reasons=wording.threshold(found, status, worst, side))


def _refuse(bar: float, alpha: float, unscored: int) -> None:
    guards.share("bar", bar)
    guards.whole("unscored", unscored)
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha lies between 0 and 0.5, got {alpha!r}")


def _undecidable(n: int, unscored: int) -> str:
    if not n:
        return "no case has a score"
    return wording.too_many_unscored(unscored, n + unscored, MOST_UNSCORED)


def _status(low: float, high: float, bar: float, n: int) -> ThresholdStatus:
    if n < 2:
        return "inconclusive"
    if low >= bar:
        return "passed"
    return "failed" if high < bar else "inconclusive"


def _rate_bounds(k: int, n: int, alpha: float) -> tuple[float, float]:
    low = clopper_pearson_bound(k, n, alpha, "lower")
    return low, clopper_pearson_bound(k, n, alpha, "upper")


def _mean_bounds(scaled: Sequence[float], alpha: float) -> tuple[float, float]:
    found = pseudo_mean(scaled, confidence=1 - alpha)
    if found is None:
        raise ValueError("of no cases there are no bounds")
    return found.interval.low, found.interval.high


def _more_cases(k: int, n: int, bar: float, alpha: float) -> int | None:
    return cases_for_rate(k / n, bar, alpha=alpha, least=n + 1)


def _more_for_mean(scaled: Sequence[float], bar: float, alpha: float) -> int | None:
    n = len(scaled)
    mean = fsum(scaled) / n
    variance = fsum((one - mean) ** 2 for one in scaled) / n
    return cases_for_mean(n, mean, variance, bar, alpha=alpha / 2, weight=WEIGHT)
