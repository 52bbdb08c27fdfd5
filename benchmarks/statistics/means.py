"""Error rates of the bounds of a mean, by going through all outcomes of two-valued scores."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import binom

from pytest_ailoop.stats.clustered import WEIGHT, pseudo_mean

__all__ = ["errors", "lines"]

SIZES = (5, 10, 20, 50, 100, 200)
RATES = np.linspace(0.002, 0.998, 250)


def errors(n: int, low: float, high: float, weight: float = WEIGHT) -> float:
    """The largest chance that a bound of `decide_mean` at 5 % leaves the true mean out.

    Cases score *low* or *high*, both from 0 to 1; over all shares of them, both bounds.
    """
    found = [
        pseudo_mean([high] * k + [low] * (n - k), weight=weight, confidence=0.95)
        for k in range(n + 1)
    ]
    bounds = np.array([(one.interval.low, one.interval.high) for one in found if one])
    chances = binom.pmf(np.arange(n + 1), n, RATES[:, None])
    means = (low + (high - low) * RATES)[:, None]
    over = (chances * (bounds[:, 0] > means + 1e-12)).sum(axis=1).max()
    under = (chances * (bounds[:, 1] < means - 1e-12)).sum(axis=1).max()
    return float(max(over, under))


def lines() -> Iterator[tuple[str, float, float]]:
    """Yield the worst of passes and misses, and of any two scores."""
    worst = max(SIZES, key=lambda n: errors(n, 0.0, 1.0))
    yield f"mean of passes: either bound (n = {worst})", errors(worst, 0.0, 1.0), 0.05
    cells = [(n, high) for n in SIZES for high in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)]
    n, high = max(cells, key=lambda cell: errors(cell[0], 0.0, cell[1]))
    yield f"mean of scores 0 or {high:g}: either bound (n = {n})", errors(n, 0.0, high), 0.06
