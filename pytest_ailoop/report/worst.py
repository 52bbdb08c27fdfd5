"""The cases a person should look at first, and why. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum

from pytest_ailoop.data.baseline import Change, Comparison, EntryKey, entry_key
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.report.numbers import number

__all__ = ["CaseRow", "case_rows", "worst_first"]


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
    output: str


def worst_first(rows: Iterable[CaseRow]) -> tuple[CaseRow, ...]:
    """Return those of *rows* that errored, regressed or did not pass, worst first."""
    found = [one for one in rows if _rank(one) < 3]
    return tuple(sorted(found, key=lambda one: (_rank(one), one.rate or 0.0)))


def _rank(row: CaseRow) -> int:
    if row.outcome == "error":
        return 0
    if row.status == "regressed":
        return 1
    # A skip says nothing on quality, and an expected failure is expected.
    return 2 if row.rate is not None and row.rate < 1 and row.outcome != "xfailed" else 3


def case_rows(records: Iterable[ItemRecord], comparison: Comparison) -> tuple[CaseRow, ...]:
    """Return a row for each case under each variant, in the order of the records."""
    changes = {one.key: one for one in comparison.changes}
    unmeasured = {one.key for one in comparison.unmeasured}
    groups: dict[EntryKey, list[ItemRecord]] = {}
    for record in records:
        groups.setdefault(entry_key(record.key), []).append(record)
    return tuple(
        _case_row(key, each, None if key in unmeasured else changes.get(key), key in unmeasured)
        for key, each in groups.items()
    )


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
    bad = bad or next((one for one in records if one.outcome == "failed"), None)
    shown = bad or records[0]
    reason = reason_of(shown)
    return CaseRow(
        key=key,
        outcome=_outcome(records, values),
        rate=fsum(values) / len(values) if values else None,
        status="not measured" if unmeasured else change.status if change else "",
        reason="; ".join([*_worsened(change, reason), *([reason] if reason else [])]),
        output=shown.output or "",
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
