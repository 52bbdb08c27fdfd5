"""What the terminal shows: a line after collection, and the section at the end.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ailoop import text
from pytest_ailoop.plugin import resume
from pytest_ailoop.plugin.scrub import clean

if TYPE_CHECKING:
    from collections import Counter

    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.report.rows import Report
    from pytest_ailoop.report.terminal import Line

__all__ = ["header", "write"]

#: Narrower than this, tables would wrap into nonsense; wider, lines are hard to read.
NARROWEST, WIDEST = 80, 120


def header(evaluation: Evaluation) -> Iterator[str]:
    """Yield what the run works by, where it is to evaluate anything; wrapped to 80 columns."""
    plan = evaluation.session.planned
    # After a usage fault there are items, but no plan.
    if not evaluation.kept or not plan.tests or evaluation.config.get_verbosity() < 0:
        return
    settings = evaluation.settings
    planned = sum(len(one.variants) * sum(one.trials.values()) for one in plan.tests)
    items = text.plural(planned, "item")
    if evaluation.kept < planned:
        items = f"{evaluation.kept} of {items}"
    models = {one.model for test in plan.tests for one in test.variants if one.model}
    parts = [f"replies={settings.replies}", f"split={settings.split}"]
    if models:
        parts.append(f"models={','.join(sorted(models))}")
    for name in ("sample", "trials"):
        if getattr(settings, name):
            parts.append(f"{name}={getattr(settings, name)}")
    rules = [one.stopping for one in plan.tests if one.stopping is not None]
    if any(one.by == "cases" for one in rules):
        parts.append(f"stop=settled seed={settings.seed}")
    if any(one.by == "rounds" for one in rules):
        parts.append(f"trials=up to {max(one.most for one in rules)}")
    if settings.accept:
        accept = ",".join(settings.accept)
        parts.append(f"accept={'all' if accept == 'new,improved,regressed,prune' else accept}")
    yield from text.wrapped(clean(f"ailoop: {items} to evaluate, {' '.join(parts)}"), NARROWEST)


def write(evaluation: Evaluation, reporter: Any) -> None:
    """Write the section; with `--no-summary` or `-qq` only what makes the run red."""
    if evaluation.is_worker:
        return
    verbosity = evaluation.config.get_verbosity()
    utf8 = "utf" in (getattr(reporter._tw._file, "encoding", None) or "").lower()
    width = min(max(reporter._tw.fullwidth, NARROWEST), WIDEST)
    if reporter.no_summary or verbosity < -1:
        found = _why_red(evaluation)
    else:
        found = _section(evaluation, width=width, verbose=verbosity, utf8=utf8)
        if verbosity >= 0 and evaluation.outcome is not None:
            # Not `section`: that writes on without ending a line of dots.
            reporter.write_sep("=", "ailoop")
    for line, markup in found:
        shown = line if utf8 else line.encode("ascii", "backslashreplace").decode()
        for part in [shown] if verbosity < 0 else text.wrapped(shown, width):
            reporter.write_line(part, **markup)


def _section(evaluation: Evaluation, *, verbose: int, **looks: Any) -> Iterator[Line]:
    from pytest_ailoop.report.terminal import lines

    outcome = evaluation.outcome
    if outcome is not None:
        shown = outcome.shown(every_case=verbose >= 2)
        yield from lines(_reachable(evaluation, shown), verbose=verbose, **looks)
    for one in _faults(evaluation):
        yield one, {"red": True}
    for line in _notes(evaluation, verbose):
        yield line, {}


def _reachable(evaluation: Evaluation, report: Report) -> Report:
    """Return *report* with commands that work from where pytest was called."""
    root = evaluation.settings.root
    on = resume.command(evaluation)
    first = () if on is None else (on,)
    if evaluation.config.invocation_params.dir.is_relative_to(root):
        return replace(report, next=(*first, *report.next))
    go = f"cd {shlex.quote(_from_here(evaluation, root))} && "
    moved = ((go + command, why) for command, why in report.next)
    return replace(report, next=(*first, *moved))


def _from_here(evaluation: Evaluation, path: Path) -> str:
    """Return *path* relative to where pytest was called, if it lies below or in the root folder."""
    for folder in (evaluation.config.invocation_params.dir, evaluation.settings.root):
        # The root's own paths stay short where pytest was called from inside of it.
        if path != folder and path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.as_posix()


def _why_red(evaluation: Evaluation) -> Iterator[Line]:
    outcome = evaluation.outcome
    for one in (*outcome.faults, *outcome.refused) if outcome is not None else ():
        yield clean(f"ailoop: {text.one_line(one, 400)}"), {"red": True}
    for one in _faults(evaluation):
        yield one, {"red": True}


def _faults(evaluation: Evaluation) -> Iterator[str]:
    for one in evaluation.usage_faults:
        yield clean(f"ailoop: {text.one_line(one, 400)}")
    if evaluation.outcome is None:
        for one in evaluation.nothing:
            yield clean(f"ailoop: nothing was evaluated: {text.one_line(one, 400)}")


def _notes(evaluation: Evaluation, verbosity: int) -> Iterator[str]:
    for line in resume.lines(evaluation):
        yield clean(line)
    for name in evaluation.recorded:
        yield clean(f"recorded: {name}")
    if evaluation.inline:
        yield clean(_one_at_a_time(evaluation.inline))
    for warning in evaluation.all_warnings():
        yield clean(f"warning: {text.one_line(warning, 400)}")
    outcome = evaluation.outcome
    if outcome is not None and outcome.folder is not None and verbosity >= 0:
        yield clean(f"run: {_from_here(evaluation, outcome.folder)}")


def _one_at_a_time(inline: Counter[str]) -> str:
    """Return how many items kept the run waiting, and why."""
    several = len(inline) > 1
    reasons = [f"{why} ({count})" if several else why for why, count in inline.most_common()]
    count = inline.total()
    return f"{text.plural(count, 'item')} ran one at a time: {', '.join(reasons)}"
