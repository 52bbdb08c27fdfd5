"""What a run can see, and how many cases it takes: power, detectable drop, cases to settle.

All answers are plans, by normal approximation unless said otherwise: verdicts never hang on them.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pytest_ailoop.stats import guards
from pytest_ailoop.stats.normal import normal_cdf, normal_quantile

__all__ = [
    "LIMIT",
    "Variances",
    "cases_all_passing",
    "cases_for_rate",
    "cases_for_tie",
    "connor_cases",
    "connor_power",
    "fewest",
    "miller_cases",
    "miller_effect",
    "passes_that_settle",
]

LIMIT = 1_000_000
"""More cases than this are nobody's plan: None is returned instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variances:
    """How much the difference of a case's means in two runs varies, and from what."""

    between: float
    """Variance of the true differences over cases."""
    within_base: float = 0.0
    within_candidate: float = 0.0
    """Variances of one trial within a case."""
    trials_base: int = 1
    trials_candidate: int = 1

    @property
    def whole(self) -> float:
        """Their sum, each by its trials; `ValueError` below 0, and for fewer than one trial."""
        each = (self.between, self.within_base, self.within_candidate)
        if min(each) < 0:
            raise ValueError(f"variances are 0 or more, got {each[0]!r}, {each[1]!r}, {each[2]!r}")
        guards.whole("trials_base", self.trials_base, 1)
        guards.whole("trials_candidate", self.trials_candidate, 1)
        base = self.within_base / self.trials_base
        return self.between + base + self.within_candidate / self.trials_candidate


def miller_cases(
    effect: float,
    variances: Variances,
    *,
    alpha: float = 0.05,
    sides: Literal[1, 2] = 1,
    power: float = 0.8,
) -> int:
    """Return the pairs of cases with which a mean difference of *effect* is found.

    `n = (z_a + z_b)² (w² + vA/KA + vB/KB) / effect²` (Miller 2024, eq. 9), rounded up. w² is
    the variance between cases, v that within one, over K trials. Raises `ValueError` for an effect
    of 0, variances below 0, fewer than one trial.
    """
    _refuse_effect(effect)
    return math.ceil(_both_z(alpha, sides, power) ** 2 * variances.whole / effect**2 - 1e-9)


def miller_effect(
    n: int,
    variances: Variances,
    *,
    alpha: float = 0.05,
    sides: Literal[1, 2] = 1,
    power: float = 0.8,
) -> float:
    """Return the smallest mean difference that *n* pairs of cases find; see `miller_cases`."""
    guards.whole("n", n, 1)
    return _both_z(alpha, sides, power) * math.sqrt(variances.whole / n)


def connor_cases(
    effect: float, discordance: float, *, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Return the pairs with which a one-sided test finds a drop of *effect* in paired rates.

    `n = ((z_a sqrt(ψ) + z_b sqrt(ψ - effect²)) / effect)²`, rounded up (Connor 1987), ψ the share
    of *discordance*: pairs in which one of both passes. Raises `ValueError` unless
    0 < effect <= discordance <= 1.
    """
    if not 0 < effect <= discordance <= 1:
        raise ValueError(
            f"0 < effect <= discordance <= 1, got effect={effect!r}, discordance={discordance!r}"
        )
    a, b = normal_quantile(1 - alpha), normal_quantile(power)
    root = a * math.sqrt(discordance) + b * math.sqrt(discordance - effect**2)
    return math.ceil((root / effect) ** 2 - 1e-9)


def connor_power(n: int, effect: float, discordance: float, *, alpha: float = 0.05) -> float:
    """Return the probability that *n* pairs find a drop of *effect*; see `connor_cases`."""
    guards.whole("n", n, 1)
    if not 0 < effect <= discordance <= 1:
        raise ValueError(
            f"0 < effect <= discordance <= 1, got effect={effect!r}, discordance={discordance!r}"
        )
    reach = effect * math.sqrt(n) - normal_quantile(1 - alpha) * math.sqrt(discordance)
    spread = math.sqrt(discordance - effect**2)
    return normal_cdf(reach / spread) if spread else float(reach > 0)


def cases_all_passing(bar: float, alpha: float = 0.05) -> int | None:
    """Return how many cases, all of them passing, prove a pass rate of *bar*; None for a bar of 1.

    The smallest n with `bar^n <= alpha`: then Clopper and Pearson's lower bound reaches the bar.
    Raises `ValueError` unless 0 <= bar <= 1.
    """
    guards.share("bar", bar)
    guards.inner("alpha", alpha)
    if bar == 1:
        return None
    return 1 if bar <= alpha else math.ceil(math.log(alpha) / math.log(bar) - 1e-9)


def cases_for_tie(
    margin: float, method: Literal["tango", "pseudo-pairs"] = "tango", *, alpha: float = 0.05
) -> int | None:
    """Return how many cases, all of them equal in both runs, prove "not worse by *margin*".

    With one-sided error *alpha*. Tango: z²/(n + z²) <= margin. Pseudo-pairs: by search. *margin* is
    a share of the scale, 0 to 1; None for 0. Raises `ValueError` for another.
    """
    from pytest_ailoop.stats.paired import pseudo_pairs_of

    guards.share("margin", margin)
    guards.inner("alpha", alpha)
    if margin == 0:
        return None
    if method == "tango":
        return max(1, math.ceil(normal_quantile(1 - alpha) ** 2 * (1 - margin) / margin - 1e-9))

    def proven(n: int) -> bool:
        found = pseudo_pairs_of(n, 0.0, 0.0, confidence=1 - 2 * alpha)
        return found is not None and found.interval.low >= -margin

    return fewest(proven)


def passes_that_settle(n: int, bar: float, alpha: float = 0.05) -> tuple[int, int]:
    """Return how many passes of *n* cases prove the bar, and how many or fewer prove it missed.

    By Clopper and Pearson's bounds: the smallest k with P(X >= k | bar) <= alpha, n + 1 where none
    is enough; the largest with P(X <= k | bar) < alpha, -1 where none is.
    Raises `ValueError` unless 0 <= bar <= 1 and 0 < alpha < 1.
    """
    from pytest_ailoop.stats.special import binomial_cdf, binomial_tail

    guards.whole("n", n)
    guards.share("bar", bar)
    guards.inner("alpha", alpha)
    needed = _first(n + 1, lambda k: binomial_tail(k, n, bar) <= alpha)
    hopeless = _first(n + 1, lambda k: binomial_cdf(k, n, bar) >= alpha) - 1
    return needed, hopeless


def cases_for_rate(
    rate: float, bar: float, *, alpha: float = 0.05, power: float = 0.8, least: int = 2
) -> int | None:
    """Return how many cases tell a true pass *rate* from a *bar*, whichever side it lies on.

    The smallest n, *least* or more, with which Clopper and Pearson's bounds reach a verdict with
    probability *power* (exact binomial tails; the few larger n that fall short of it again are
    passed over). None for a rate that is the bar, and beyond a million cases.
    Raises `ValueError` for a rate or bar outside of 0 to 1.
    """
    from pytest_ailoop.stats.special import binomial_cdf, binomial_tail

    guards.share("rate", rate)
    guards.share("bar", bar)
    if rate == bar or (bar == 1 and rate == 1):
        return None

    def settled(n: int) -> bool:
        needed, hopeless = passes_that_settle(n, bar, alpha)
        return binomial_tail(needed, n, rate) + binomial_cdf(hopeless, n, rate) >= power

    return fewest(settled, least)


def fewest(enough: Callable[[int], bool], least: int = 1, limit: int = LIMIT) -> int | None:
    """Return the smallest number from *least* up that is *enough*, None where *limit* is not.

    By doubling and halving: *enough* is taken to stay true once it is.
    """
    low, high = least - 1, least
    while not enough(high):
        if high >= limit:
            return None
        low, high = high, min(2 * high, limit)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _first(end: int, true_from: Callable[[int], bool]) -> int:
    """Return the first number from 0 for which *true_from* holds, *end* where it never does."""
    low, high = -1, end
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if true_from(middle) else (middle, high)
    return high


def _both_z(alpha: float, sides: int, power: float) -> float:
    guards.inner("alpha", alpha)
    guards.inner("power", power)
    return normal_quantile(1 - alpha / sides) + normal_quantile(power)


def _refuse_effect(effect: float) -> None:
    if not math.isfinite(effect) or effect == 0:
        raise ValueError(f"an effect is finite and not 0, got {effect!r}")
