"""When a comparison with the baseline is settled, case by case. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pytest_ailoop.data.gate import GateSpec
from pytest_ailoop.gates.bets import Bet
from pytest_ailoop.gates.comparison import MOST_UNSCORED, PRESENT
from pytest_ailoop.gates.groups import CaseResults, Group
from pytest_ailoop.gates.pairing import Base, Pairing
from pytest_ailoop.stats.sequential import not_worse, worse_by
from pytest_ailoop.stats.trials import mean_of_trials, reduce_trials

__all__ = ["Compared"]


class Compared:
    """No regression, by betting against each baseline; half of alpha a side is the full run's.

    *same* where "worse by the margin" is ruled out against all of them, *regressed* where "not
    worse" is against one, at a level that stands among *comparisons* of the run. Never settled
    where something stands against comparing at all: the full run shall tell.
    """

    def __init__(
        self, gate: GateSpec, group: Group, bases: Sequence[Base], comparisons: int
    ) -> None:
        self._planned = max(1, sum(one.planned for one in group.tagged(gate.tag)))
        self._unscored = 0
        self._is_off = not bases
        found = [Pairing(gate, group, one) for one in bases]
        self._low, high = gate.range or (0.0, 1.0)
        self._length = high - self._low
        margin = (gate.margin or 0.0) / self._length
        wanted = {one.key for one in group.tagged(gate.tag)}
        #: The rolling baseline must hold something; the pinned one need not.
        self._is_off |= not found or not found[0].there
        self._sides: list[tuple[Pairing, Bet]] = []
        for one in found:
            if not one.there:
                continue
            values = [score.mean for score in one.there.values()]
            present = len(wanted & one.there.keys())
            self._is_off |= not all(map(self._holds, values)) or margin >= 1
            self._is_off |= present < PRESENT * len(one.there)
            if not self._is_off:
                half = gate.alpha / 2
                bet = Bet(worse_by(margin), not_worse(), half, half / max(1, comparisons))
                self._sides.append((one, bet))

    def take(self, case: CaseResults) -> None:
        """Bet on the difference of the case; one that was not scored counts for neither claim."""
        for at, (pairing, bet) in enumerate(self._sides):
            pair = pairing.pair(case)
            if pair is None:
                continue
            values = [one for one in pair.candidate if one is not None]
            self._is_off |= not all(map(self._holds, values))
            scaled = [None if one is None else self._scaled(one) for one in pair.candidate]
            found = reduce_trials(scaled, mean_of_trials())
            if found is None:
                continue
            if at == 0:
                self._unscored += found.unscored
            base = self._scaled(pair.base)
            ends = [pairing.up * (end - base) for end in (found.lowest, found.highest)]
            bet.after(min(ends), max(ends))

    def _scaled(self, value: float) -> float:
        return (value - self._low) / self._length

    def _holds(self, value: float) -> bool:
        return 0 <= self._scaled(value) <= 1

    @property
    def settled(self) -> Literal["same", "regressed", ""]:
        """`same` or `regressed`."""
        if self._is_off or self._unscored > MOST_UNSCORED * self._planned:
            return ""
        says = [bet.says for _, bet in self._sides]
        if "no" in says:
            return "regressed"
        return "same" if says and all(one == "yes" for one in says) else ""

    @property
    def fewest(self) -> int:
        """Cases that must still come, at least."""
        if self.settled:
            return 0
        # One that says "no worse" already settles nothing by itself.
        return max(1, min((bet.fewest for _, bet in self._sides), default=1))

    @property
    def p(self) -> float:
        """The probability of a drop like this by chance, the full run's half included."""
        return min(1.0, 2 * min((bet.against for _, bet in self._sides), default=1.0))
