"""Verdicts of simulated runs, by the bets and tests that ship, without records and reports.

`pytest_ailoop.gates.settling` puts these together from records, at fifty times the cost; a test
holds both against each other.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from unittest.mock import patch

import numpy as np

from benchmarks.stopping.setting import Run, Setting
from pytest_ailoop.data.gate import GateSpec
from pytest_ailoop.data.verdict import Pair
from pytest_ailoop.gates import comparison, thresholds
from pytest_ailoop.gates.bets import Bet, Mean
from pytest_ailoop.gates.outlook import Outlook
from pytest_ailoop.gates.stopping import order
from pytest_ailoop.stats.sequential import not_worse, worse_by

__all__ = ["Rules", "bet_of", "counted", "without_outlook"]

Verdict = tuple[str, int]
"""A status, and how many cases or rounds it took."""


class Rules:
    """Decides runs of a setting."""

    def __init__(self, one: Setting) -> None:
        self._one = one
        self._names = [f"c{at}" for at in range(one.cases)]
        share = 2 if one.by == "cases" else one.trials
        self._alpha = one.gate.alpha / share
        self._compares = one.gate.kind == "no_regression"
        self._known: dict[tuple[int, tuple[tuple[int, int], ...]], str] = {}

    def verdict(self, run: Run) -> Verdict:
        """Return what a run says, and after how many cases, or rounds, it does."""
        return self._by_cases(run) if self._one.by == "cases" else self._by_rounds(run)

    def _by_cases(self, run: Run) -> Verdict:
        one = self._one
        bet = bet_of(one.gate)
        passes = run.right.sum(axis=1)
        for seen, at in enumerate(self._ordered(run.number), 1):
            value = one.best * int(passes[at]) / one.trials
            before = self._base(int(run.before[at]))
            step = value - before if self._compares else 2 * value - 1
            bet.after(step, step)
            if bet.says and seen > 1:
                says = ("same", "regressed") if self._compares else ("passed", "failed")
                return says[bet.says == "no"], seen
        return self._of_all(one.trials, passes, run.before), one.cases

    def _by_rounds(self, run: Run) -> Verdict:
        passes = run.right.cumsum(axis=1)
        for trials in range(1, self._one.trials + 1):
            status = self._of_all(trials, passes[:, trials - 1], run.before)
            if status != "inconclusive":
                break
        return status, trials

    def _ordered(self, seed: int) -> list[int]:
        return [int(name[1:]) for name in order(seed, self._names)]

    def _base(self, right: int) -> float:
        return round(right / self._one.base_trials, 6)

    def _of_all(self, trials: int, passes: np.ndarray, before: np.ndarray) -> str:
        """Return the verdict of all cases after *trials*; the order of cases is no part of it."""
        if not self._compares:
            before = np.zeros_like(before)
        cases = sorted(zip(passes.tolist(), before.tolist(), strict=True))
        key = trials, tuple(cases)
        if key not in self._known:
            decide = self._compared if self._compares else self._held
            self._known[key] = decide(trials, cases)
        return self._known[key]

    def _held(self, trials: int, cases: Sequence[tuple[int, int]]) -> str:
        one, values = self._one, [self._one.best * passes / trials for passes, _ in cases]
        bar = one.gate.bar or 0.0
        if one.gate.kind == "pass_rate" and all(value in (0, 1) for value in values):
            k = sum(value == 1 for value in values)
            return thresholds.decide_rate(k, len(values), bar, self._alpha).status
        return thresholds.decide_mean(values, bar, alpha=self._alpha).status

    def _compared(self, trials: int, cases: Sequence[tuple[int, int]]) -> str:
        pairs = [
            Pair(
                case=str(at),
                base=self._base(before),
                candidate=(1.0,) * passes + (0.0,) * (trials - passes),
                base_trials=self._one.base_trials,
            )
            for at, (passes, before) in enumerate(cases)
        ]
        margin = self._one.gate.margin or 0.0
        return comparison.compare_pairs(pairs, margin=margin, alpha=self._alpha).status


def bet_of(gate: GateSpec) -> Bet:
    """Return the bets on a gate that is the only comparison of its run, or none."""
    if gate.kind == "no_regression":
        half = gate.alpha / 2
        return Bet(worse_by(gate.margin or 0.0), not_worse(), half, half)
    # Of a mean it is known with the first score only which way is better.
    return Mean(GateSpec(kind="pass_rate", bar=gate.bar, alpha=gate.alpha), 1)._bet


@contextlib.contextmanager
def without_outlook() -> Iterator[None]:
    """Leave out what verdicts say of further cases: most of the time, and no part of a status."""
    nothing = Outlook(drop=None)
    with (
        patch.object(comparison, "outlook_of", lambda *_, **__: nothing),
        patch.object(thresholds, "cases_for_rate", lambda *_, **__: None),
        patch.object(thresholds, "cases_for_mean", lambda *_, **__: None),
    ):
        yield


def counted(one: Setting, runs: Iterator[Run]) -> tuple[Counter[str], int]:
    """Return the statuses of *runs*, and how many items they rest on."""
    rules = Rules(one)
    statuses: Counter[str] = Counter()
    made = 0
    with without_outlook():
        for run in runs:
            status, after = rules.verdict(run)
            statuses[status] += 1
            made += after * (one.trials if one.by == "cases" else one.cases)
    return statuses, made
