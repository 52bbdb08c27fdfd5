"""When one gate is settled, case by case, by rules that hold whenever one stops.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Protocol

from pytest_ailoop.data.gate import GateSpec
from pytest_ailoop.gates.comparison import MOST_UNSCORED
from pytest_ailoop.gates.groups import CaseResults
from pytest_ailoop.stats.power import passes_that_settle
from pytest_ailoop.stats.trials import CaseValue, Reducer, reduce_trials, reducer

__all__ = ["Counted", "Fixed", "Never", "Tagged", "Watch", "reduced"]

Status = Literal["passed", "failed", "inconclusive"]


class Watch(Protocol):
    """Looks at the cases of one gate, one after another."""

    @property
    def settled(self) -> str:
        """The verdict that stands whatever comes; empty while it is open."""

    @property
    def fewest(self) -> int:
        """Cases that must still come before it can be settled, at least; 0 where it is."""

    def take(self, case: CaseResults) -> None:
        """Look at the next case."""


def reduced(values: Sequence[float | None], how: Reducer) -> CaseValue | None:
    """Return what a case counts with; None where its trials are too few for that, or none."""
    try:
        return reduce_trials(values, how)
    except ValueError:
        return None


class Never:
    """A gate that needs every case."""

    settled = ""

    def __init__(self, planned: int) -> None:
        self.fewest = planned

    def take(self, case: CaseResults) -> None:
        """Count it."""
        self.fewest = max(1, self.fewest - 1)


class Counted:
    """Curtailment of a rate: each case counts as passed or not, and all that are planned are known.

    Settled where Clopper and Pearson's bounds say the same of the planned cases whatever the rest
    gives, as long as the rest is measured. So the verdict is that of the full run, always.
    """

    def __init__(
        self,
        planned: int,
        bar: float,
        alpha: float,
        value: Callable[[CaseResults], float | None],
    ) -> None:
        self.planned, self._bar, self._alpha, self._value = planned, bar, alpha, value
        self.passes = self.seen = self.unscored = 0

    def take(self, case: CaseResults) -> None:
        """Count the case."""
        self.count(self._value(case))

    def count(self, value: float | None) -> None:
        """Count a case by its value; None is one that was not scored."""
        if value is None:
            self.unscored += 1
        else:
            self.seen += 1
            self.passes += value == 1.0

    @property
    def rest(self) -> int:
        """Cases that have not come."""
        return self.planned - self.seen - self.unscored

    @property
    def settled(self) -> Status | Literal[""]:
        """The verdict of the full run, where it can be no other any more."""
        if not self._decidable:
            return ""
        worst, best = self._status(self.passes), self._status(self.passes + self.rest)
        return worst if worst == best else ""

    @property
    def fewest(self) -> int:
        """Cases that must still come, at least."""
        if not self._decidable:
            return max(1, self.rest)
        if self.settled:
            return 0
        needed, hopeless = self._thresholds()
        best = self.passes + self.rest
        ways = [self.rest]
        if needed <= best:
            ways.append(needed - self.passes)
        if hopeless >= self.passes:
            ways.append(best - hopeless)
        ways.append(max(0, hopeless + 1 - self.passes) + max(0, best - needed + 1))
        return max(1, min(ways))

    @property
    def _decidable(self) -> bool:
        measured = self.planned - self.unscored
        return measured >= 2 and self.unscored <= MOST_UNSCORED * self.planned

    def _status(self, passes: int) -> Status:
        needed, hopeless = self._thresholds()
        if passes >= needed:
            return "passed"
        return "failed" if passes <= hopeless else "inconclusive"

    def _thresholds(self) -> tuple[int, int]:
        # Both with the unscored left out and with them missed: the verdict must be the same.
        some = _settling(self.planned - self.unscored, self._bar, self._alpha)
        if not self.unscored:
            return some
        every = _settling(self.planned, self._bar, self._alpha)
        return max(some[0], every[0]), min(some[1], every[1])


@functools.lru_cache(maxsize=256)
def _settling(n: int, bar: float, alpha: float) -> tuple[int, int]:
    return passes_that_settle(n, bar, alpha)


class Fixed:
    """A rate over a data set that is all there is: settled where the rest cannot change it."""

    def __init__(self, gate: GateSpec, planned: int) -> None:
        self._how, self._bar, self._planned = reducer(gate.reduce), gate.bar or 0.0, planned
        self._lowest = self._highest = 0.0
        self._rest = planned

    def take(self, case: CaseResults) -> None:
        """Add the case's value, or what it could be."""
        value = reduced(case.outcomes(), self._how)
        self._rest -= 1
        self._lowest += value.lowest if value else 0.0
        self._highest += value.highest if value else 1.0

    @property
    def settled(self) -> Status | Literal[""]:
        """The data set's verdict, where it can be no other any more."""
        # Sums of whole numbers are exact; of shares they are, to a billionth.
        slack = 0.0 if self._lowest.is_integer() and self._highest.is_integer() else 1e-9
        if self._lowest / self._planned >= self._bar + slack:
            return "passed"
        return "failed" if (self._highest + self._rest) / self._planned < self._bar - slack else ""

    @property
    def fewest(self) -> int:
        """Cases that must still come, at least."""
        if self.settled:
            return 0
        aim = self._bar * self._planned
        up, down = aim - self._lowest, self._highest + self._rest - aim
        return max(1, min(self._rest, math.ceil(min(up, down) - 1e-6)))


class Tagged:
    """Cases each of which must pass: settled by the first that does not, or when all have come."""

    def __init__(self, planned: int, excused: Iterable[str] = ()) -> None:
        self._rest = planned
        #: Cases that may fail for now.
        self._excused = frozenset(excused)
        self._failed = False

    def take(self, case: CaseResults) -> None:
        """Look whether it failed."""
        self._rest -= 1
        self._failed |= 0.0 in case.outcomes() and case.key.case not in self._excused

    @property
    def settled(self) -> Status | Literal[""]:
        """failed, or passed."""
        return "failed" if self._failed else "" if self._rest else "passed"

    @property
    def fewest(self) -> int:
        """Cases that must still come, at least."""
        return 0 if self.settled else 1
