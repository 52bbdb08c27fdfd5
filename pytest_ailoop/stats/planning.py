"""What the comparison of two runs could have seen, and what it would take to settle it.

Both follow the rule of the verdicts: *same* where the lower bound is -margin or more, *regressed*
where the upper bound lies below 0 besides. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_ailoop.stats.normal import normal_cdf, normal_quantile
from pytest_ailoop.stats.power import fewest
from pytest_ailoop.stats.special import t_quantile

__all__ = ["Plan", "cases_for_mean", "cases_to_settle", "detectable_drop", "trials_to_settle"]

_MOST_TRIALS = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A comparison as far as planning needs it, on a scale of length 1, higher being better."""

    n: int
    """Pairs of cases."""
    difference: float
    """Mean of the differences, candidate less base."""
    variance: float
    """Their variance."""
    margin: float
    alpha: float
    growth: float
    """1/K where trials pass or miss, K trials of the candidate: new losses bring a variance of
    x(1-x)/K for a drop of x. 0 for graded scores, which are taken to shift."""
    weight: float
    """Pseudo-pairs on each side; 0 for Tango's interval."""


def detectable_drop(plan: Plan, power: float = 0.8) -> float | None:
    """Return the smallest drop that a run like this calls regressed with probability *power*.

    The x > 0 with `x - z_b sd(x) = max(z_a se(x), margin - z_a se(x))`: below 0 and below the
    margin must both be shown (Connor 1987 for margins that do not bind). The variance is that of
    no change, `v - excess (1 - excess) growth`, plus x (1-x) growth. A share of the scale; None
    where not even the whole scale would be seen.
    """
    noise = math.sqrt(plan.variance / plan.n) if plan.n else 0.0
    # What the seen difference exceeds its own noise by is taken for real.
    excess = max(0.0, abs(plan.difference) - noise)
    calm = max(0.0, plan.variance - plan.growth * excess * (1 - excess))

    def seen(drop: float) -> bool:
        variance = calm + plan.growth * drop * (1 - drop)
        centre, reach, sd = _spread(plan, plan.n, -drop, variance)
        edge = min(-reach, reach - plan.margin)
        return _below(edge, centre, sd) >= power

    if not plan.n or not seen(1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


def cases_to_settle(plan: Plan, power: float = 0.8) -> int | None:
    """Return how many cases would settle it with probability *power* if all goes on as seen.

    More than there are; None beyond a million.
    """

    def settled(n: int) -> bool:
        return _settles(plan, n, plan.variance) >= power

    return fewest(settled, plan.n + 1)


def trials_to_settle(
    plan: Plan, within: float | None, trials: int, power: float = 0.8
) -> int | None:
    """Return how many trials of the candidate would settle it with the cases that there are.

    *within*: variance of one trial of the candidate within a case, None where it is not known (one
    trial only); *trials*: how many there are. The base stays as it is. None where no number does.
    """
    if within is None:
        return None
    fixed = max(0.0, plan.variance - within / trials)

    def settled(count: int) -> bool:
        return _settles(plan, plan.n, fixed + within / count) >= power

    return fewest(settled, trials + 1, _MOST_TRIALS)


def cases_for_mean(
    n: int,
    mean: float,
    variance: float,
    bar: float,
    *,
    alpha: float = 0.05,
    weight: float = 1.5,
    power: float = 0.8,
) -> int | None:
    """Return how many cases tell a mean from a *bar* by `clustered.pseudo_mean`, *alpha* a side.

    On the scale from 0 to 1, if they go on with this *mean* and *variance*; more than *n*. None
    beyond a million.
    """

    def settled(count: int) -> bool:
        size = count + 2 * weight
        centre = (count * mean + weight) / size
        square = (count * (variance + mean * mean) + weight) / size
        error = math.sqrt(max(0.0, square - centre * centre) / size)
        reach = t_quantile(1 - alpha, size - 1) * error
        sd = math.sqrt(count * variance) / size
        missed = _below(bar - reach, centre, sd)
        reached = 1 - _below(bar + reach, centre, sd)
        return missed + reached >= power

    return fewest(settled, n + 1)


def _settles(plan: Plan, n: int, variance: float) -> float:
    """Return the probability of a verdict other than inconclusive."""
    centre, reach, sd = _spread(plan, n, plan.difference, variance)
    safe = reach - plan.margin
    return 1 - _below(safe, centre, sd) + _below(min(-reach, safe), centre, sd)


def _spread(plan: Plan, n: int, difference: float, variance: float) -> tuple[float, float, float]:
    """Return the expected estimate, the half width of its interval, and its standard deviation."""
    if not plan.weight:
        null = variance + difference * difference
        reach = normal_quantile(1 - plan.alpha) * math.sqrt(null / n)
        return difference, reach, math.sqrt(variance / n)
    size = n + 2 * plan.weight
    centre = difference * n / size
    square = (n * (variance + difference * difference) + 2 * plan.weight) / size
    error = math.sqrt(max(0.0, square - centre * centre) / size)
    reach = t_quantile(1 - plan.alpha, size - 1) * error
    return centre, reach, math.sqrt(n * variance) / size


def _below(edge: float, centre: float, sd: float) -> float:
    """Return the probability of an estimate below *edge*."""
    return normal_cdf((edge - centre) / sd) if sd else float(centre < edge)
