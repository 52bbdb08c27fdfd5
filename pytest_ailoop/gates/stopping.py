"""When all gates of a group are settled, case by case in a fixed order. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from pytest_ailoop.data.baseline import Accepted, EntryKey
from pytest_ailoop.data.gate import AcceptedFailure, GateSpec, excuse
from pytest_ailoop.data.record import Plan
from pytest_ailoop.digest import digest_text
from pytest_ailoop.gates.bets import Mean
from pytest_ailoop.gates.compared import Compared
from pytest_ailoop.gates.groups import CaseResults, Group, gates_of
from pytest_ailoop.gates.kinds.threshold import waited_of
from pytest_ailoop.gates.pairing import Base
from pytest_ailoop.gates.pools import count
from pytest_ailoop.gates.watches import Counted, Fixed, Never, Tagged, Watch, reduced
from pytest_ailoop.stats.trials import reducer

__all__ = ["Around", "Stopping", "comparisons", "order"]


class Around(Protocol):
    """What gates are decided by, besides results; `decide.Context` is one."""

    @property
    def accepted_failures(self) -> Sequence[AcceptedFailure]: ...
    @property
    def today(self) -> str: ...
    @property
    def baseline(self) -> Mapping[EntryKey, Accepted]: ...
    @property
    def pinned(self) -> Mapping[EntryKey, Accepted]: ...
    @property
    def unreadable(self) -> Mapping[str, str]: ...


def order(seed: int, cases: Iterable[str]) -> list[str]:
    """Return ids of cases in the order in which they are looked at: shuffled by *seed*.

    Where a case stands does not depend on which others there are.
    """
    return sorted(cases, key=lambda one: (digest_text(f"{seed} {one}"), one))


def comparisons(plan: Plan, configured: Sequence[GateSpec], *, pinned: bool) -> int:
    """Return how many comparisons the gates of a run ask for, among which a loss must stand."""
    found = 0
    for test in plan.tests:
        gates = gates_of(test, configured)
        asked = sum(one.kind == "no_regression" and not one.together for one in gates)
        found += asked * len(test.variants)
    together = (one for one in configured if one.together and one.kind == "no_regression")
    found += sum(count(plan, one) for one in together)
    return found * (2 if pinned else 1)


class Stopping:
    """Takes the cases of a group one after another, and knows when all of its gates are settled.

    *planned* has every case in any order, without results.
    """

    def __init__(
        self, gates: Sequence[GateSpec], planned: Group, around: Around, comparisons: int = 1
    ) -> None:
        self.gates = tuple(gates)
        self.watches = [_watch(one, planned, around, comparisons) for one in gates]
        self.seen = 0

    def after(self, case: CaseResults) -> bool:
        """Take the next case; return whether all gates are settled."""
        self.seen += 1
        for gate, watch in zip(self.gates, self.watches, strict=True):
            if gate.tag is None or gate.tag in case.tags:
                watch.take(case)
        return self.is_settled

    @property
    def is_settled(self) -> bool:
        """Whether every gate is settled, of which there is one or more."""
        return bool(self.watches) and all(one.settled for one in self.watches)

    @property
    def fewest(self) -> int:
        """Cases that must still come before all are settled, at least; 0 where they are."""
        return max((one.fewest for one in self.watches), default=1)


def _watch(gate: GateSpec, group: Group, around: Around, comparisons: int) -> Watch:
    cases = group.tagged(gate.tag)
    planned, bar = len(cases), gate.bar or 0.0
    if not planned or gate.together or gate.kind in ("metric", "max_cost"):
        return Never(planned)
    if gate.kind == "every_case":
        return Tagged(planned, [one.key.case for one in cases if _may_fail(one, around)])
    if gate.kind == "no_regression":
        if group.test.module in around.unreadable:
            return Never(planned)
        bases = [Base(entries=around.baseline)]
        bases += [Base(entries=around.pinned, name="pinned baseline")] if around.pinned else []
        return Compared(gate, group, bases, comparisons)
    if gate.kind == "p95_latency":
        return Never(planned) if gate.fixed else Counted(planned, 0.95, gate.alpha, _within(bar))
    if gate.fixed:
        return Fixed(gate, planned) if gate.kind == "pass_rate" else Never(planned)
    if gate.kind == "pass_rate" and _counts(gate, cases):
        return Counted(planned, bar, gate.alpha, _passed(gate))
    return Mean(gate, planned)


def _may_fail(case: CaseResults, around: Around) -> bool:
    key = case.key
    entry = excuse(around.accepted_failures, key.module, key.test, key.case)
    return entry is not None and entry.expires >= around.today


def _counts(gate: GateSpec, cases: Sequence[CaseResults]) -> bool:
    """Return whether each case can only be passed or not."""
    one_trial = all(one.planned == 1 for one in cases)
    return one_trial or gate.reduce == "majority" or gate.reduce.startswith("at_least:")


_Value = Callable[[CaseResults], float | None]


def _passed(gate: GateSpec) -> _Value:
    how = reducer(gate.reduce)

    def value(case: CaseResults) -> float | None:
        found = reduced(case.outcomes(), how)
        return None if found is None else found.value

    return value


def _within(bar: float) -> _Value:
    def value(case: CaseResults) -> float | None:
        waited = waited_of(case)
        return None if waited is None else float(waited <= bar)

    return value
