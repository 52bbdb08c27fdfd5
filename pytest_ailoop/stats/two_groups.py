"""Two groups of different cases: whether one passes, or scores, less than the other.

For exploring, where the groups were not drawn but found: a slice of the cases and the rest.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from pytest_ailoop.stats import guards
from pytest_ailoop.stats.normal import normal_cdf

__all__ = ["fisher_exact", "rank_sum"]

#: Ways that are as likely as what was seen count too, whatever their last digits.
_SLACK = 1 + 1e-7
_NOTHING = 1e-300


def fisher_exact(passed: int, n: int, rest_passed: int, rest_n: int) -> float:
    """Return the p-value of Fisher's exact test, two-sided: whether two pass rates differ.

    Both margins fixed, X ~ hypergeometric; `p = Σ P(X = x)` over all x that are no more likely than
    *passed* (Fisher 1935; two-sided by likelihood: Freeman and Halton 1951). Never errs more often
    than it says. One where either group is empty. Raises `ValueError` unless 0 <= passed <= n in
    both groups.
    """
    for name, part, whole in (("passed", passed, n), ("rest_passed", rest_passed, rest_n)):
        guards.whole(name, part)
        if part > whole:
            raise ValueError(f"{name} lies between 0 and {whole!r}, got {part!r}")
    total = passed + rest_passed
    fewest, most = max(0, total - rest_n), min(n, total)
    peak = max(fewest, min(most, (n + 1) * (total + 1) // (n + rest_n + 2)))
    weights = {peak: 1.0, **dict(_above(peak, most, total, n, rest_n))}
    weights.update(_below(peak, fewest, total, n, rest_n))
    seen = weights.get(passed, 0.0) * _SLACK
    likely = math.fsum(one for one in weights.values() if one <= seen)
    return min(1.0, likely / math.fsum(weights.values()))


def _above(peak: int, most: int, total: int, n: int, m: int) -> Iterator[tuple[int, float]]:
    """Yield each x above *peak* with how likely it is beside it: by P(x + 1)/P(x)."""
    weight = 1.0
    for x in range(peak, most):
        weight *= (n - x) * (total - x) / ((x + 1) * (m - total + x + 1))
        if weight < _NOTHING:
            return
        yield x + 1, weight


def _below(peak: int, fewest: int, total: int, n: int, m: int) -> Iterator[tuple[int, float]]:
    weight = 1.0
    for x in range(peak, fewest, -1):
        weight *= x * (m - total + x) / ((n - x + 1) * (total - x + 1))
        if weight < _NOTHING:
            return
        yield x - 1, weight


def rank_sum(values: Sequence[float], rest: Sequence[float]) -> float:
    """Return the two-sided p-value of the rank-sum test: whether one group tends to lie lower.

    `U = R - n(n+1)/2`, R the sum of the midranks of *values* among all N; normal, with
    `Var U = nm/12 (N + 1 - Σ(t³ - t)/(N(N-1)))` over ties of t, and half a step taken off for
    continuity (Wilcoxon 1945; Mann and Whitney 1947; ties: Lehmann 1975, 1.4). It asks nothing of
    the values' shape, and has no group without spread, as Welch's t has where all cases agree.
    One where either group is empty or all values are equal. Raises `ValueError` for NaN and
    infinity.
    """
    guards.finite("rank_sum", values)
    guards.finite("rank_sum", rest)
    n, m = len(values), len(rest)
    counts = Counter(chain(values, rest))
    both = n + m
    ties = sum(count**3 - count for count in counts.values())
    if not n or not m or ties == both**3 - both:
        return 1.0
    variance = n * m / 12 * (both + 1 - ties / (both * (both - 1)))
    ranks = _midranks(counts)
    u = math.fsum(ranks[one] for one in values) - n * (n + 1) / 2
    gap = max(0.0, abs(u - n * m / 2) - 0.5)
    return min(1.0, 2 * normal_cdf(-gap / math.sqrt(variance)))


def _midranks(counts: Counter[float]) -> dict[float, float]:
    found, below = {}, 0
    for value in sorted(counts):
        found[value] = below + (counts[value] + 1) / 2
        below += counts[value]
    return found
