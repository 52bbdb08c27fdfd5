"""What is shown of a run, as rows of plain values, not yet formatted. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import fsum

from pytest_ailoop import stats
from pytest_ailoop.data.baseline import Change, Comparison, EntryKey, Unmeasured, entry_key
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.money import Bill
from pytest_ailoop.data.record import ItemKey, ItemRecord, PlannedTest, RunRecord
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report.measures import CheckRow, ClassRow, check_rows, class_rows
from pytest_ailoop.report.numbers import Money
from pytest_ailoop.report.worst import CaseRow, case_rows, worst_first

__all__ = ["Calls", "Money", "Report", "Row", "TestRows", "calls_of", "rows"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Calls:
    """The application's calls of some items; judges' calls are counted apart."""

    count: int = 0
    p50: float | None = None
    """Seconds that an item waited for models, as measured when the calls were made live."""
    p95: float | None = None
    tokens: int = 0
    """Input and output tokens, of the calls that say."""
    uncounted: int = 0
    """Calls that do not say how many tokens they took."""
    cost: Money = field(default_factory=Money)
    origins: Mapping[str, int] = field(default_factory=dict)
    """Calls by where the reply came from: `recording`, `cache`, `live`."""
    judge_count: int = 0
    judge_cost: Money = field(default_factory=Money)
    paid: Money = field(default_factory=Money)
    """What was asked live, judges included. Of a run as a whole all that its session paid."""
    saved: Money = field(default_factory=Money)
    """What recordings and cache answered, at the price of asking it."""
    earlier: Money = field(default_factory=Money)
    """Of a run as a whole: what kept items had cost before."""
    kept: int = 0
    """Of a run as a whole: items kept from interrupted runs."""


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
    """95% Wilson interval over cases."""
    trials: int
    """Most trials of any case."""
    outcomes: Mapping[str, int]
    """Items by outcome, and `missing`."""
    unscored: int
    """Scores that could not be given."""
    changes: Mapping[str, int]
    """Cases by how they stand to the baseline, with `not measured`."""
    calls: Calls
    checks: tuple[CheckRow, ...] = ()
    classes: tuple[ClassRow, ...] = ()


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
    """Every case under every variant, in plan order."""
    worst: tuple[CaseRow, ...]
    """Those that errored, regressed or did not pass, worst first."""
    changes: tuple[Change, ...]
    unmeasured: tuple[Unmeasured, ...]
    missing: tuple[ItemKey, ...]
    incomplete: tuple[str, ...]
    narrowed: tuple[str, ...]
    """Why not all was to run in the first place; part of `incomplete`."""
    has_baseline: bool
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
) -> Report:
    """Return everything that can be shown of a run; pure."""
    tables = _Tables(records, comparison, missing)
    tests = tuple(_test_rows(test, tables) for test in run.plan.tests)
    planned = sum(len(one.variants) * len(one.selected) for one in run.plan.tests)
    cases = case_rows(records, comparison)
    total = _row("all", planned, list(records), tables.statuses, len(missing))
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
        accepted=tuple(accepted),
        refused=tuple(refused),
        faults=tuple(faults),
        next=_next(run, comparison, total, bool(accepted)),
    )


class _Tables:
    """Records, changes and missing items by test and variant, gone through once."""

    def __init__(
        self,
        records: Iterable[ItemRecord],
        comparison: Comparison,
        missing: Iterable[ItemKey],
    ) -> None:
        self.records: dict[EntryKey, list[ItemRecord]] = {}
        self.changes: dict[EntryKey, Counter[str]] = {}
        self.missing: Counter[EntryKey] = Counter()
        self.statuses: Counter[str] = Counter(comparison.counts)
        for record in records:
            self.records.setdefault(_group(entry_key(record.key)), []).append(record)
        for change in comparison.changes:
            self.changes.setdefault(_group(change.key), Counter())[change.status] += 1
        for one in comparison.unmeasured:
            self.changes.setdefault(_group(one.key), Counter())["not measured"] += 1
        for key in missing:
            self.missing[_group(entry_key(key))] += 1


def _group(key: EntryKey) -> EntryKey:
    return EntryKey(module=key.module, test=key.test, variant=key.variant, case="")


def _test_rows(test: PlannedTest, tables: _Tables) -> TestRows:
    return TestRows(
        module=test.module,
        test=test.test,
        dataset=test.dataset.name,
        cases=len(test.selected),
        size=test.dataset.size,
        trials=max(test.trials.values(), default=1),
        fewest=min(test.trials.values(), default=1),
        rows=tuple(_variant_row(test, variant, tables) for variant in test.variants),
    )


def _variant_row(test: PlannedTest, variant: Variant, tables: _Tables) -> Row:
    item = ItemKey(module=test.module, test=test.test, variant=variant, case="")
    group = entry_key(item)
    records = tables.records.get(group, [])
    changes = tables.changes.get(group, Counter())
    return _row(variant.label, len(test.selected), records, changes, tables.missing[group])


def _row(
    label: str,
    planned: int,
    records: Sequence[ItemRecord],
    changes: Mapping[str, int],
    missing: int,
) -> Row:
    means = _pass_means(records)
    rate = fsum(means) / len(means) if means else None
    interval = stats.wilson(fsum(means), len(means))
    outcomes = Counter(str(one.outcome) for one in records)
    if missing:
        outcomes["missing"] = missing
    return Row(
        label=label,
        planned=planned,
        scored=len(means),
        passed=sum(mean == 1.0 for mean in means),
        rate=rate,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        trials=max((one.key.trial for one in records), default=1),
        outcomes=dict(sorted(outcomes.items())),
        unscored=sum(s.not_scored is not None for one in records for s in one.scores),
        changes=dict(sorted(changes.items())),
        calls=calls_of(records),
        checks=check_rows(records),
        classes=class_rows(records),
    )


def _pass_means(records: Iterable[ItemRecord]) -> list[float]:
    """Return the share of passed trials of each case that has a scored one."""
    cases: dict[EntryKey, list[float]] = {}
    for record in records:
        for score in record.scores:
            if score.kind == "outcome" and score.value is not None:
                cases.setdefault(entry_key(record.key), []).append(score.value)
    return [fsum(values) / len(values) for values in cases.values()]


def calls_of(records: Sequence[ItemRecord]) -> Calls:
    """Return what the calls of *records* took together."""
    apps = [[call for call in one.calls if call.purpose == "app"] for one in records]
    app = [call for calls in apps for call in calls]
    judge = [call for one in records for call in one.calls if call.purpose == "judge"]
    waits = sorted(_waited(calls) for calls in apps if any(c.latency is not None for c in calls))
    return Calls(
        count=len(app),
        p50=stats.percentile(waits, 50) if waits else None,
        p95=stats.percentile(waits, 95) if waits else None,
        tokens=sum(_tokens(call) or 0 for call in app),
        uncounted=sum(_tokens(call) is None for call in app),
        cost=_money(app),
        origins=_origins(app + judge),
        judge_count=len(judge),
        judge_cost=_money(judge),
        paid=_money([call for call in app + judge if call.origin == "live"]),
        saved=_money([call for call in app + judge if call.origin != "live"]),
    )


def _billed(calls: Calls, bill: Bill | None) -> Calls:
    """Put what the session paid in the place of what its results tell.

    They know of no attempt before the last one, and not in which session they were paid.
    """
    if bill is None:
        return calls
    return replace(calls, paid=bill.paid, saved=bill.saved, earlier=bill.earlier, kept=bill.kept)


def _origins(calls: Iterable[Call]) -> dict[str, int]:
    """Return how many replies came from where; a call that brought none has no origin."""
    found = Counter(str(call.origin) for call in calls if call.error is None)
    return dict(sorted(found.items()))


def _waited(calls: Iterable[Call]) -> float:
    return fsum(call.latency for call in calls if call.latency is not None)


def _tokens(call: Call) -> int | None:
    usage = call.usage
    if call.error is not None and call.cost == 0.0:
        return 0  # Refused, and so not worked on.
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    return (usage.input_tokens or 0) + (usage.output_tokens or 0)


def _money(calls: Sequence[Call]) -> Money:
    costs = [call.cost for call in calls if call.cost is not None]
    return Money(known=fsum(costs), priced=len(costs), unknown=len(calls) - len(costs))


def _next(
    run: RunRecord, comparison: Comparison, total: Row, accepted: bool
) -> tuple[tuple[str, str], ...]:
    found = []
    if total.passed < total.planned or comparison.unmeasured:
        found.append(("ailoop show -v", "shows each case of this run"))
    kinds = _kinds(comparison, run.exit_status == 0)
    if kinds and not accepted:
        found.append((f"ailoop accept --only {kinds}", "accepts it as the baseline"))
    unrecorded = {"cache", "live"} & total.calls.origins.keys()
    if unrecorded and run.options.get("replies") not in ("replay", "record"):
        found.append(("ailoop record", "keeps its replies in files for git, for replay"))
    return tuple(found)


def _kinds(comparison: Comparison, passing: bool) -> str:
    counts = comparison.counts
    fresh = ("new", "changed case", "changed prompt", "changed check")
    kinds = ["new"] if any(counts.get(one) for one in fresh) else []
    kinds += [one for one in ("improved", "regressed") if counts.get(one)]
    prunable = passing and not comparison.incomplete
    kinds += ["prune"] if counts.get("missing") and prunable else []
    return ",".join(kinds)
