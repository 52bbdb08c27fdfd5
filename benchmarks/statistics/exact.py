"""Error rates of comparisons of paired passes and misses, by going through all outcomes.

Of n pairs, m are discordant and b of these are gains. For each m a rule of verdicts is two numbers:
up to how many gains it says *regressed*, and from how many on it says *same* or better.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from pytest_ailoop.gates.evidence import EXACT, FEW, STEP, of_counts
from pytest_ailoop.stats.cross_checks import mcnemar
from pytest_ailoop.stats.intervals import Interval
from pytest_ailoop.stats.normal import normal_cdf, normal_quantile
from pytest_ailoop.stats.paired import WEIGHT, pseudo_pairs_of, tango_statistic
from pytest_ailoop.stats.special import t_quantile
from pytest_ailoop.stats.unconditional import unconditional_p

__all__ = [
    "DISCORDANCE",
    "MARGINS",
    "Rule",
    "direct",
    "false_alarm",
    "fine",
    "miss",
    "plain_t",
    "pseudo_pairs",
    "regressed",
    "tango",
    "tango_alone",
]

MARGINS = (0.03, 0.05, 0.10)
DISCORDANCE = np.concatenate([np.linspace(0.002, 0.1, 99), np.linspace(0.105, 1, 180)])
"""Shares of discordant pairs that are gone through."""

ALPHA = 0.05


@dataclass(frozen=True)
class Rule:
    """Verdicts over n pairs at one margin."""

    n: int
    margin: float
    regressed: np.ndarray
    """By m: up to so many gains it says *regressed*; -1 for never."""
    fine: np.ndarray
    """By m: from so many gains on it says *same* or *improved*; m + 1 for never."""


def tango(n: int, margin: float) -> Rule:
    """The rule that ships for one trial: Tango's bounds, an exact p-value."""
    z = normal_quantile(1 - ALPHA)
    critical = _critical(n)

    def alarm(b: int, c: int) -> bool:
        if n < FEW and mcnemar(b, c, "less").exact > ALPHA:
            return False
        return tango_statistic(b, c, n, 0.0) <= critical

    def fine(b: int, c: int) -> bool:
        step = min(STEP / 2, b) if 2 * (b + c) > n else 0.0
        return tango_statistic(b - step, c + step, n, -margin) >= z

    return _rule(n, margin, alarm, fine)


@functools.cache
def _critical(n: int) -> float:
    """The largest statistic with a p-value of 5 % or less; p hangs on it alone, and rises with it.

    Found by halving over all outcomes, as 250 pairs have 31,000 of them.
    """
    if n > EXACT:
        return -normal_quantile(1 - ALPHA)
    tables = {
        round(tango_statistic(b, m - b, n, 0.0), 12): (b, m - b)
        for m in range(1, n + 1)
        for b in range((m + 1) // 2)
    }
    found = sorted(value for value in tables if normal_cdf(value) <= ALPHA)
    low, high = -1, len(found)
    while high - low > 1:
        middle = (low + high) // 2
        enough = unconditional_p(*tables[found[middle]], n) <= ALPHA
        low, high = (middle, high) if enough else (low, middle)
    return found[low] + 1e-9 if low >= 0 else -np.inf


def tango_alone(n: int, margin: float) -> Rule:
    """A mutant: Tango's bounds for both."""
    z = normal_quantile(1 - ALPHA)
    return _rule(
        n,
        margin,
        lambda b, c: tango_statistic(b, c, n, 0.0) < -z,
        lambda b, c: tango_statistic(b, c, n, -margin) >= z,
    )


def pseudo_pairs(n: int, margin: float, weight: float = WEIGHT, step: float = STEP) -> Rule:
    """The rule that ships for graded scores and several trials; with a *step* of 0 a mutant."""

    def bound(b: int, c: int, way: int) -> Interval:
        total = b - c + way * step * (2 * (b + c) > n)
        found = pseudo_pairs_of(n, total, b + c, weight=weight, confidence=1 - 2 * ALPHA)
        assert found is not None
        return found.interval

    return _rule(
        n, margin, lambda b, c: bound(b, c, 1).high < 0, lambda b, c: bound(b, c, -1).low >= -margin
    )


def plain_t(n: int, margin: float) -> Rule:
    """A mutant: Student's t of the differences, as most tools have it."""
    t = t_quantile(1 - ALPHA, n - 1)

    def bounds(b: int, c: int) -> tuple[float, float]:
        mean = (b - c) / n
        error = np.sqrt(max(0.0, (b + c) / n - mean * mean) / (n - 1))
        return mean - t * error, mean + t * error

    return _rule(
        n, margin, lambda b, c: bounds(b, c)[1] < 0, lambda b, c: bounds(b, c)[0] >= -margin
    )


def false_alarm(rule: Rule, most: float = 1.0) -> float:
    """The largest chance of *regressed* where nothing changed, discordance up to *most*."""
    m = np.arange(rule.n + 1)
    given = binom.cdf(np.minimum(rule.regressed, rule.fine - 1), m, 0.5)
    shares = DISCORDANCE[most >= DISCORDANCE]
    return float((binom.pmf(m, rule.n, shares[:, None]) @ given).max())


def miss(rule: Rule, most: float = 1.0) -> float:
    """The largest chance of *same* or *improved* where the loss is the margin."""
    m = np.arange(rule.n + 1)
    shares = np.append(
        DISCORDANCE[(rule.margin < DISCORDANCE) & (most >= DISCORDANCE)], rule.margin
    )
    gains = (shares - rule.margin) / 2 / shares
    given = binom.sf(rule.fine - 1, m, gains[:, None])
    return float((binom.pmf(m, rule.n, shares[:, None]) * given).sum(axis=1).max())


def regressed(rule: Rule, base: float, rate: float) -> float:
    """The chance of *regressed* at pass rates that are independent of each other."""
    m = np.arange(rule.n + 1)
    gains, losses = (1 - base) * rate, base * (1 - rate)
    given = binom.cdf(np.minimum(rule.regressed, rule.fine - 1), m, gains / (gains + losses))
    return float(binom.pmf(m, rule.n, gains + losses) @ given)


def fine(rule: Rule, base: float, rate: float) -> float:
    """The chance of *same* or *improved* at pass rates that are independent of each other."""
    m = np.arange(rule.n + 1)
    gains, losses = (1 - base) * rate, base * (1 - rate)
    given = binom.sf(rule.fine - 1, m, gains / (gains + losses))
    return float(binom.pmf(m, rule.n, gains + losses) @ given)


def _rule(
    n: int,
    margin: float,
    alarm: Callable[[int, int], bool],
    fine: Callable[[int, int], bool],
) -> Rule:
    """For each m both change once as gains rise (a test holds this against all outcomes)."""
    regressed, first = [], []
    for m in range(n + 1):
        regressed.append(_first(m, lambda b, m=m: not alarm(b, m - b)) - 1)
        first.append(_first(m, lambda b, m=m: fine(b, m - b)))
    return Rule(n, margin, np.array(regressed), np.array(first))


def _first(m: int, holds: Callable[[int], bool]) -> int:
    low, high = -1, m + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def direct(n: int, margin: float, *, graded: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Both numbers of the shipped rule, found by asking it of every outcome."""
    from pytest_ailoop.gates.evidence import of_differences, status_of

    regressed, fine = np.full(n + 1, -1), np.arange(1, n + 2)
    for m in range(n + 1):
        for b in range(m + 1):
            differences = [1.0] * b + [-1.0] * (m - b) + [0.0] * (n - m)
            found = of_differences(differences) if graded else of_counts(b, m - b, n)
            status = status_of(found, n, margin)
            if status == "regressed":
                regressed[m] = b
            elif status in ("same", "improved"):
                fine[m] = min(fine[m], b)
    return regressed, fine
