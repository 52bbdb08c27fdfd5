"""One run from its item records: compared with the baselines, accepted if asked, and kept.

No pytest object comes in here; the pytest side and the command line both end a run by this
module. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ailoop.baseline.books import Accepting, Baselines, accept_into, slipped
from pytest_ailoop.baseline.file import kept_path
from pytest_ailoop.baseline.hygiene import Undecided
from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.baseline import Comparison
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.data.money import Bill
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, RunRecord
from pytest_ailoop.data.slice import Slice
from pytest_ailoop.report import lineage, runs
from pytest_ailoop.report.attempts import counted
from pytest_ailoop.report.keeping import keep
from pytest_ailoop.report.rows import Report, rows
from pytest_ailoop.report.shelf import Shelf
from pytest_ailoop.report.since import Code, GroupKey, Reasons, told
from pytest_ailoop.report.slices import slices as found_slices
from pytest_ailoop.settings import AcceptKind, Settings

if TYPE_CHECKING:
    from pytest_ailoop.gates.decide import Context

__all__ = ["Outcome", "Session", "settle"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """All that is known at the end of a run."""

    run: RunRecord
    records: Sequence[ItemRecord]
    """In plan order; of a long run, each is read from disk when it is asked for."""
    comparison: Comparison
    accepted: tuple[str, ...] = ()
    """What was written into baselines and what was left, in words; empty if nothing was asked."""
    refused: tuple[str, ...] = ()
    """What was asked for and not done, with the reason."""
    faults: tuple[str, ...] = ()
    """Baselines that cannot be read or written, and run files that were cut short."""
    warnings: tuple[str, ...] = ()
    """What went wrong without harm to the verdict."""
    missing: tuple[ItemKey, ...] = ()
    """Planned items without a record, in plan order."""
    causes: Mapping[GroupKey, str] = field(default_factory=dict)
    """Why scores moved, in words, by module, test and variant."""
    slices: tuple[Slice, ...] = ()
    """Parts of the cases that were held against the rest, the oddest first; hints alone."""
    folder: Path | None = None
    """Where the run is kept; None where it could not be."""

    @property
    def gates(self) -> tuple[GateVerdict, ...]:
        """What the gates decided, in plan order."""
        return self.run.gates

    @property
    def broken(self) -> bool:
        """Whether the run must be red whatever its items say."""
        return bool(self.faults or self.refused)

    @property
    def report(self) -> Report:
        """The rows to show."""
        return self.shown(every_case=True)

    def shown(self, *, every_case: bool) -> Report:
        """Return the rows to show; of cases those of the worst alone, or all."""
        return rows(
            self.run,
            self.records,
            self.comparison,
            missing=self.missing,
            accepted=self.accepted,
            refused=self.refused,
            faults=self.faults,
            causes=self.causes,
            slices=self.slices,
            every_case=every_case,
        )


class Session:
    """Takes a plan and item records in any order; gives an outcome at the end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.planned = Plan()
        self._shelf = Shelf(settings.root / runs.FOLDER)

    def plan(self, plan: Plan) -> None:
        """Set what is to run; a later plan replaces an earlier one."""
        self.planned = plan

    def add(self, record: ItemRecord, data: Mapping[str, Any] | None = None) -> None:
        """Add an item's record; a later one of the same item replaces the earlier (a rerun).

        *data* is the record as JSON values, where the caller has them.
        """
        self._shelf.put(record, data)

    @property
    def records(self) -> Sequence[ItemRecord]:
        """The records so far, in plan order."""
        return self._shelf.ordered(self.planned)

    @property
    def count(self) -> int:
        """Items that have a record so far."""
        return len(self._shelf)

    @property
    def missing(self) -> tuple[ItemKey, ...]:
        """Planned items that have no record so far, in plan order."""
        return tuple(self._shelf.missing(self.planned))

    def finish(
        self,
        *,
        exit_status: int,
        started: datetime,
        duration: float,
        arguments: Sequence[str] = (),
        seeds: Mapping[str, int] | None = None,
        bill: Bill | None = None,
    ) -> Outcome:
        """Compare with the baselines, keep the run, then accept what the settings ask for.

        *started* bears a time zone; *bill* is what the session paid, where that was counted.
        Raises nothing of its own: what cannot be read or written is among the outcome's faults.
        """
        records, missing = self.records, self.missing
        run = self._run(
            records, exit_status, started, duration, arguments, seeds or {}, len(missing)
        )
        baselines = Baselines.of(self.settings.root, run.plan)
        measured = accepted_from(records, run.plan)
        comparison = baselines.compare_measured(measured, run.plan)
        reasons = Reasons(
            Code(self.settings.root),
            comparison,
            lambda: self._pinned(run.plan).compare_measured(measured, run.plan),
            place=partial(kept_path, self.settings.root),
        )
        verdicts = self._decided(run.plan, records, baselines)
        verdicts = tuple(map(reasons.explain, verdicts))
        if any(one.blocking for one in verdicts):
            exit_status = exit_status or _FAILED
        run = replace(run, gates=verdicts, exit_status=exit_status)
        if verdicts:
            run = counted(self.settings.root, run)
        run = replace(run, bill=bill)
        kept = keep(self.settings.root, run, records)
        outcome = settle(
            baselines,
            run,
            records,
            kinds=self.settings.accept,
            barred=self.settings.ci and not self.settings.force,
            forced=self.settings.force,
            missing=missing,
            comparison=comparison,
        )
        return replace(
            outcome,
            causes=reasons.causes(),
            folder=kept.folder,
            faults=(*outcome.faults, *kept.faults),
            warnings=(*outcome.warnings, *kept.warnings),
        )

    def _pinned(self, plan: Plan) -> Baselines:
        return Baselines.of(self.settings.root, plan, pinned=True)

    def _decided(
        self, plan: Plan, records: Sequence[ItemRecord], baselines: Baselines
    ) -> tuple[GateVerdict, ...]:
        config = self.settings.config
        if not config.gates and not any(one.gates for one in plan.tests):
            return ()
        # The statistics of gates are for those who have gates.
        from pytest_ailoop.gates.decide import decide

        return decide(plan, records, self.context(plan, baselines))

    def context(self, plan: Plan, baselines: Baselines | None = None) -> Context:
        """Return what gates over *plan* are decided by, besides results."""
        from pytest_ailoop.gates.decide import Context
        from pytest_ailoop.gates.tables import configured

        config = self.settings.config
        baselines = baselines or Baselines.of(self.settings.root, plan)
        pinned = self._pinned(plan)
        return Context(
            configured=configured(config.gates),
            accepted_failures=config.accepted_failures,
            today=datetime.now(UTC).date().isoformat(),
            baseline=baselines.entries,
            pinned=pinned.entries,
            unreadable={**pinned.faults, **baselines.faults},
            inconclusive=self.settings.inconclusive,
            strict=self.settings.ci,
            accepts="new" in self.settings.accept,
        )

    def _run(
        self,
        records: Sequence[ItemRecord],
        exit_status: int,
        started: datetime,
        duration: float,
        arguments: Sequence[str],
        seeds: Mapping[str, int],
        missing: int,
    ) -> RunRecord:
        moment = started.astimezone(UTC)
        counts: Counter[str] = Counter()
        models = lineage.models_of(lineage.counted(records, counts))
        counts["missing"] = missing
        root = self.settings.root
        return RunRecord(
            # The fraction of the second, not chance: runs sort by when they began.
            id=f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 16:04x}",
            started=moment.isoformat(timespec="seconds"),
            duration=round(duration, 3),
            exit_status=exit_status,
            commit=lineage.commit_of(root),
            dirty=lineage.dirty_of(root),
            options=lineage.options_of(self.settings, arguments),
            versions=lineage.versions(),
            seeds={"sample": self.settings.seed, **seeds},
            models=models,
            plan=self.planned,
            counts=dict(sorted(counts.items())),
        )


_FAILED = 1
"""Exit status of a run with failures; a gate that is red is one, although it runs last."""


_BARRED = (
    "not accepted: CI is set, and CI never accepts by itself (--ailoop-force, or "
    "`ailoop accept --force`, does it all the same)"
)


_STOPPED = (
    "not accepted: the run stopped early, so its scores are no fair sample; run it with "
    "--snapshot-update, which stops nowhere (`ailoop accept --force` takes what ran)"
)


def settle(
    baselines: Baselines,
    run: RunRecord,
    records: Sequence[ItemRecord],
    *,
    kinds: Sequence[AcceptKind] = (),
    barred: bool = False,
    forced: bool = False,
    missing: Sequence[ItemKey] | None = None,
    comparison: Comparison | None = None,
) -> Outcome:
    """Compare a run with *baselines*, and accept *kinds* of what it measured.

    *missing* are planned items without a record, and *comparison* how it stands to the baselines,
    where that is known.
    *barred* refuses to write (under `CI`); a run that stopped early, and cases over which a
    comparison could not tell, are accepted only if *forced*. A baseline that cannot be read is left
    untouched, and so are all cases that this run did not measure.
    """
    plan = run.plan
    comparison = comparison or baselines.compare(records, plan)
    if missing is None:
        missing = runs.missing(plan, records)
    whole = not (comparison.incomplete or missing or baselines.faults)
    done = Accepting()
    if kinds and barred:
        done = Accepting(refused=(_BARRED,))
    elif kinds and run.counts.get("settled") and not forced:
        done = Accepting(refused=(_STOPPED,))
    elif kinds:
        done = accept_into(
            baselines,
            comparison,
            kinds,
            whole=whole and run.exit_status == 0,
            trials_given=run.options.get("trials") is not None,
            undecided=None if forced else Undecided(plan, run.gates),
        )
    return Outcome(
        run=run,
        records=records,
        comparison=comparison,
        causes=told(comparison, since="the baseline"),
        slices=found_slices(plan, comparison, run.gates),
        warnings=slipped(baselines, plan, run.gates, written=bool(done.accepted)),
        accepted=done.accepted,
        refused=done.refused,
        faults=(*map("baseline unreadable: {}".format, baselines.faults.values()), *done.faults),
        missing=tuple(missing),
    )
