"""What a gate looks at: one test under one variant, its records gathered by case.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from math import fsum

from pytest_ailoop.data.baseline import EntryKey, entry_key
from pytest_ailoop.data.gate import GateSpec, gates_over
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, PlannedTest
from pytest_ailoop.data.score import Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.frozen import dataclass

__all__ = ["CaseResults", "Group", "Trial", "gates_of", "groups", "named", "trial_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What gates look at in a record; prompts, replies and outputs are left on the disk."""

    number: int
    scores: tuple[Score, ...]
    case_digest: str
    output_digest: str | None
    cost: float
    """US dollars of the calls whose price is known, judges included."""
    calls: int
    unpriced: tuple[str, ...]
    """The models asked by calls without a known price, one for each call."""
    waited: float | None
    """Seconds that the application waited for models, as measured live; None where no call says."""


def trial_of(record: ItemRecord) -> Trial:
    """Return what gates look at in *record*."""
    waits = [one.latency for one in record.calls if one.purpose == "app"]
    known = [one for one in waits if one is not None]
    return Trial(
        number=record.key.trial,
        scores=record.scores,
        case_digest=record.case_digest,
        output_digest=record.output_digest,
        cost=fsum(one.cost for one in record.calls if one.cost is not None),
        calls=len(record.calls),
        unpriced=tuple(one.model_asked or "?" for one in record.calls if one.cost is None),
        waited=fsum(known) if known else None,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResults:
    """One case under one variant: what its trials gave."""

    key: EntryKey
    planned: int
    """Trials that were to run."""
    trials: tuple[Trial, ...]
    """Those that ran, in their order."""
    tags: tuple[str, ...] = ()
    spared: int = 0
    """Planned trials that need not run, as what the case counts with is settled without them."""

    def outcomes(self) -> list[float | None]:
        """Return for each planned trial 1.0 or 0.0; None where it could not be measured."""
        return self.values("passed", kind="outcome")

    def values(self, score: str, *, kind: str | None = None) -> list[float | None]:
        """Return the value of *score* for each planned trial, None where there is none.

        Of several scores of that name in one trial, the mean counts; one of them not scored is
        the trial not scored.
        """
        found: list[float | None] = []
        for trial in self.trials:
            each = [
                one.value
                for one in trial.scores
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
    parts: tuple[Group, ...] = ()
    """The groups that are decided over together; empty where it is one alone."""

    @property
    def name(self) -> str:
        """`module::test`."""
        return f"{self.test.module}::{self.test.test}"

    @property
    def members(self) -> tuple[Group, ...]:
        """The groups that it is made of: itself, or its parts."""
        return self.parts or (self,)

    def rows(self, tag: str | None) -> list[tuple[CaseResults, ...]]:
        """Return the cases that bear *tag*, those of one row of data in several tests together.

        What comes from the same row is no independent sample, so a row counts once.
        """
        found: dict[tuple[str, str | None], list[CaseResults]] = {}
        for member in self.members:
            digests = member.test.dataset.case_digests
            for one in member.tagged(tag):
                found.setdefault((one.key.case, digests.get(one.key.case)), []).append(one)
        return list(map(tuple, found.values()))

    def tagged(self, tag: str | None) -> tuple[CaseResults, ...]:
        """Return the cases that bear *tag*; all for None."""
        return tuple(one for one in self.cases if tag is None or tag in one.tags)


def groups(plan: Plan, records: Iterable[ItemRecord], gated: Container[str]) -> list[Group]:
    """Return every planned test in *gated*, `module::test`, under every variant, in plan order."""
    by_case: dict[EntryKey, list[Trial]] = {}
    for record in records:
        if record.outcome != "settled" and f"{record.key.module}::{record.key.test}" in gated:
            by_case.setdefault(entry_key(record.key), []).append(trial_of(record))
    return [
        Group(test=test, variant=variant, cases=tuple(_cases(test, variant, by_case)))
        for test in plan.tests
        if f"{test.module}::{test.test}" in gated
        for variant in test.variants
    ]


def _cases(
    test: PlannedTest, variant: Variant, by_case: Mapping[EntryKey, Sequence[Trial]]
) -> Iterable[CaseResults]:
    for case in test.selected:
        item = ItemKey(module=test.module, test=test.test, variant=variant, case=case)
        key = entry_key(item)
        found = sorted(by_case.get(key, ()), key=lambda one: one.number)
        planned = max(test.trials.get(case, 1), len(found))
        tags = test.tags.get(case, ())
        yield CaseResults(key=key, planned=planned, trials=tuple(found), tags=tags)


def named(rows: Iterable[Sequence[CaseResults]]) -> list[str]:
    """Return what each row is called: its case's id, and a test where rows share one."""
    first = [row[0].key for row in rows]
    times = Counter(one.case for one in first)
    return [one.case if times[one.case] == 1 else f"{one.case} ({one.test})" for one in first]


def gates_of(test: PlannedTest, configured: Iterable[GateSpec]) -> tuple[GateSpec, ...]:
    """Return the gates over a planned test, its own first."""
    return gates_over(test.module, test.test, test.gates, configured)
