"""Trials that cannot change what their case counts with: curtailment within a case.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pytest_ailoop.data.gate import GateSpec
from pytest_ailoop.gates.groups import CaseResults, Trial
from pytest_ailoop.gates.watches import reduced
from pytest_ailoop.stats.trials import reducer

__all__ = ["Sparing", "fewest_trials", "is_decided", "is_strict", "over_case", "rules_of"]

Rules = tuple[str, ...]
"""How the gates over a case reduce its trials; empty for `every_case`, settled by a failure."""

_EVERY = ""


def over_case(gates: Iterable[GateSpec], tags: Sequence[str]) -> list[GateSpec]:
    """Return the gates that look at a case with *tags*."""
    return [one for one in gates if one.tag is None or one.tag in tags]


def is_strict(gates: Iterable[GateSpec]) -> bool:
    """Return whether none of the gates that look at a case answers for its misses.

    Those over cost and time leave them to the items.
    """
    return all(one.kind in ("max_cost", "p95_latency") for one in gates)


def rules_of(gates: Iterable[GateSpec], tags: Sequence[str]) -> Rules | None:
    """Return how the gates that look at a case with *tags* reduce it.

    None where one of them takes more from a case than passes (its cost, its scores, its difference
    to a baseline), is over several tests together, or where none looks at it: then all of its
    trials run.
    """
    found = over_case(gates, tags)
    passes = all(one.kind in ("pass_rate", "every_case") and not one.together for one in found)
    if not found or not passes:
        return None
    names = {_EVERY if one.kind == "every_case" else one.reduce for one in found}
    return tuple(sorted(names))


@functools.lru_cache(maxsize=4096)
def is_decided(rules: Rules, outcomes: tuple[float | None, ...]) -> bool:
    """Return whether a case counts the same whatever its missing trials give; None is missing.

    A trial that could not be measured is missing, too.
    """
    return all(_decides(one, outcomes) for one in rules)


def _decides(rule: str, outcomes: tuple[float | None, ...]) -> bool:
    if rule == _EVERY:
        return 0.0 in outcomes
    value = reduced(outcomes, reducer(rule))
    return value is not None and value.value is not None


@functools.lru_cache(maxsize=4096)
def fewest_trials(rules: Rules, known: tuple[float | None, ...], planned: int) -> int:
    """Return how many trials a case of *planned* takes at least, the first of which are *known*."""
    for more in range(planned - len(known)):
        rest = (None,) * (planned - len(known) - more)
        for passes in range(more + 1):
            next_ones = (1.0,) * passes + (0.0,) * (more - passes)
            if is_decided(rules, (*known, *next_ones, *rest)):
                return max(1, len(known) + more)
    return planned


class Sparing:
    """Knows how many trials of each case its gates need.

    The first trials of a case count, up to the one that settles it, whichever else ran: so what a
    case counts with does not hang on the number of workers.
    """

    def __init__(
        self, gates: Sequence[GateSpec], cases: Mapping[str, CaseResults], *, never: bool = False
    ) -> None:
        self._cases = cases
        self._needed = {case: one.planned for case, one in cases.items()}
        several = {} if never else {k: one for k, one in cases.items() if one.planned > 1}
        found = {case: rules_of(gates, one.tags) for case, one in several.items()}
        #: How cases are reduced of which not every trial may be needed.
        self._rules: dict[str, Rules] = {k: one for k, one in found.items() if one is not None}
        #: The first results of those cases, as far as all before them are there.
        self._known: dict[str, tuple[float | None, ...]] = {}

    def learn(self, case: str, there: Mapping[int, Trial]) -> None:
        """Take all results of a case that are *there*, by number of the trial."""
        rules, planned = self._rules.get(case), self._cases[case].planned
        if rules is None:
            return
        known: tuple[float | None, ...] = ()
        self._needed[case] = planned
        while (number := len(known) + 1) in there and number <= planned:
            alone = replace(self._cases[case], planned=1, trials=(there[number],))
            known = (*known, *alone.outcomes())
            if is_decided(rules, (*known, *[None] * (planned - number))):
                self._needed[case] = number
                break
        self._known[case] = known

    def needed(self, case: str) -> int:
        """Return after how many trials a case is settled; all that are planned if not known."""
        return self._needed[case]

    def at_least(self, case: str) -> int:
        """Return how many trials a case takes at least, as far as is known."""
        rules, needed = self._rules.get(case), self._needed[case]
        known = self._known.get(case, ())
        return needed if rules is None else min(needed, fewest_trials(rules, known, needed))
