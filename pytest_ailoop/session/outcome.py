"""All that is known at the end of a run, and how it comes out of its records.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ailoop.baseline.books import Accepting, Baselines, accept_into, slipped
from pytest_ailoop.baseline.hygiene import Undecided
from pytest_ailoop.data.baseline import Accepted, Comparison
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.data.record import ItemKey, ItemRecord, RunRecord
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.report import runs
from pytest_ailoop.report.rows import Report, rows
from pytest_ailoop.report.since import GroupKey, told
from pytest_ailoop.settings import AcceptKind

if TYPE_CHECKING:
    from pytest_ailoop.data.record import Plan
    from pytest_ailoop.data.slice import Slice

__all__ = ["Outcome", "settle"]

_BARRED = (
    "not accepted: CI is set, and CI never accepts by itself (--ailoop-force, or "
    "`ailoop accept --force`, does it all the same)"
)

_STOPPED = (
    "not accepted: the run stopped early, so its scores are no fair sample; run it with "
    "--snapshot-update, which stops nowhere (`ailoop accept --force` takes what ran)"
)


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
    taken: tuple[Accepted, ...] = ()
    """The lines that were written anew."""
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
        slices=_slices(plan, comparison, run.gates),
        warnings=slipped(baselines, plan, run.gates, written=bool(done.accepted)),
        accepted=done.accepted,
        refused=done.refused,
        taken=done.taken,
        faults=(*map("baseline unreadable: {}".format, baselines.faults.values()), *done.faults),
        missing=tuple(missing),
    )


def _slices(
    plan: Plan, comparison: Comparison, verdicts: Sequence[GateVerdict]
) -> tuple[Slice, ...]:
    """Return the parts of the cases to look at; without tags and slices there are none."""
    if not any(one.tags or one.slices for one in plan.tests):
        return ()
    from pytest_ailoop.report.slices import slices

    return slices(plan, comparison, verdicts)
