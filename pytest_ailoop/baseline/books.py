"""The baselines of a run's modules: read, compared with, and written where that was asked for.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pytest_ailoop.baseline.accept import accept
from pytest_ailoop.baseline.compare import compare
from pytest_ailoop.baseline.file import baseline_path, pinned_path, read
from pytest_ailoop.baseline.hygiene import Undecided, slips
from pytest_ailoop.baseline.measure import Measured, accepted_from
from pytest_ailoop.data.baseline import Accepted, Comparison, EntryKey
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.data.record import ItemRecord, Plan
from pytest_ailoop.errors import BaselineError
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.settings import AcceptKind

__all__ = ["Accepting", "Baselines", "accept_into", "slipped"]


class Baselines:
    """The accepted scores of the modules of a plan, with what could not be read."""

    @classmethod
    def of(cls, root: Path, plan: Plan, *, pinned: bool = False) -> Baselines:
        """Return those of the modules of *plan*."""
        modules = {one.module for one in plan.tests} | set(plan.whole_modules)
        return cls(root, modules, pinned=pinned)

    def __init__(self, root: Path, modules: Iterable[str], *, pinned: bool = False) -> None:
        self.root = root
        self.entries: dict[EntryKey, Accepted] = {}
        self.faults: dict[str, str] = {}
        """Message by module."""
        for module in sorted(set(modules)):
            path = pinned_path(root, module) if pinned else baseline_path(root, module)
            shown = path.relative_to(root).as_posix()
            try:
                self.entries.update(read(path, module=module, shown=shown))
            except BaselineError as error:
                self.faults[module] = str(error)

    def compare(self, records: Iterable[ItemRecord], plan: Plan) -> Comparison:
        """Return how *records* stand to what was accepted.

        Cases of a module whose baseline cannot be read are `not compared`, never new.
        """
        return self.compare_measured(accepted_from(records, plan), plan)

    def compare_measured(self, measured: Measured, plan: Plan) -> Comparison:
        """Return how what was *measured* stands to what was accepted."""
        return compare(self.entries, measured, plan, unreadable=self.faults)


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepting:
    """What came of the wish to accept a run, in words."""

    accepted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    taken: tuple[Accepted, ...] = ()
    """The lines that were written anew."""


def accept_into(
    baselines: Baselines,
    comparison: Comparison,
    kinds: Sequence[AcceptKind],
    *,
    whole: bool,
    trials_given: bool,
    undecided: Undecided | None = None,
) -> Accepting:
    """Write *kinds* of what was measured into *baselines*; what cannot be is told, not raised.

    *whole* says that the run measured everything and passed; *trials_given*, that it was told how
    often to try; *undecided* knows the cases over which a gate could not tell.
    """
    # syrupy brings pytest along; only who accepts pays for it.
    from pytest_ailoop.baseline.extension import write_baseline

    result = accept(
        baselines.entries,
        comparison,
        kinds,
        complete_and_passing=whole,
        trials_given=trials_given,
        undecided=None if undecided is None else undecided.why,
    )
    modules: dict[str, dict[EntryKey, Accepted]] = {}
    for key in (*baselines.entries, *result.entries):
        modules.setdefault(key.module, {})
    for key, entry in result.entries.items():
        modules[key.module][key] = entry
    faults, written = [], []
    for module, entries in sorted(modules.items()):
        try:
            written += [module] if write_baseline(baselines.root, module, entries) else []
        except (OSError, BaselineError) as error:
            faults.append(f"the baseline of {module} could not be written: {error}")
    unread = [f"nothing of {module} accepted" for module in sorted(baselines.faults)]
    done = result.done or (() if unread or result.refused else ("nothing to accept",))
    if faults:
        # The counts are those of all modules together.
        done = (f"accepted only in {', '.join(written)}",) if written else ()
    return Accepting(
        accepted=(*done, *result.left),
        refused=(*result.refused, *unread),
        faults=tuple(faults),
        taken=() if faults else result.taken,
    )


def slipped(
    baselines: Baselines, plan: Plan, verdicts: Sequence[GateVerdict], *, written: bool
) -> tuple[str, ...]:
    """Return where *baselines* came down since they were pinned; *written* are to be read anew."""
    if not any(one.gate.kind == "no_regression" for one in verdicts):
        return ()
    pinned = Baselines.of(baselines.root, plan, pinned=True)
    if not pinned.entries:
        return ()
    now = Baselines.of(baselines.root, plan) if written else baselines
    return tuple(slips(now.entries, pinned.entries, verdicts))
