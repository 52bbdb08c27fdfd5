"""How often betting errs, exactly: all ways that cases of one trial can come, gone through.

What a bet is worth hangs on how often each result was seen, not on their order. So the ways to a
set of counts are one, and of each it is known how likely it is, for many true rates at once.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.stopping.rules import bet_of, without_outlook
from pytest_ailoop.gates import specs
from pytest_ailoop.gates.bets import Bet
from pytest_ailoop.gates.evidence import of_counts, status_of
from pytest_ailoop.gates.thresholds import decide_mean

__all__ = ["Shares", "comparison", "lines", "mean"]

Counts = tuple[int, ...]

SIZES = (10, 20, 50, 100, 200)
MARGINS = (0.05, 0.10)
MOST = 100
"""Of pairs, more than this take a long time."""

RATES = (0.02, 0.05, *(step / 10 for step in range(1, 10)), 0.85, 0.95, 0.98)
BEST = (0.3, 0.5, 0.8, 0.9)
DISCORDANCE = np.concatenate([np.linspace(0.01, 0.1, 19), np.linspace(0.125, 1, 36)])
"""Shares of pairs that change, gone through."""

BOUND = 0.05
"""Half of it for betting, half for the test of all cases: without early stop 7.2 % are missed."""


@dataclass(frozen=True)
class Shares:
    """How likely each verdict is, by the true rates."""

    by: dict[str, np.ndarray]
    early: np.ndarray
    """How likely it is settled before the last case."""

    def of(self, *statuses: str) -> np.ndarray:
        """Return how likely one of *statuses* is."""
        none = np.zeros_like(self.early)
        return sum((self.by.get(one, none) for one in statuses), none)


def _shares(
    bet: Bet,
    steps: Sequence[float],
    chances: np.ndarray,
    n: int,
    says: dict[str, str],
    at_last: Callable[[Counts], str],
) -> Shares:
    """Bet on *n* cases, each of which gives one of *steps* with *chances*, by step and rate.

    *says* are the verdicts that the sides of *bet* stand for; *at_last* is that of all cases, where
    neither was sure.
    """
    by: dict[str, np.ndarray] = {}
    rates = chances.shape[1]
    early = np.zeros(rates)
    still: dict[Counts, tuple[Bet, np.ndarray]] = {(0,) * len(steps): (bet, np.ones(rates))}
    for seen in range(1, n + 1):
        after: dict[Counts, tuple[Bet, np.ndarray]] = {}
        for counts, (before, likely) in still.items():
            for at, step in enumerate(steps):
                key = (*counts[:at], counts[at] + 1, *counts[at + 1 :])
                if key not in after:
                    after[key] = (copy.copy(before), np.zeros(rates))
                    after[key][0].after(step, step)
                after[key][1][:] += likely * chances[at]
        still = {}
        for key, (now, likely) in after.items():
            if not now.says:
                still[key] = (now, likely)
                continue
            by[says[now.says]] = by.get(says[now.says], 0.0) + likely
            early += likely * (seen < n)
    for counts, (_, likely) in still.items():
        status = at_last(counts)
        by[status] = by.get(status, 0.0) + likely
    return Shares(by, early)


def mean(n: int, bar: float, rates: np.ndarray, best: float = 1.0, alpha: float = 0.05) -> Shares:
    """Return what a gate says over the mean of *n* scores that are 0, or *best* in *rates*."""
    gate = specs.mean("score", bar, confidence=1 - alpha)

    def at_last(counts: Counts) -> str:
        scores = [0.0] * counts[0] + [best] * counts[1]
        return decide_mean(scores, bar, alpha=alpha / 2).status

    with without_outlook():
        says = {"yes": "passed", "no": "failed"}
        chances = np.array([1 - rates, rates])
        return _shares(bet_of(gate), (-1.0, 2 * best - 1), chances, n, says, at_last)


def comparison(
    n: int, margin: float, gains: np.ndarray, losses: np.ndarray, alpha: float = 0.05
) -> Shares:
    """Return what a gate says over *n* pairs of one trial, of which so many are gained and lost."""
    half = alpha / 2
    gate = specs.no_regression(margin, confidence=1 - alpha)

    def at_last(counts: Counts) -> str:
        lost, _, gained = counts
        return status_of(of_counts(gained, lost, n, half), n, margin, half)

    with without_outlook():
        says = {"yes": "same", "no": "regressed"}
        chances = np.array([losses, 1 - gains - losses, gains])
        return _shares(bet_of(gate), (-1.0, 0.0, 1.0), chances, n, says, at_last)


@dataclass(frozen=True)
class _Worst:
    n: int
    margin: float
    share: float


def lines(sizes: range) -> Iterator[tuple[str, float, float]]:
    """Yield the worst errors over those of `SIZES` that lie within *sizes*."""
    chosen = [n for n in SIZES if sizes.start <= n < sizes.stop]
    yield _mean_line("mean of passes", chosen, (1.0,))
    yield _mean_line("mean of scores 0 or less than 1", chosen, BEST)
    pairs = [(n, margin) for n in chosen if n <= MOST for margin in MARGINS]
    for what, error in (("false alarm", _alarms), ("miss", _misses)):
        found = [(n, margin, *error(n, margin)) for n, margin in pairs]
        for words, most in (("at most half discordant", 0.5), ("any discordance", 1.0)):
            worst = max(
                (
                    _Worst(n, margin, float(chance[most >= shares].max()))
                    for n, margin, shares, chance in found
                ),
                key=lambda one: one.share,
            )
            where = f"n = {worst.n}, margin {worst.margin:g}"
            yield f"early stop, one trial: {what}, {words} ({where})", worst.share, BOUND


def _alarms(n: int, margin: float) -> tuple[np.ndarray, np.ndarray]:
    found = comparison(n, margin, DISCORDANCE / 2, DISCORDANCE / 2)
    return DISCORDANCE, found.of("regressed")


def _misses(n: int, margin: float) -> tuple[np.ndarray, np.ndarray]:
    shares = np.append(margin, DISCORDANCE[margin < DISCORDANCE])
    found = comparison(n, margin, (shares - margin) / 2, (shares + margin) / 2)
    return shares, found.of("same", "improved")


def _mean_line(what: str, sizes: Sequence[int], tops: Sequence[float]) -> tuple[str, float, float]:
    cells = [(n, best, rate) for n in sizes for best in tops for rate in RATES]
    found = {cell: _wrong(*cell) for cell in cells}
    n, best, rate = worst = max(found, key=found.__getitem__)
    where = f"n = {n}, bar {rate * best:g}"
    return f"early stop, {what}: either bound ({where})", found[worst], BOUND


def _wrong(n: int, best: float, rate: float) -> float:
    found = mean(n, rate * best, np.array([rate]), best)
    return max(float(found.of(one)[0]) for one in ("passed", "failed"))
