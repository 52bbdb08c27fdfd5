"""Tails and quantiles of the normal distribution. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import functools
import math

from pytest_ailoop.stats import guards

__all__ = ["normal_cdf", "normal_quantile"]


def normal_cdf(z: float) -> float:
    """Return the probability that a standard normal value lies at or below *z*: `erfc(-z/√2)/2`.

    Precise in the far lower tail, too; for the upper one take `normal_cdf(-z)`.
    """
    return math.erfc(-z / math.sqrt(2)) / 2


@functools.lru_cache(maxsize=256)
def normal_quantile(q: float) -> float:
    """Return the z below which a standard normal value lies with probability *q*.

    Wichura's algorithm AS 241, as the standard library has it. Raises `ValueError` unless
    0 < q < 1.
    """
    from statistics import NormalDist  # 3 ms that most sessions never need

    guards.inner("q", q)
    return NormalDist().inv_cdf(q)
