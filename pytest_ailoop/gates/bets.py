"""When a mean is settled, case by case, by betting on it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from typing import Literal

from pytest_ailoop.data.gate import GateSpec
from pytest_ailoop.gates.comparison import MOST_UNSCORED
from pytest_ailoop.gates.groups import CaseResults
from pytest_ailoop.gates.watches import reduced
from pytest_ailoop.stats.sequential import BETS, EProcess
from pytest_ailoop.stats.trials import CaseValue, mean_of_trials, reduce_trials, reducer

__all__ = ["Bet", "Mean"]


class Bet:
    """Two e-processes over the same cases, for and against; the first to be sure settles it."""

    def __init__(self, yes: EProcess | None, no: EProcess | None, yes_at: float, no_at: float):
        self._yes, self._no = yes, no
        self._yes_at, self._no_at = -math.log(yes_at), -math.log(no_at)
        self.says: Literal["yes", "no", ""] = ""
        self.seen = 0

    def after(self, for_it: float, against: float) -> None:
        """Take a case; each process its own value, -1 to 1. What is settled stays so."""
        self.seen += 1
        if self.says:
            return
        if self._yes is not None:
            self._yes = self._yes.after(for_it)
        if self._no is not None:
            self._no = self._no.after(against)
        if self._yes is not None and self._yes.highest >= self._yes_at:
            self.says = "yes"
        elif self._no is not None and self._no.highest >= self._no_at:
            self.says = "no"

    @property
    def against(self) -> float:
        """p-value of the hypothesis that "no" rejects: 1 over the highest e-value."""
        return 1.0 if self._no is None else math.exp(-max(0.0, self._no.highest))

    @property
    def fewest(self) -> int:
        """Cases that must still come, at least."""
        if self.says:
            return 0
        ways = [
            _fewest_bets(one, at)
            for one, at in ((self._yes, self._yes_at), (self._no, self._no_at))
            if one is not None
        ]
        return max(1, min(ways, default=1))


def _fewest_bets(process: EProcess, log: float) -> int:
    """Return how many cases it takes at least until the value can be e^*log*."""
    best = (1 if process.sign > 0 else 0) - process.middle
    gain = math.log1p(max(BETS) * process.sign * best / process.width)
    top = max(process.logs)
    now = top + math.log(sum(math.exp(one - top) for one in process.logs) / len(process.logs))
    return max(1, math.ceil((log - now) / gain - 1e-9)) if gain > 0 else 1


class Mean:
    """A mean from 0 to 1 against a bar, by betting; half of alpha a side is the full run's.

    A case that was not scored counts as the worst for either claim.
    """

    def __init__(self, gate: GateSpec, planned: int) -> None:
        self._gate, self._planned = gate, planned
        self._unscored = 0
        self._is_off = False
        self._down: bool | None = None if gate.kind == "mean" else False
        self._waiting = 0
        self._bet = self._bets(gate.bar or 0.0)

    def _bets(self, bar: float) -> Bet:
        above = EProcess(sign=1, middle=bar, width=bar, spread=1.0) if bar > 0 else None
        below = EProcess(sign=-1, middle=bar, width=1 - bar, spread=1.0) if bar < 1 else None
        return Bet(above, below, self._gate.alpha / 2, self._gate.alpha / 2)

    def take(self, case: CaseResults) -> None:
        """Bet on the case's mean over its trials."""
        if self._gate.kind == "pass_rate":
            value = reduced(case.outcomes(), reducer(self._gate.reduce))
        else:
            self._learn(case)
            value = reduce_trials(case.values(self._gate.score or ""), mean_of_trials())
        lowest, highest = _ends(value)
        self._unscored += value is None or value.value is None
        if self._down:
            lowest, highest = 1 - highest, 1 - lowest
        if self._down is None:
            self._waiting += 1
        else:
            self._bet.after(2 * lowest - 1, 2 * highest - 1)

    def _learn(self, case: CaseResults) -> None:
        """Learn from the first score which way is better, and whether it stays from 0 to 1."""
        scores = [s for one in case.trials for s in one.scores if s.name == self._gate.score]
        self._is_off |= any(s.value is not None and not 0 <= s.value <= 1 for s in scores)
        if self._down is None and scores:
            self._down = scores[0].direction == "lower"
            bar = self._gate.bar or 0.0
            self._bet = self._bets(1 - bar if self._down else bar)
            for _ in range(self._waiting):
                self._bet.after(-1.0, 1.0)

    @property
    def settled(self) -> Literal["passed", "failed", ""]:
        """What was shown, with so few unscored that it holds."""
        if self._is_off or self._unscored > MOST_UNSCORED * self._planned or self._bet.seen < 2:
            return ""
        return {"yes": "passed", "no": "failed", "": ""}[self._bet.says]  # type: ignore[return-value]

    @property
    def fewest(self) -> int:
        """Cases that must still come, at least."""
        return 0 if self.settled else max(1, self._bet.fewest)


def _ends(value: CaseValue | None) -> tuple[float, float]:
    return (0.0, 1.0) if value is None else (value.lowest, value.highest)
