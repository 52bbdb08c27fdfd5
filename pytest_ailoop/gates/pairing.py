"""Cases of a run, and what was accepted of them before: pairs to be compared.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import fsum
from typing import Literal

from pytest_ailoop.data.baseline import Accepted, AcceptedScore, EntryKey, sorted_axes
from pytest_ailoop.data.gate import GateSpec
from pytest_ailoop.data.verdict import Pair
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.gates.groups import CaseResults, Group, named

__all__ = [
    "OUTCOME",
    "Base",
    "Pairing",
    "direction_of",
    "lines_in",
    "lines_of",
    "pairs_of_rows",
    "rows_there",
]

OUTCOME = "passed"
"""The item's outcome as a score, which a gate without a name looks at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """What a run is compared with."""

    entries: Mapping[EntryKey, Accepted]
    name: str = "baseline"


def lines_of(group: Group, base: Base, tag: str | None) -> dict[EntryKey, Accepted]:
    """Return the baseline's lines of the group: of cases that are selected, or are gone for good.

    A case that was left out on purpose (`--ailoop-sample`, a split) is none that is lacking.
    """
    test, variant = group.test, sorted_axes(group.variant)
    wanted = {one.key.case for one in group.tagged(tag)}
    kept = test.dataset.case_digests
    return {
        key: one
        for key, one in base.entries.items()
        if (key.module, key.test, key.variant) == (test.module, test.test, variant)
        and (key.case in wanted or (tag is None and key.case not in kept))
    }


def lines_in(part: Group, lines: Mapping[EntryKey, Accepted]) -> dict[EntryKey, Accepted]:
    """Return those of *lines* that are of *part*; none of a test that is new as a whole."""
    where = part.test.module, part.test.test
    return {key: one for key, one in lines.items() if (key.module, key.test) == where}


def rows_there(
    group: Group, lines: Mapping[EntryKey, Accepted], there: Mapping[EntryKey, AcceptedScore]
) -> int:
    """Return how many rows of data the baseline has the score of."""
    if not group.parts:
        return len(there)
    return len({(key.case, lines[key].case_digest) for key in there})


def pairs_of_rows(
    group: Group,
    gate: GateSpec,
    lines: Mapping[EntryKey, Accepted],
    there: Mapping[EntryKey, AcceptedScore],
    name: str,
) -> list[Pair]:
    """Return a pair for each row: its case's, or that of all tests that the row stands in.

    Trials of several tests then stand beside the mean of what was accepted, each test weighing as
    much before as it does now.
    """
    rows = group.rows(gate.tag)
    found = []
    for row, called in zip(rows, named(rows), strict=True):
        each = list(_pairs(row, lines, there, name))
        if each:
            found.append(replace(_together(each), case=called))
    return found


def _together(each: Sequence[Pair]) -> Pair:
    if len(each) == 1:
        return each[0]
    # A test without a score weighs nothing on either side: what differs between tests is no change.
    weights = [sum(one is not None for one in pair.candidate) for pair in each]
    if not any(weights):
        weights = [len(pair.candidate) for pair in each]
    base = fsum(pair.base * weight for pair, weight in zip(each, weights, strict=True))
    return Pair(
        case=each[0].case,
        base=base / sum(weights),
        candidate=tuple(value for pair in each for value in pair.candidate),
        base_trials=sum(pair.base_trials for pair in each),
        same_output=all(pair.same_output for pair in each),
    )


def _pairs(
    cases: Sequence[CaseResults],
    lines: Mapping[EntryKey, Accepted],
    there: Mapping[EntryKey, AcceptedScore],
    name: str,
) -> Iterator[Pair]:
    for case in cases:
        before = there.get(case.key)
        line = lines.get(case.key)
        if before is None or line is None or not case.trials:
            continue
        if line.case_digest != case.trials[0].case_digest or _by_others(case, line, name):
            continue
        values = case.outcomes() if name == OUTCOME else case.values(name)
        outputs = tuple(one.output_digest for one in case.trials)
        yield Pair(
            case=case.key.case,
            base=before.mean,
            candidate=tuple(values),
            base_trials=before.n,
            same_output=bool(outputs) and outputs == line.output_digests,
        )


def _by_others(case: CaseResults, line: Accepted, name: str) -> bool:
    """Tell whether the case was measured by another check than the baseline's line."""
    now: dict[str, set[str]] = {}
    for trial in case.trials:
        for score in trial.scores:
            now.setdefault(score.name, set()).add(score.check)
    names = now if name == OUTCOME else (name,)
    return any(
        len(now[one]) == 1 and one in line.scores and {line.scores[one].check} != now[one]
        for one in names
        if one in now
    )


def direction_of(there: Mapping[EntryKey, AcceptedScore]) -> str:
    return next(iter(there.values())).direction


class Pairing:
    """Pairs the cases of a gate with the lines of a baseline, case by case."""

    def __init__(self, gate: GateSpec, group: Group, base: Base) -> None:
        self._name = gate.score or OUTCOME
        self._lines = lines_of(group, base, gate.tag)
        found = {key: one.scores.get(self._name) for key, one in self._lines.items()}
        self.there = {key: one for key, one in found.items() if one is not None}
        """What was accepted, by case."""

    @property
    def up(self) -> Literal[1, -1]:
        """1 where higher is better."""
        return -1 if self.there and direction_of(self.there) == "lower" else 1

    def pair(self, case: CaseResults) -> Pair | None:
        """Return the case's pair; None where there is nothing to compare it with."""
        return next(_pairs([case], self._lines, self.there, self._name), None)
