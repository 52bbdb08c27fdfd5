"""How a run stands to the accepted scores, case by case; pure. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from pytest_ailoop.baseline.causes import causes
from pytest_ailoop.baseline.file import sort_key
from pytest_ailoop.baseline.measure import Measured, planned_keys
from pytest_ailoop.data.baseline import (
    Accepted,
    AcceptedScore,
    Change,
    ChangeStatus,
    Comparison,
    EntryKey,
    Moved,
    NewCases,
    sorted_axes,
)
from pytest_ailoop.data.record import Plan
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.text import plural

__all__ = ["change_of", "compare"]

OUTCOME = "passed"
"""The item's outcome as a score: it depends on all checks of the item."""


def compare(
    baseline: Mapping[EntryKey, Accepted],
    measured: Measured,
    plan: Plan,
    *,
    unreadable: Collection[str] = (),
) -> Comparison:
    """Return how what was *measured* stands to *baseline*; *plan* tells gone from not run.

    A case is missing where its data set, its test or its variant no longer has it, and this run
    collected enough to know: the test itself, or its module as a whole. What was just not
    selected or not reached is counted as not run. Cases of *unreadable* modules are counted as
    not compared: without their baseline nothing can be said of them, least of all that they are
    new.
    """
    entries = measured.entries
    if unreadable:
        entries = {key: one for key, one in entries.items() if key.module not in unreadable}
    hidden = len(measured.entries) - len(entries)
    changes: Sequence[Change]
    if baseline:
        gone, not_run = _without_result(baseline, measured, plan)
        found = [change_of(baseline.get(key), now) for key, now in entries.items()]
        changes = tuple(sorted([*found, *gone], key=lambda one: sort_key(one.key)))
    else:
        changes, not_run = NewCases(entries, sorted(entries, key=sort_key)), []
    unmeasured = sorted(measured.unmeasured, key=lambda one: sort_key(one.key))
    return Comparison(
        changes=changes,
        unmeasured=tuple(unmeasured),
        not_run=tuple(sorted(not_run, key=sort_key)),
        incomplete=tuple(_incomplete(plan, measured, not_run, hidden)),
        accepted=len(baseline),
        pooled=max((one.runs for one in baseline.values()), default=1),
        counts=_counts(
            changes,
            {"not measured": len(unmeasured), "not run": len(not_run), "not compared": hidden},
        ),
        # Nothing is in both runs, without a baseline.
        causes=causes(changes, measured.judges) if baseline else (),
    )


def _without_result(
    baseline: Mapping[EntryKey, Accepted], measured: Measured, plan: Plan
) -> tuple[list[Change], list[EntryKey]]:
    """Return which lines have no case any more, and which were just not run."""
    known = {one.key for one in measured.unmeasured}
    gone = _Gone(plan)
    changes, not_run = [], []
    for key, before in baseline.items():
        if key in measured.entries or key in known:
            continue
        if gone.is_gone(key):
            changes.append(Change(key=key, status="missing", before=before))
        else:
            not_run.append(key)
    return changes, not_run


class _Gone:
    """Knows which lines of a baseline the test suite no longer asks for."""

    def __init__(self, plan: Plan) -> None:
        self._whole = set(plan.whole_modules)
        self._tests = {(one.module, one.test) for one in plan.tests}
        self._cases: dict[tuple[str, str], set[str]] = {}
        self._variants: dict[tuple[str, str], set[Variant]] = {}
        for one in plan.tests:
            where = one.module, one.test
            cases = self._cases.setdefault(where, set())
            cases.update(one.dataset.case_digests, one.selected)
            self._variants.setdefault(where, set()).update(map(sorted_axes, one.variants))

    def is_gone(self, key: EntryKey) -> bool:
        where = key.module, key.test
        if where not in self._tests:
            return key.module in self._whole
        return key.case not in self._cases[where] or key.variant not in self._variants[where]


def change_of(before: Accepted | None, now: Accepted) -> Change:
    """Return how one measured case stands to its accepted line, if it has one."""
    if before is None:
        return Change(key=now.key, status="new", now=now)
    checks = _changed_checks(before.scores, now.scores)
    same_case = before.case_digest == now.case_digest
    moved = _moved(before.scores, now.scores) if same_case else ()
    causes = tuple(_causes(before, now, checks))
    status = _status(same_case, moved, causes)
    return Change(key=now.key, status=status, moved=moved, causes=causes, before=before, now=now)


def _status(same_case: bool, moved: tuple[Moved, ...], causes: tuple[str, ...]) -> ChangeStatus:
    if not same_case:
        return "changed case"
    if any(not one.better for one in moved):
        return "regressed"
    if moved:
        return "improved"
    if any(cause.startswith("check ") for cause in causes):
        return "changed check"
    return "changed prompt" if "prompt" in causes else "unchanged"


def _causes(before: Accepted, now: Accepted, checks: Iterable[str]) -> Iterable[str]:
    if before.case_digest != now.case_digest:
        yield "case"
    if before.prompt_digest != now.prompt_digest:
        yield "prompt"
    yield from (f"check {name}" for name in checks)
    # Lines of older files do not say what was asked.
    if before.asked_digest and now.asked_digest and before.asked_digest != now.asked_digest:
        yield "model asked"
    if before.models_answered != now.models_answered:
        yield "model answered"
    # A judge that is asked now and was not, or no longer, is a check that came or went.
    judged = before.judges_answered, now.judges_answered
    if all(judged) and judged[0] != judged[1]:
        yield "judge answered"
    if before.trials != now.trials:
        yield "trials"
    if before.output_digests != now.output_digests:
        yield "output"


def _changed_checks(
    before: Mapping[str, AcceptedScore], now: Mapping[str, AcceptedScore]
) -> list[str]:
    names = sorted(set(before) | set(now))
    return [name for name in names if not _same_check(before.get(name), now.get(name))]


def _same_check(before: AcceptedScore | None, now: AcceptedScore | None) -> bool:
    if before is None or now is None:
        return False
    return (before.check, before.direction) == (now.check, now.direction)


def _moved(
    before: Mapping[str, AcceptedScore], now: Mapping[str, AcceptedScore]
) -> tuple[Moved, ...]:
    found = []
    for name in sorted(set(before) & set(now)):
        old, new = before[name], now[name]
        if old.mean == new.mean or not _same_check(old, new):
            continue
        better = (new.mean > old.mean) == (new.direction == "higher")
        if name == OUTCOME and not _outcome_comparable(before, now, better):
            continue
        found.append(Moved(name=name, before=old.mean, now=new.mean, better=better))
    return tuple(sorted(found, key=lambda one: (one.better, -abs(one.now - one.before), one.name)))


def _outcome_comparable(
    before: Mapping[str, AcceptedScore], now: Mapping[str, AcceptedScore], better: bool
) -> bool:
    """Tell whether `passed` still asks the same question.

    An item that stops early has fewer scores. So fewer checks explain a worse outcome and more
    checks a better one, as the same test would show; the other way round the test was edited.
    """
    common = set(before) & set(now)
    if not all(_same_check(before[name], now[name]) for name in common):
        return False
    gone, added = set(before) - set(now), set(now) - set(before)
    return not gone if better else not added


def _incomplete(
    plan: Plan, measured: Measured, not_run: Iterable[EntryKey], hidden: int
) -> Iterator[str]:
    yield from plan.narrowed
    yield from sorted({one.selection for one in plan.tests if one.selection})
    unmeasured = {one.key for one in measured.unmeasured}
    absent = {
        key for key in planned_keys(plan) if key not in measured.entries and key not in unmeasured
    }
    if absent:
        yield f"{plural(len(absent), 'planned case')} did not run"
    if measured.unmeasured:
        yield f"{plural(len(measured.unmeasured), 'case')} not measured"
    # Planned ones are counted above.
    others = sum(key not in absent for key in not_run)
    if others:
        more = "more " if absent else ""
        yield f"{others} {more}{'case' if others == 1 else 'cases'} of the baseline not run"
    if hidden:
        yield f"{plural(hidden, 'case')} not compared (their baseline cannot be read)"


def _counts(changes: Iterable[Change], others: Mapping[str, int]) -> dict[str, int]:
    counted = Counter[str](one.status for one in changes) + Counter(others)
    return {name: counted[name] for name in sorted(counted)}
