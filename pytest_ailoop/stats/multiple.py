"""Many hypotheses at once: p-values adjusted for how many were asked. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Adjusted", "benjamini_hochberg", "holm"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjusted:
    """P-values after adjustment, in the order they were given."""

    values: tuple[float | None, ...]
    """None for what had no p-value."""
    m: int
    """How many hypotheses it was adjusted for: all, those without a p-value among them."""
    excluded: tuple[int, ...]
    """Places of those without a p-value (None or NaN); never rejected."""

    def rejected(self, alpha: float) -> tuple[bool, ...]:
        """Tell for each hypothesis whether it is rejected at level *alpha*."""
        return tuple(value is not None and value <= alpha for value in self.values)


def holm(p_values: Sequence[float | None]) -> Adjusted:
    """Return Holm's adjusted p-values: any false rejection at most at the level chosen.

    Sorted upwards, `adj_(i) = max_{j<=i} min(1, (m - j + 1) p_(j))` (Holm 1979), whatever the
    dependence between them. A p of None or NaN is excluded and reported, m does not shrink for it.
    Raises `ValueError` for a p outside of 0 to 1.
    """
    order, excluded, m = _ordered(p_values)
    values: list[float | None] = [None] * m
    highest = 0.0
    for rank, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, (m - rank) * p))
        values[place] = highest
    return Adjusted(values=tuple(values), m=m, excluded=excluded)


def benjamini_hochberg(p_values: Sequence[float | None]) -> Adjusted:
    """Return adjusted p-values that hold the share of false ones among all that are rejected.

    Sorted upwards, `adj_(i) = min_{j>=i} min(1, m p_(j)/j)` (Benjamini and Hochberg 1995), for
    independent or positively dependent tests. For exploring, not for gates. A p of None or NaN is
    excluded and reported, m does not shrink for it. Raises `ValueError` for a p outside of 0 to 1.
    """
    order, excluded, m = _ordered(p_values)
    values: list[float | None] = [None] * m
    lowest = 1.0
    for rank in range(len(order), 0, -1):
        p, place = order[rank - 1]
        lowest = min(lowest, m * p / rank)
        values[place] = lowest
    return Adjusted(values=tuple(values), m=m, excluded=excluded)


def _ordered(
    p_values: Sequence[float | None],
) -> tuple[list[tuple[float, int]], tuple[int, ...], int]:
    order, excluded = [], []
    for place, p in enumerate(p_values):
        if p is None or math.isnan(p):
            excluded.append(place)
        elif 0 <= p <= 1:
            order.append((p, place))
        else:
            raise ValueError(f"a p-value lies between 0 and 1, got {p!r} at place {place}")
    return sorted(order), tuple(excluded), len(p_values)
