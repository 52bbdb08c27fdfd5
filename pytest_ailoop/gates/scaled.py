"""Pairs on one scale from 0 to 1, higher being better, whatever they were measured in.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from math import fsum
from typing import Literal

from pytest_ailoop.data.verdict import Pair
from pytest_ailoop.frozen import dataclass

__all__ = ["Scale", "ScaledPair", "mean", "on_scale"]

_NOISE = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """From where to where a score goes, and which end is better."""

    low: float
    high: float
    direction: Literal["higher", "lower"]

    @property
    def length(self) -> float:
        return self.high - self.low

    def scaled(self, value: float) -> float:
        """Return a score on the scale from 0 to 1."""
        gap = value - self.low if self.direction == "higher" else self.high - value
        return gap / self.length

    def measured(self, value: float) -> float:
        """Return a score as it was measured."""
        gap = self.length * value
        return self.low + gap if self.direction == "higher" else self.high - gap

    def holds(self, value: float | None) -> bool:
        """Tell whether *value* is a score: a finite number on the scale."""
        return value is not None and math.isfinite(value) and self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True, slots=True)
class ScaledPair:
    """A case in both runs, from 0 to 1."""

    base: float
    candidate: tuple[float, ...]
    """Scored trials."""
    missing: int

    @property
    def value(self) -> float:
        """Mean of the scored trials; there is one or more."""
        return fsum(self.candidate) / len(self.candidate)

    @property
    def difference(self) -> float:
        """How much better the scored trials are than the base."""
        return _gap(self.value, self.base)

    @property
    def worst(self) -> float:
        """The same, if every trial that was not scored had the worst score."""
        trials = len(self.candidate) + self.missing
        return _gap(fsum(self.candidate) / trials, self.base)


def on_scale(pair: Pair, scale: Scale) -> ScaledPair:
    """Return *pair* from 0 to 1; what is no score on the scale is missing."""
    kept = tuple(
        scale.scaled(one) for one in pair.candidate if one is not None and scale.holds(one)
    )
    missing = len(pair.candidate) - len(kept)
    return ScaledPair(base=scale.scaled(pair.base), candidate=kept, missing=missing)


def mean(values: Iterable[float]) -> float:
    """Return the mean of one value or more."""
    found = list(values)
    return fsum(found) / len(found)


def _gap(now: float, before: float) -> float:
    gap = now - before
    # Means of the same trials may differ in their last digits; that is no case that moved.
    return gap if abs(gap) > _NOISE else 0.0
