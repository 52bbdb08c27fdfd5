"""One run while its records come in. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_ailoop.baseline.books import Baselines
from pytest_ailoop.baseline.file import kept_path
from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.data.money import Bill
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, RunRecord
from pytest_ailoop.report import lineage, runs
from pytest_ailoop.report.attempts import counted
from pytest_ailoop.report.keeping import keep
from pytest_ailoop.report.shelf import Shelf
from pytest_ailoop.report.since import Code, Reasons
from pytest_ailoop.session.outcome import Outcome, settle
from pytest_ailoop.settings import Settings

if TYPE_CHECKING:
    from pytest_ailoop.gates.decide import Context

__all__ = ["Session"]

_FAILED = 1
"""Exit status of a run with failures; a gate that is red is one, although it runs last."""


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
        stands = lineage.standing(self.settings.root)
        run = self._run(
            records, stands, exit_status, started, duration, arguments, seeds or {}, len(missing)
        )
        baselines = Baselines.of(self.settings.root, run.plan)
        measured = accepted_from(records, run.plan)
        comparison = baselines.compare_measured(measured, run.plan)
        reasons = Reasons(
            Code(self.settings.root, stands),
            comparison,
            lambda: self._pinned(run.plan).compare_measured(measured, run.plan),
            place=partial(kept_path, self.settings.root),
        )
        verdicts = self.decided(run.plan, records, baselines)
        verdicts = tuple(map(reasons.explain, verdicts))
        red = [one for one in verdicts if one.blocking]
        unaccepted = bool(red) and not exit_status
        unaccepted = unaccepted and all(one.status == "no baseline" for one in red)
        if red:
            exit_status = exit_status or _FAILED
        run = replace(run, gates=verdicts, exit_status=exit_status, unaccepted=unaccepted)
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

    def decided(
        self, plan: Plan, records: Sequence[ItemRecord], baselines: Baselines
    ) -> tuple[GateVerdict, ...]:
        """Return what the gates over *plan* say of *records*, held against *baselines*."""
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
            file=config.file,
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
        stands: lineage.Standing,
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
        return RunRecord(
            # The fraction of the second, not chance: runs sort by when they began.
            id=f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 16:04x}",
            started=moment.isoformat(timespec="seconds"),
            duration=round(duration, 3),
            exit_status=exit_status,
            commit=stands.commit,
            dirty=stands.dirty,
            options=lineage.options_of(self.settings, arguments),
            versions=lineage.versions(),
            seeds={"sample": self.settings.seed, **seeds},
            models=models,
            plan=self.planned,
            counts=dict(sorted(counts.items())),
        )
