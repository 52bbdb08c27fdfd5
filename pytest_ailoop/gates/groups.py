"""What a gate looks at: one test under one variant, its records gathered by case.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from pytest_ailoop.data.baseline import EntryKey, entry_key
from pytest_ailoop.data.gate import GateSpec
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, PlannedTest
from pytest_ailoop.data.variant import Variant

__all__ = ["CaseResults", "Group", "groups"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResults:
    """One case under one variant: what its trials gave."""

    key: EntryKey
    planned: int
    """Trials that were to run."""
    records: tuple[ItemRecord, ...]
    """Of the trials that ran, in their order."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of the case; empty where no trial ran."""
        return self.records[0].tags if self.records else ()

    def outcomes(self) -> list[float | None]:
        """Return for each planned trial 1.0 or 0.0; None where it could not be measured."""
        return self.values("passed", kind="outcome")

    def values(self, score: str, *, kind: str | None = None) -> list[float | None]:
        """Return the value of *score* for each planned trial, None where there is none.

        Of several scores of that name in one trial, the mean counts; one of them not scored is
        the trial not scored.
        """
        found: list[float | None] = []
        for record in self.records:
            each = [
                one.value
                for one in record.scores
                if one.name == score and (kind is None or one.kind == kind)
            ]
            values = [one for one in each if one is not None]
            whole = bool(each) and len(values) == len(each)
            found.append(fsum(values) / len(values) if whole else None)
        return found + [None] * (self.planned - len(found))


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """One test under one variant, with what was planned for it."""

    test: PlannedTest
    variant: Variant
    cases: tuple[CaseResults, ...]
    """Every selected case, in plan order, also those of which nothing ran."""

    def tagged(self, tag: str | None) -> tuple[CaseResults, ...]:
        """Return the cases that bear *tag*; all for None."""
        return tuple(one for one in self.cases if tag is None or tag in one.tags)


def groups(plan: Plan, records: Iterable[ItemRecord]) -> list[Group]:
    """Return every planned test under every variant, in plan order."""
    by_case: dict[EntryKey, list[ItemRecord]] = {}
    for record in records:
        by_case.setdefault(entry_key(record.key), []).append(record)
    return [
        Group(test=test, variant=variant, cases=tuple(_cases(test, variant, by_case)))
        for test in plan.tests
        for variant in test.variants
    ]


def _cases(
    test: PlannedTest, variant: Variant, by_case: Mapping[EntryKey, Sequence[ItemRecord]]
) -> Iterable[CaseResults]:
    for case in test.selected:
        item = ItemKey(module=test.module, test=test.test, variant=variant, case=case)
        key = entry_key(item)
        found = sorted(by_case.get(key, ()), key=lambda one: one.key.trial)
        planned = max(test.trials.get(case, 1), len(found))
        yield CaseResults(key=key, planned=planned, records=tuple(found))


def gates_of(test: PlannedTest, configured: Iterable[GateSpec]) -> list[GateSpec]:
    """Return the gates over a test: its own, then those of the configuration that name it."""
    from fnmatch import fnmatchcase

    name = f"{test.module}::{test.test}"
    own = list(test.gates)
    for gate in configured:
        if any(fnmatchcase(name, one) or fnmatchcase(test.test, one) for one in gate.tests):
            own.append(gate)
    return own
