"""`ailoop show`: a kept run again, or one of its cases in full. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.baseline.books import Baselines
from pytest_ailoop.cli.console import is_utf8, project, show_lines, width
from pytest_ailoop.errors import RunError
from pytest_ailoop.report import runs
from pytest_ailoop.report.terminal import Line, failure_lines, lines, name_of
from pytest_ailoop.session import Outcome, settle

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("show", help="show a kept run, the newest by default")
    parser.add_argument("run", nargs="?", metavar="RUN", help="its id, or the end of it")
    parser.add_argument("--case", metavar="ID", help="all that is known of this case")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="-v every case")
    parser.set_defaults(run_command=show)


def show(options: argparse.Namespace) -> int:
    """Print the run; return 0."""
    root = project()
    stored = runs.read(runs.find(root, options.run))
    outcome = settle(Baselines.of(root, stored.run.plan), stored.run, stored.records)
    if options.case is None:
        show_lines(_whole(outcome, options.verbose))
    else:
        show_lines(_case(outcome, options.case, options.verbose))
    return 0


def _whole(outcome: Outcome, verbose: int) -> Iterator[Line]:
    run = outcome.run
    commit = f", commit {run.commit[:12]}" if run.commit else ""
    dirty = " with changes" if run.dirty else ""
    yield text.one_line(f"run {run.id}, {run.started}{commit}{dirty}", 200), {"bold": True}
    yield from lines(outcome.report, width=width(), verbose=verbose + 1, utf8=is_utf8())


def _case(outcome: Outcome, case: str, verbose: int) -> Iterator[Line]:
    found = [one for one in outcome.records if one.key.case == case]
    if not found:
        known = sorted({one.key.case for one in outcome.records})
        close = text.suggestion(case, known)
        raise RunError(f"run {outcome.run.id} has no case {case!r}{close}")
    for record in found:
        markup = {"bold": True, "red": record.outcome in ("failed", "error")}
        yield f"- {name_of(record.key)}  {record.outcome}", {k: v for k, v in markup.items() if v}
        yield from ((f"  {line}", {}) for line in failure_lines(record, verbose=verbose + 1))
