"""`ailoop compare A B`: two runs, or a run and the baseline, case by case. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import fsum
from pathlib import Path
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.baseline.books import Baselines
from pytest_ailoop.baseline.compare import compare as compare_entries
from pytest_ailoop.baseline.measure import Measured, accepted_from
from pytest_ailoop.cli.console import project, show_lines, width
from pytest_ailoop.data.baseline import Accepted, Change, Comparison, EntryKey
from pytest_ailoop.data.record import Plan
from pytest_ailoop.errors import BaselineError, UsageError
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.report import lineage, runs
from pytest_ailoop.report.numbers import percent
from pytest_ailoop.report.since import GroupKey, code_words, told
from pytest_ailoop.report.table import table
from pytest_ailoop.report.terminal import Line, change_words, move_lines

__all__ = ["add"]

BASELINE = "baseline"


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("compare", help="compare two runs, or a run and the baseline")
    parser.add_argument("before", metavar="A", help="a run's id or its end, or `baseline`")
    parser.add_argument("after", metavar="B", help="likewise; `latest` is the newest run")
    parser.set_defaults(run_command=compare)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    name: str
    measured: Measured
    plan: Plan
    commit: str | None = None
    """Where the run stood."""
    is_dirty: bool = False
    """Whether something was changed since."""


def compare(options: argparse.Namespace) -> int:
    """Print the differences; return 1 where there are any, or where something has no scores."""
    root = project()
    if options.before == options.after == BASELINE:
        raise UsageError("compare needs a run on one side at least, got baseline twice")
    before = _run(root, options.before) if options.before != BASELINE else None
    after = _run(root, options.after) if options.after != BASELINE else None
    known = after or before
    if known is None:
        raise UsageError("compare needs a run")
    before = before or _baseline(root, known.plan)
    after = after or _baseline(root, known.plan)
    found = compare_entries(before.measured.entries, after.measured, after.plan)
    why = told(found, _files(root, before, after), since="A", code=_code(root, before, after))
    show_lines(_lines(before, after, found, why))
    differ = any(one.status != "unchanged" for one in found.changes)
    unsure = before.measured.unmeasured or found.unmeasured or found.not_run
    return 1 if differ or unsure else 0


def _run(root: Path, name: str) -> _Side:
    stored = runs.read(runs.find(root, name))
    measured = accepted_from(stored.records, stored.run.plan)
    run = stored.run
    return _Side(
        name=f"run {run.id}",
        measured=measured,
        plan=run.plan,
        commit=run.commit,
        is_dirty=run.dirty is not None,
    )


def _baseline(root: Path, plan: Plan) -> _Side:
    modules = {one.module for one in plan.tests} | set(plan.whole_modules)
    baselines = Baselines(root, modules)
    if baselines.faults:
        module, problem = next(iter(baselines.faults.items()))
        raise BaselineError(problem, path=f"baseline of {module}")
    runs = max((one.runs for one in baselines.entries.values()), default=1)
    name = f"{BASELINE} (pooled over {runs} runs)" if runs > 1 else BASELINE
    return _Side(name=name, measured=Measured(entries=baselines.entries), plan=plan)


def _files(root: Path, before: _Side, after: _Side) -> list[str] | None:
    """Return the files that differ between two runs, where both stood on a commit as it was."""
    if before.commit is None or after.commit is None or before.is_dirty or after.is_dirty:
        return None
    if before.commit == after.commit:
        return []
    return lineage.changed_since(root, before.commit, after.commit)


def _code(root: Path, before: _Side, after: _Side) -> str:
    """Return in words how far the code of two runs is apart."""
    if before.commit is None or after.commit is None:
        return ""
    counts = None
    if before.commit != after.commit:
        counts = lineage.apart(root, before.commit, after.commit)
    names = [name for name, side in (("A", before), ("B", after)) if side.is_dirty]
    dirty = f"changes not committed in {' and '.join(names)}" if names else ""
    return code_words(before.commit, after.commit, counts, dirty)


def _lines(
    before: _Side, after: _Side, found: Comparison, why: Mapping[GroupKey, str]
) -> Iterator[Line]:
    yield f"A: {before.name}", {}
    yield f"B: {after.name}", {}
    head = ("passed, cases in both", "n", "A", "B", "B against A")
    body = [_cells(group, each) for group, each in _groups(found.changes).items()]
    for line in table(head, body, width=width()):
        yield line, {}
    for (_, test, variant), words in why.items():
        group = " ".join(part for part in (test, variant.label) if part)
        yield text.one_line(f"{group}: {words}", 400), {}
    yield from move_lines(found.changes, title="changed cases:")
    for one in before.measured.unmeasured:
        yield f"  - {text.one_line(one.key.case, 60)}  no scores in A: {one.reason}", {}
    for one in found.unmeasured:
        yield f"  - {text.one_line(one.key.case, 60)}  no scores in B: {one.reason}", {}
    if found.incomplete:
        reasons = "; ".join(text.one_line(one, 200) for one in found.incomplete)
        yield f"incomplete: {reasons}", {"yellow": True}


def _groups(changes: Iterable[Change]) -> Mapping[tuple[str, str], list[Change]]:
    found: dict[tuple[str, str], list[Change]] = {}
    for one in changes:
        key: EntryKey = one.key
        found.setdefault((key.test, key.variant.label), []).append(one)
    return found


def _cells(group: tuple[str, str], changes: list[Change]) -> tuple[str, ...]:
    both = [(one.before, one.now) for one in changes if one.before and one.now]
    a, b = (
        ([_passed(side) for side in sides] for sides in zip(*both, strict=True))
        if both
        else ((), ())
    )
    words = change_words(Counter(str(one.status) for one in changes), short=True)
    name = text.one_line(" ".join(part for part in group if part), 200)
    return name, str(len(both)), _mean(a), _mean(b), words


def _passed(entry: Accepted) -> float | None:
    score = entry.scores.get("passed")
    return None if score is None else score.mean


def _mean(values: Any) -> str:
    known = [value for value in values if value is not None]
    return percent(fsum(known) / len(known)) if known else "n/a"
