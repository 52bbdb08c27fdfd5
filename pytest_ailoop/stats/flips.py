"""One case over its trials: whether it wavers, and whether it broke. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

from pytest_ailoop.stats import guards

__all__ = ["fisher_one_sided", "flip_rate", "trials_to_name_a_flip"]

_MOST = 1000


def flip_rate(passed: Sequence[float]) -> float | None:
    """Return the chance that two trials of a case disagree, None for fewer than two.

    `2c(K-c)/(K(K-1))` for c passes in K trials, 0 to 1: unbiased for 2p(1-p), Gini's index
    (Light and Margolin 1971). 0 is steady, 0.5 a coin. Raises `ValueError` for a trial that is
    neither 0 nor 1.
    """
    guards.binary("flip_rate", passed)
    trials = len(passed)
    if trials < 2:
        return None
    passes = sum(value == 1 for value in passed)
    return 2 * passes * (trials - passes) / (trials * (trials - 1))


def fisher_one_sided(base_passed: int, base_n: int, passed: int, n: int) -> float:
    """Return how likely so few passes are, if the case is no worse than it was: Fisher's exact p.

    `Σ_{i<=passed} C(n, i) C(base_n, S - i)/C(n + base_n, S)`, S all passes (Fisher 1935). One
    where either side has no trial. Raises `ValueError` unless 0 <= passed <= n on both sides.
    """
    for name, part, whole in (("base_passed", base_passed, base_n), ("passed", passed, n)):
        guards.whole(name, part)
        if part > whole:
            raise ValueError(f"{name} lies between 0 and {whole!r}, got {part!r}")
    total = passed + base_passed
    fewest = max(0, total - base_n)
    ways = sum(comb(n, i) * comb(base_n, total - i) for i in range(fewest, passed + 1))
    return ways / comb(n + base_n, total)


def trials_to_name_a_flip(cases: int = 1, alpha: float = 0.05) -> int:
    """Return how many trials on both sides it takes to say that one case of *cases* broke.

    From all passed to none: Fisher's p is 1/C(2K, K); Holm asks of the first of *cases* that it be
    alpha/cases at most. Raises `ValueError` for fewer than one case, and unless 0 < alpha < 1.
    """
    guards.whole("cases", cases, 1)
    guards.inner("alpha", alpha)
    return next(k for k in range(1, _MOST) if cases <= alpha * comb(2 * k, k) * (1 + 1e-12))
