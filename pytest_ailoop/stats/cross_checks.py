"""Two runs over the same cases by other means: McNemar, sign flips, bootstrap.

They hold the intervals of `paired` to account: verdicts on fewer than ten cases need McNemar or
sign flips besides. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Literal

from pytest_ailoop.stats import guards
from pytest_ailoop.stats.intervals import Interval

if TYPE_CHECKING:
    from random import Random

__all__ = ["Alternative", "McNemar", "bootstrap", "mcnemar", "sign_flip"]

Alternative = Literal["two-sided", "less", "greater"]
"""`less`: the candidate is worse."""

_EXACT = 16
"""Up to as many differences (65,536 ways to flip them) all ways are gone through."""


@dataclass(frozen=True, kw_only=True, slots=True)
class McNemar:
    """Two p-values for paired passes and misses."""

    exact: float
    """Never errs more often than it says."""
    mid_p: float
    """Less timid, and never seen to err more often than it says."""


def mcnemar(b: int, c: int, alternative: Alternative = "two-sided") -> McNemar:
    """Return the p-values of McNemar's test for *b* gains and *c* losses, conditional on b + c.

    Two-sided `exact = min(1, 2 Σ_{i<=m} C(N,i)/2^N)`, m = min(b, c), N = b + c, and
    `mid-p = exact - C(N,m)/2^N`, for b = c `1 - C(N,m)/2^N / 2`; one-sided the tail, with half of
    what was seen for mid-p (Fagerland, Lydersen and Laake 2013, BMC Med Res Methodol 13:91). No
    discordant pair gives 1, 1. Raises `ValueError` for counts below 0 or not whole.
    """
    from pytest_ailoop.stats.special import binomial_cdf, binomial_pmf

    guards.whole("b", b)
    guards.whole("c", c)
    n = b + c
    if n == 0:
        return McNemar(exact=1.0, mid_p=1.0)
    if alternative != "two-sided":
        worst = b if alternative == "less" else c
        tail, seen = binomial_cdf(worst, n, 0.5), binomial_pmf(worst, n, 0.5)
        return McNemar(exact=tail, mid_p=tail - seen / 2)
    seen = binomial_pmf(min(b, c), n, 0.5)
    if b == c:
        return McNemar(exact=1.0, mid_p=1 - seen / 2)
    exact = min(1.0, 2 * binomial_cdf(min(b, c), n, 0.5))
    return McNemar(exact=exact, mid_p=exact - seen)


def sign_flip(
    differences: Sequence[float],
    alternative: Alternative = "two-sided",
    *,
    seed: int = 0,
    draws: int = 10_000,
) -> float:
    """Return the p-value of the permutation test that flips the sign of each difference.

    The hypothesis: differences lie symmetrically around 0 (Fisher 1935; Good, "Permutation Tests",
    2000, 3.2). Exact for 16 differences other than 0 or fewer (those of 0 change nothing), else by
    *draws* seeded with *seed*, p = (1 + hits)/(1 + draws). Nothing but zeros gives 1.
    Raises `ValueError` for NaN, infinity, and fewer than one draw.
    """
    guards.finite("sign_flip", differences)
    guards.whole("draws", draws, 1)
    sizes = [abs(one) for one in differences if one]
    if not sizes:
        return 1.0
    seen = fsum(differences)
    # A sum may differ in its last digits by the order of its terms alone.
    slack = 1e-9 * fsum(sizes)
    if len(sizes) <= _EXACT:
        sums = _all_sums(sizes)
        return _hits(sums, seen, slack, alternative) / len(sums)
    sums = _drawn_sums(sizes, seed, draws)
    return (1 + _hits(sums, seen, slack, alternative)) / (1 + draws)


def bootstrap(
    groups: Sequence[Sequence[float]],
    *,
    confidence: float = 0.95,
    seed: int = 0,
    draws: int = 2_000,
) -> Interval | None:
    """Return the percentile interval of the mean of all values, whole groups drawn anew.

    A group holds the values (or differences) of one case (Efron and Tibshirani, "An Introduction
    to the Bootstrap", 1993, 13.3; Davison and Hinkley 1997, 3.8 for clusters). None for fewer than
    two groups, and where all have one mean: drawing equals gives equals, which is no certainty.
    Too narrow for few groups: a cross-check, never what decides. Raises `ValueError` for empty
    groups, NaN, infinity, fewer than one draw, and unless 0 < confidence < 1.
    """
    from random import Random

    guards.inner("confidence", confidence)
    guards.whole("draws", draws, 1)
    for group in groups:
        guards.finite("bootstrap", group)
        if not group:
            raise ValueError("a group has one value or more, got an empty one")
    parts = [(fsum(group), len(group)) for group in groups]
    if len({total / size for total, size in parts}) < 2:
        return None
    chance = Random(seed)
    means = sorted(_drawn_mean(parts, chance) for _ in range(draws))
    cut = (1 - confidence) / 2 * (draws - 1)
    return Interval(means[math.floor(cut)], means[math.ceil(draws - 1 - cut)])


def _drawn_mean(parts: Sequence[tuple[float, int]], chance: Random) -> float:
    drawn = chance.choices(parts, k=len(parts))
    return fsum(total for total, _ in drawn) / sum(size for _, size in drawn)


def _all_sums(sizes: Sequence[float]) -> list[float]:
    sums = [0.0]
    for size in sizes:
        sums = [one + size for one in sums] + [one - size for one in sums]
    return sums


def _drawn_sums(sizes: Sequence[float], seed: int, draws: int) -> list[float]:
    """Return sums under random signs; eight signs at once, by a table of their 256 sums."""
    from random import Random

    chance = Random(seed)
    tables = [_all_sums(sizes[start : start + 8]) for start in range(0, len(sizes), 8)]
    masks = [len(table) - 1 for table in tables]
    count = len(tables)
    return [
        sum(
            table[byte & mask]
            for table, byte, mask in zip(tables, chance.randbytes(count), masks, strict=True)
        )
        for _ in range(draws)
    ]


def _hits(sums: Sequence[float], seen: float, slack: float, alternative: Alternative) -> int:
    if alternative == "less":
        return sum(one <= seen + slack for one in sums)
    if alternative == "greater":
        return sum(one >= seen - slack for one in sums)
    return sum(abs(one) >= abs(seen) - slack for one in sums)
