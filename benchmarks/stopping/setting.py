"""What is simulated: a gate, when it looks, and how the system answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pytest_ailoop.data.gate import GateSpec

__all__ = ["SCORE", "Run", "Setting", "drawn"]

SCORE = "polite"
"""A score beside the outcome, for gates over a mean."""

_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A gate over cases whose answers are right by chance."""

    gate: GateSpec
    by: Literal["cases", "rounds"]
    """Whether it looks after each case, or after each round of trials of all cases."""
    cases: int
    rate: float
    """How likely a right answer is, on average over cases."""
    trials: int = 1
    """Of each case; by rounds, at most."""
    spread: float = 0.0
    """How much trials of a case are alike: the correlation between them. The chances of cases are
    Beta; with 1 each case is right always, or never."""
    drop: float = 0.0
    """How much worse the system is than when the baseline was accepted."""
    base_trials: int = 1
    """Of each case of the baseline."""
    best: float = 1.0
    """The score of a right answer; of a wrong one it is 0."""
    fixed: float = 0.0
    """The share of cases, the first ones, that are right for sure: the easy ones."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """The answers of one run, those that nobody asks for included."""

    number: int
    """Of the order of cases, too."""
    right: np.ndarray
    """By case and trial."""
    before: np.ndarray
    """By case: how many of the accepted trials were right."""


def drawn(one: Setting, runs: int, seed: int) -> Iterator[Run]:
    """Yield so many runs, each with new cases, answers and accepted answers."""
    chance = np.random.default_rng(seed)
    for first in range(0, runs, _AT_ONCE):
        size = min(_AT_ONCE, runs - first)
        rates = _rates(one, chance, size)
        before = chance.binomial(one.base_trials, rates)
        now = rates * ((one.rate - one.drop) / one.rate)
        right = chance.random((size, one.cases, one.trials)) < now[:, :, None]
        for at in range(size):
            yield Run(number=first + at, right=right[at], before=before[at])


def _rates(one: Setting, chance: np.random.Generator, runs: int) -> np.ndarray:
    # So that with the easy cases the mean over all of them is the rate.
    rate = (one.rate - one.fixed) / (1 - one.fixed)
    shape = (runs, one.cases)
    if one.spread == 0:
        rates = np.full(shape, rate)
    elif one.spread == 1:
        rates = (chance.random(shape) < rate).astype(float)
    else:
        weight = (1 - one.spread) / one.spread
        rates = chance.beta(rate * weight, (1 - rate) * weight, shape)
    rates[:, : round(one.fixed * one.cases)] = 1.0
    return rates
