"""The cases a person should look at first, and why. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import fsum

from pytest_ailoop.data.baseline import Change, Comparison, EntryKey, entry_key
from pytest_ailoop.data.record import ItemKey, ItemRecord
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.report.numbers import number

__all__ = ["CaseRow", "CaseRows", "case_rows", "worst_first"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseRow:
    """One case under one variant, over its trials."""

    key: EntryKey
    outcome: str
    """`error` or `skipped` where a trial was; else `passed`, `failed`, or `2/3` passed."""
    rate: float | None
    status: str
    """How it stands to the baseline; `not measured` where it cannot tell."""
    reason: str
    """What moved for the worse, where that is another thing; then the first thing that went wrong,
    in the words of the check or the fault."""


def worst_first(rows: Iterable[CaseRow]) -> tuple[CaseRow, ...]:
    """Return those of *rows* that errored, regressed or did not pass, worst first."""
    found = [one for one in rows if _rank(one) < _FINE]
    return tuple(sorted(found, key=lambda one: (_rank(one), one.rate or 0.0)))


#: Rank of a case that nobody needs to look at.
_FINE = 3


def _rank(row: CaseRow) -> int:
    if row.outcome == "error":
        return 0
    if row.status == "regressed":
        return 1
    # A skip says nothing on quality, and an expected failure is expected.
    return 2 if row.rate is not None and row.rate < 1 and row.outcome != "xfailed" else _FINE


def case_rows(records: Iterable[ItemRecord], comparison: Comparison) -> tuple[CaseRow, ...]:
    """Return a row for each case under each variant, in the order of the records."""
    groups: dict[EntryKey, list[ItemRecord]] = {}
    for record in records:
        if record.outcome == "settled":
            continue
        groups.setdefault(entry_key(record.key), []).append(record)
    cases = CaseRows(comparison)
    for members in groups.values():
        for one in members:
            cases.add(one)
    return cases.found


class CaseRows:
    """Takes item after item, trials of a case one after another; gives a row for each case."""

    def __init__(self, comparison: Comparison, *, only_worst: bool = False) -> None:
        self._only_worst = only_worst
        self._change_of = comparison.change_of
        self._unmeasured = {one.key for one in comparison.unmeasured}
        self._found: dict[EntryKey, CaseRow] = {}
        self._members: list[ItemRecord] = []
        #: Whether trials of a case did not stand together; the rows are wrong then.
        self.is_torn = False

    def add(self, record: ItemRecord) -> None:
        """Add a trial."""
        if self._members and not _same_case(record.key, self._members[0].key):
            self._close()
        self._members.append(record)

    def _close(self) -> None:
        key = entry_key(self._members[0].key)
        change, is_unmeasured = self._change_of(key), key in self._unmeasured
        # The key that is there already, not another one for each of a hundred thousand.
        key = key if change is None else change.key
        self.is_torn |= key in self._found
        change = None if is_unmeasured else change
        row = _case_row(key, self._members, change, is_unmeasured)
        if not self._only_worst or _rank(row) < _FINE:
            self._found[key] = row
        self._members = []

    @property
    def found(self) -> tuple[CaseRow, ...]:
        """The rows, in the order of the records."""
        if self._members:
            self._close()
        return tuple(self._found.values())


def _same_case(one: ItemKey, other: ItemKey) -> bool:
    return one.case == other.case and replace(one, trial=other.trial) == other


def _case_row(
    key: EntryKey, records: Sequence[ItemRecord], change: Change | None, unmeasured: bool
) -> CaseRow:
    values = [
        score.value
        for record in records
        for score in record.scores
        if score.kind == "outcome" and score.value is not None
    ]
    bad = next((one for one in records if one.outcome == "error"), None)
    bad = bad or next((one for one in records if one.outcome in ("failed", "missed")), None)
    shown = bad or records[0]
    reason = reason_of(shown)
    return CaseRow(
        key=key,
        outcome=_outcome(records, values),
        rate=fsum(values) / len(values) if values else None,
        status="not measured" if unmeasured else change.status if change else "",
        reason="; ".join([*_worsened(change, reason), *([reason] if reason else [])]),
    )


def _worsened(change: Change | None, reason: str) -> list[str]:
    """Return the scores that fell, but for those that *reason* or the outcome tells of anyway."""
    if change is None or change.status != "regressed":
        return []
    told = ("passed", reason.split(" missed", 1)[0])
    return [
        f"{one.name} {number(one.before)} -> {number(one.now)}"
        for one in change.moved
        if not one.better and one.name not in told
    ]


def _outcome(records: Sequence[ItemRecord], values: Sequence[float]) -> str:
    outcomes = {one.outcome for one in records}
    if len(outcomes) == 1:
        return next(iter(outcomes))
    for outcome in ("error", "skipped"):
        if outcome in outcomes:
            return outcome
    return f"{sum(value == 1 for value in values)}/{len(records)} passed"


def reason_of(record: ItemRecord) -> str:
    """Return the first thing that kept *record* from passing; empty where nothing did."""
    # In an item that errored, an expectation is missed for want of a reply; the fault says more.
    telling = ("unknown",) if record.outcome == "error" else ("unknown", "missed")
    for one in record.expectations:
        if one.standing in telling:
            verb = "missed" if one.standing == "missed" else "could not tell"
            return f"{one.name} {verb}: {one.reason}" if one.reason else f"{one.name} {verb}"
    for score in record.scores:
        if score.not_scored is not None:
            return f"{score.name} not scored: {score.not_scored}"
    if record.fault is not None:
        return f"{record.fault.type}: {record.fault.message}"
    failed = next((call for call in record.calls if call.error), None)
    return f"call failed: {failed.error}" if failed and record.outcome == "error" else ""
