"""Mean and percentile of plain numbers. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["mean", "percentile"]


def mean(values: Iterable[float]) -> float | None:
    """Return the arithmetic mean of finite *values*, None where there are none.

    The sum is exact before it is rounded once (`math.fsum`). Sorted, because whether a sum on the
    way overflows hangs on the order: values in any order have one mean.
    """
    found = sorted(values)
    if not found:
        return None
    try:
        return math.fsum(found) / len(found)
    except OverflowError:
        return math.fsum(value / len(found) for value in found)


def percentile(values: Iterable[float], q: float) -> float | None:
    """Return the *q*-th percentile (0 to 100) of finite *values*, None where there are none.

    Linear interpolation between the two nearest ranks: type 7 of Hyndman and Fan, "Sample
    Quantiles in Statistical Packages", 1996; what `numpy.percentile` does by default. Raises
    `ValueError` for a *q* outside of 0 to 100.
    """
    if not 0 <= q <= 100:
        raise ValueError(f"a percentile lies between 0 and 100, got {q!r}")
    found = sorted(values)
    if not found:
        return None
    rank = (len(found) - 1) * q / 100
    below, above = found[math.floor(rank)], found[math.ceil(rank)]
    share = rank - math.floor(rank)
    # As a weighted sum, not below + share * (above - below): that can leave the two for large ones.
    return min(max(below * (1 - share) + above * share, below), above)
