"""Which items of a group nobody needs any more, and what its gates say then.

The same class answers while items run and at the end, so that the verdict is a function of results
alone: of the first cases in a fixed order, or of whole rounds of trials. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from pytest_ailoop.data.gate import Found, GateSpec, StopRule
from pytest_ailoop.data.verdict import ComparisonVerdict
from pytest_ailoop.gates.bets import Mean
from pytest_ailoop.gates.compared import Compared
from pytest_ailoop.gates.groups import CaseResults, Group, Trial
from pytest_ailoop.gates.sparing import Sparing, is_strict, over_case
from pytest_ailoop.gates.stopped import bet, curtailed
from pytest_ailoop.gates.stopping import Around, Stopping, order
from pytest_ailoop.gates.watches import Counted, Fixed, Watch

__all__ = ["TOGETHER", "Settling"]

TOGETHER = 8
"""Items at work together where one result may settle a gate: up to 7 are then asked in vain."""


class Decides(Protocol):
    """Decides a gate over a whole group, by the rules for a fixed number of cases."""

    def __call__(self, gate: GateSpec, group: Group) -> Found: ...


class Settling:
    """Takes the results of one group as they come; says which items are not needed.

    *planned* is the group without results.
    """

    def __init__(
        self,
        gates: Sequence[GateSpec],
        planned: Group,
        rule: StopRule,
        around: Around,
        decides: Decides,
        comparisons: int = 1,
    ) -> None:
        self._gates, self._planned, self._rule = tuple(gates), planned, rule
        self._around, self._decides, self._comparisons = around, decides, comparisons
        self._cases = {one.key.case: one for one in planned.cases}
        over = {case: over_case(gates, one.tags) for case, one in self._cases.items()}
        self._order = order(rule.seed, (case for case, found in over.items() if found))
        #: Cases whose items decide by themselves: to leave one out would hide that it fails.
        self._strict = {case for case, found in over.items() if is_strict(found)}
        planned_trials = [one.planned for one in planned.cases]
        self._results: dict[str, dict[int, Trial]] = {}
        self._sparing = Sparing(gates, self._cases, never=rule.by == "rounds")
        self._least = min(map(self._sparing.at_least, self._cases), default=1)
        #: A row may ask for more trials than there are rounds: all of them are a look, too.
        self._looks = rule.looks + (max(planned_trials, default=1) > rule.most)
        #: Results by the number of their trial, that are there and that are lacking.
        self._there: Counter[int] = Counter()
        self._lack = Counter(
            number for one in planned.cases for number in range(1, one.planned + 1)
        )
        self._restart()

    def _restart(self) -> None:
        self.stopping = Stopping(self._gates, self._planned, self._around, self._comparisons)
        #: Cases that were looked at, or trials of each case.
        self.seen = 0 if self._rule.by == "cases" else self._rule.first - 1
        self.is_settled = False
        self._seen: set[str] = set()
        self._used = 0

    def add(self, case: str, trial: Trial) -> None:
        """Take a result; one that comes again replaces the first."""
        known = self._results.setdefault(case, {})
        again = trial.number in known
        known[trial.number] = trial
        self._sparing.learn(case, known)
        if again:
            self._restart()
        else:
            self._there[trial.number] += 1
            self._lack[trial.number] -= 1
        if self._rule.by == "cases":
            self._look_at_cases()
        else:
            self._look_at_rounds()

    def needs(self, case: str, trial: int) -> bool:
        """Return whether the verdict still hangs on an item, or hung on it."""
        return not self.why(case, trial)

    def why(self, case: str, trial: int) -> str:
        """Return what settled an item that is not needed, in words; empty where it is needed."""
        if self._rule.by == "rounds":
            return self.words if self.is_settled and trial > self.seen else ""
        if case in self._strict:
            return ""
        if self.is_settled and case not in self._seen:
            return self.words
        needed = self._sparing.needed(case)
        if trial <= needed:
            return ""
        return f"the case was settled after {needed} of {self._cases[case].planned} trials"

    def may_be_spared(self, case: str, trial: int) -> bool:
        """Return whether results of the case that are still to come may make *trial* needless."""
        return trial > self._sparing.at_least(case)

    @property
    def may_stop(self) -> bool:
        """Whether there is an item that may be left out."""
        return self._rule.by == "rounds" or len(self._strict) < len(self._cases)

    @property
    def size(self) -> int:
        """All items of the group."""
        return sum(one.planned for one in self._cases.values())

    @property
    def fewest(self) -> int:
        """Items that must still come before any is not needed, at least."""
        if self.is_settled:
            return 0
        if self._rule.by == "rounds":
            return max(1, self._lacking_upto(self.seen + 1))
        beyond = self._there.total() - self._used
        return max(1, self.stopping.fewest * self._least - beyond)

    @property
    def side_by_side(self) -> int:
        """How many items may be at work together without a result.

        As many as must come at least: then none is asked in vain. By rules that a case or two may
        settle they would be asked one by one, so there it is `TOGETHER`.
        """
        if self._rule.by == "rounds" or self.is_settled:
            return self.fewest
        still = [one for one in self.stopping.watches if not one.settled]
        exact = all(isinstance(one, (Counted, Fixed)) for one in still)
        return self.fewest if exact else max(self.fewest, TOGETHER)

    @property
    def is_early(self) -> bool:
        """Whether it is settled with items left that nobody needs."""
        if not self.is_settled:
            return False
        if self._rule.by == "cases":
            return self.seen < len(self._order)
        return any(one.planned > self.seen for one in self._planned.cases)

    def _lacking_upto(self, trials: int) -> int:
        return sum(lack for number, lack in self._lack.items() if number <= trials)

    def _look_at_cases(self) -> None:
        while not self.is_settled and self.seen < len(self._order):
            case = self._order[self.seen]
            there = self._results.get(case, {})
            if any(number not in there for number in range(1, self._sparing.needed(case) + 1)):
                return
            self.seen += 1
            self._used += len(there)
            self._seen.add(case)
            self.is_settled = self.stopping.after(self._case(case))

    def _look_at_rounds(self) -> None:
        while not self.is_settled and self.seen < self._rule.most:
            if self._lacking_upto(self.seen + 1):
                return
            self.seen += 1
            group = self._upto(self.seen)
            self.is_settled = all(self._is_closed(one, group) for one in self._gates)

    def _is_closed(self, gate: GateSpec, group: Group) -> bool:
        """Return whether a look at whole rounds settles *gate*, or no more trials could."""
        if gate.kind == "max_cost" or gate.together:
            return True
        sharp = self.sharpened(gate)
        found = self._decides(sharp, group)
        if found.status == "regressed":
            # It must stand among all comparisons of the run, else nothing is gained by stopping.
            return found.p is not None and found.p * self._comparisons <= sharp.alpha
        return found.status != "inconclusive"

    def sharpened(self, gate: GateSpec) -> GateSpec:
        """Return *gate* with its share of the error rate at each look, and for the whole group."""
        if self._rule.by == "rounds":
            return replace(gate, alpha=gate.alpha / self._looks)
        watch = self._watch_of(gate)
        bets = isinstance(watch, (Mean, Compared))
        return replace(gate, alpha=gate.alpha / 2) if bets else gate

    def corrected(self, gate: GateSpec, one: ComparisonVerdict) -> ComparisonVerdict:
        """Return a comparison by the sharpened *gate* with its p-value for all looks together."""
        share = gate.alpha / self.sharpened(gate).alpha
        p = None if one.p is None else min(1.0, share * one.p)
        return replace(one, p=p, alpha=gate.alpha)

    def _watch_of(self, gate: GateSpec) -> Watch:
        return self.stopping.watches[self._gates.index(gate)]

    def _case(self, case: str, upto: int | None = None) -> CaseResults:
        found = sorted(self._results.get(case, {}).items())
        planned, needed = self._cases[case].planned, self._sparing.needed(case)
        if upto is not None:
            planned = needed = min(planned, upto)
        trials = tuple(trial for number, trial in found if number <= needed)
        spared = planned - needed
        return replace(self._cases[case], planned=planned, trials=trials, spared=spared)

    def _upto(self, trials: int) -> Group:
        cases = tuple(self._case(one, trials) for one in self._cases)
        return replace(self._planned, cases=cases)

    @property
    def group(self) -> Group:
        """The group as the verdict sees it: without what came after it was settled."""
        if not self.is_settled:
            return replace(self._planned, cases=tuple(map(self._case, self._cases)))
        if self._rule.by == "rounds":
            return self._upto(self.seen)
        cases = tuple(self._case(one) for one in self._cases if one in self._seen)
        return replace(self._planned, cases=cases)

    @property
    def words(self) -> str:
        """`settled after 41 of 200 cases`."""
        if self._rule.by == "rounds":
            return f"settled after {self.seen} of {self._rule.most} rounds"
        return f"settled after {self.seen} of {len(self._order)} cases"

    def facts(self, gate: GateSpec) -> dict[str, Any]:
        """Return what a verdict says of the early stop; empty where there was none."""
        if not self.is_early:
            return {}
        of = self._rule.most if self._rule.by == "rounds" else len(self._order)
        return {
            "settled": f"{self.words}{self._how(gate)}",
            "settled_after": self.seen,
            "settled_of": of,
            "settled_by": self._rule.by,
        }

    def _how(self, gate: GateSpec) -> str:
        if self._rule.by == "rounds":
            return ""
        watch = self._watch_of(gate)
        if isinstance(watch, (Counted, Fixed)):
            return " (curtailed)"
        return " (e-process)" if isinstance(watch, (Mean, Compared)) else ""

    def found(self, gate: GateSpec, found: Found) -> Found:
        """Return *found*, which the rules for a fixed number say of the group, as it holds here."""
        told = replace(found, facts={**found.facts, **self.facts(gate)})
        if self._rule.by == "rounds":
            return told
        watch = self._watch_of(gate)
        if isinstance(watch, Counted) and self.is_early:
            return curtailed(told, watch, gate, self.words)
        if isinstance(watch, Fixed) and self.is_early:
            reason = f"{self.words}, whatever the rest gives"
            return replace(
                told, status=watch.settled or told.status, reasons=(*told.reasons, reason)
            )
        if isinstance(watch, Mean) and watch.settled:
            return bet(told, watch.settled, self.words if self.is_early else "")
        return told

    def compared(
        self, gate: GateSpec, found: Found, verdict: ComparisonVerdict
    ) -> tuple[Found, ComparisonVerdict]:
        """Do the same for a comparison."""
        verdict = self.corrected(gate, verdict)
        found = replace(found, p=verdict.p, facts={**found.facts, **self.facts(gate)})
        watch = self._watch_of(gate)
        # Of a part it is not known whether all of it is unchanged.
        whole = ("invalid", "no baseline", *(() if self.is_early else ("unchanged",)))
        sound = found.status not in whole
        if self._rule.by == "rounds" or not isinstance(watch, Compared) or not sound:
            return found, verdict
        if not watch.settled:
            return found, verdict
        told = bet(found, watch.settled, self.words if self.is_early else "")
        verdict = replace(
            verdict, status=watch.settled, p=watch.p, reasons=told.reasons, method=told.method
        )
        return replace(told, p=watch.p), verdict
