"""What is shown of a run, as rows of plain values, not yet formatted. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import fsum
from typing import TYPE_CHECKING

from pytest_ailoop import stats
from pytest_ailoop.data.baseline import (
    Change,
    Comparison,
    Unmeasured,
    entry_key,
    sorted_axes,
)
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.data.money import Bill
from pytest_ailoop.data.record import ItemKey, ItemRecord, PlannedTest, RunRecord
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.report.attempts import attempt_words
from pytest_ailoop.report.calls import Calls
from pytest_ailoop.report.grouped import Grouped
from pytest_ailoop.report.hints import next_steps
from pytest_ailoop.report.measures import CheckRow, ClassRow
from pytest_ailoop.report.since import GroupKey
from pytest_ailoop.report.sums import Sums
from pytest_ailoop.report.worst import CaseRow, case_rows, worst_first
from pytest_ailoop.stats import Interval

if TYPE_CHECKING:
    from pytest_ailoop.data.slice import Slice
    from pytest_ailoop.stats.clustered import ClusteredMean

__all__ = ["Report", "Row", "TestRows", "rows"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A test under a variant, or the whole run."""

    label: str
    planned: int
    """Cases that were to run."""
    scored: int
    """Cases with at least one scored trial: the denominator of the rate."""
    passed: int
    """Cases of which every scored trial passed."""
    rate: float | None
    """Mean over cases of the mean over trials; None where nothing was scored."""
    low: float | None
    high: float | None
    """95% interval over cases: Wilson's for one trial each, Student's t over their means else."""
    trials: int
    """Most trials of any case."""
    outcomes: Mapping[str, int]
    """Items by outcome, and `missing`."""
    unscored: int
    """Scores that could not be given."""
    changes: Mapping[str, int]
    """Cases by how they stand to the baseline, with `not measured`."""
    calls: Calls
    reliability: tuple[tuple[float, float], ...] = ()
    """pass@k and pass^k for k from 1 on; empty where cases have one trial."""
    clustered: ClusteredMean | None = None
    """How sure the rate is by case, and would be if all trials were independent."""
    checks: tuple[CheckRow, ...] = ()
    classes: tuple[ClassRow, ...] = ()
    since: str = ""
    """What changed since the baseline, where a score moved and no gate says it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TestRows:
    """One test function with its variants."""

    module: str
    test: str
    dataset: str
    cases: int
    size: int
    """Cases of the data set before selection."""
    trials: int
    """Most trials of any case, as planned."""
    fewest: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All that the section at a run's end may show."""

    run: str
    tests: tuple[TestRows, ...]
    total: Row
    cases: tuple[CaseRow, ...]
    """Every case under every variant, in plan order; the worst alone, where only they are shown."""
    worst: tuple[CaseRow, ...]
    """Those that errored, regressed or did not pass, worst first."""
    changes: Sequence[Change]
    unmeasured: tuple[Unmeasured, ...]
    missing: tuple[ItemKey, ...]
    incomplete: tuple[str, ...]
    narrowed: tuple[str, ...]
    """Why not all was to run in the first place; part of `incomplete`."""
    has_baseline: bool
    pooled: int = 1
    """Most runs that a line of the baseline was pooled from."""
    gates: tuple[GateVerdict, ...] = ()
    slices: tuple[Slice, ...] = ()
    """Parts of the cases that were held against the rest; hints."""
    attempt: str = ""
    """Which run of the same commit and plan it is, where it is not the first."""
    accepted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    next: tuple[tuple[str, str], ...] = ()
    """Commands with what they do."""


def rows(
    run: RunRecord,
    records: Sequence[ItemRecord],
    comparison: Comparison,
    *,
    missing: Sequence[ItemKey] = (),
    accepted: Sequence[str] = (),
    refused: Sequence[str] = (),
    faults: Sequence[str] = (),
    causes: Mapping[GroupKey, str] | None = None,
    slices: Sequence[Slice] = (),
    every_case: bool = True,
) -> Report:
    """Return everything that can be shown of a run; pure.

    *causes* say why scores moved, by module, test and variant.
    Without *every_case* the rows of cases are those of the worst alone.
    """
    grouped = Grouped(records, comparison, missing, only_worst=not every_case)
    told = {
        (module, test, sorted_axes(one.variant))
        for one in run.gates
        if one.since
        for module, test in one.groups
    }
    grouped.causes = {group: one for group, one in (causes or {}).items() if group not in told}
    tests = tuple(_test_rows(test, grouped) for test in run.plan.tests)
    planned = sum(len(one.variants) * len(one.selected) for one in run.plan.tests)
    cases = grouped.cases.found
    if grouped.cases.is_torn:
        cases = case_rows(records, comparison)
    total = _row("all", planned, grouped.all, grouped.statuses, len(missing))
    total = replace(total, calls=_billed(total.calls, run.bill))
    return Report(
        run=run.id,
        tests=tests,
        total=total,
        cases=cases,
        worst=worst_first(cases),
        changes=comparison.changes,
        unmeasured=comparison.unmeasured,
        missing=tuple(missing),
        incomplete=comparison.incomplete,
        narrowed=run.plan.narrowed,
        has_baseline=comparison.accepted > 0,
        pooled=comparison.pooled,
        gates=run.gates,
        slices=tuple(slices),
        attempt=attempt_words(run),
        accepted=tuple(accepted),
        refused=tuple(refused),
        faults=tuple(faults),
        next=next_steps(
            run,
            comparison,
            all_passed=total.passed >= total.planned,
            origins=total.calls.origins,
            accepted=bool(accepted),
        ),
    )


def _test_rows(test: PlannedTest, grouped: Grouped) -> TestRows:
    return TestRows(
        module=test.module,
        test=test.test,
        dataset=test.dataset.name,
        cases=len(test.selected),
        size=test.dataset.size,
        trials=max(test.trials.values(), default=1),
        fewest=min(test.trials.values(), default=1),
        rows=tuple(_variant_row(test, variant, grouped) for variant in test.variants),
    )


def _variant_row(test: PlannedTest, variant: Variant, grouped: Grouped) -> Row:
    item = ItemKey(module=test.module, test=test.test, variant=variant, case="")
    group = entry_key(item)
    sums = grouped.sums.get(group) or Sums()
    changes = grouped.changes.get(group, Counter())
    found = _row(variant.label, len(test.selected), sums, changes, grouped.missing[group])
    since = grouped.causes.get((group.module, group.test, group.variant), "")
    return replace(found, since=since) if since else found


def _row(label: str, planned: int, sums: Sums, changes: Mapping[str, int], missing: int) -> Row:
    means = sums.means
    outcomes = dict(sums.outcomes)
    if missing:
        outcomes["missing"] = missing
    interval = _interval(means, sums.trials)
    return Row(
        label=label,
        planned=planned,
        scored=len(means),
        passed=sum(mean == 1.0 for mean in means),
        rate=fsum(means) / len(means) if means else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        trials=sums.trials,
        outcomes=dict(sorted(outcomes.items())),
        unscored=sums.measures.unscored,
        changes=dict(sorted(changes.items())),
        calls=sums.calls.found,
        reliability=sums.reliability,
        clustered=sums.clustered,
        checks=sums.measures.checks,
        classes=sums.measures.classes,
    )


def _interval(means: Sequence[float], trials: int) -> Interval | None:
    """Return where the rate lies; a case with several trials is one cluster of them.

    For these the same as a gate on the pass rate takes, never without width.
    """
    if trials == 1:
        return stats.wilson(fsum(means), len(means))
    from pytest_ailoop.stats.clustered import pseudo_mean

    found = pseudo_mean(means, confidence=0.95)
    return found.interval if found else None


def _billed(calls: Calls, bill: Bill | None) -> Calls:
    """Put what the session paid in the place of what its results tell.

    They know of no attempt before the last one, and not in which session they were paid.
    """
    if bill is None:
        return calls
    return replace(calls, paid=bill.paid, saved=bill.saved, earlier=bill.earlier, kept=bill.kept)
