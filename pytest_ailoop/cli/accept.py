"""`ailoop accept`: a kept run becomes the baseline; nothing runs again. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.baseline.books import Baselines
from pytest_ailoop.ci import in_ci
from pytest_ailoop.cli.console import project, show_lines
from pytest_ailoop.cli.stored import stored_run
from pytest_ailoop.errors import UsageError
from pytest_ailoop.report.terminal import Line
from pytest_ailoop.session import Outcome, settle
from pytest_ailoop.settings import AcceptKind

__all__ = ["add"]

KINDS: tuple[AcceptKind, ...] = ("new", "improved", "regressed", "prune")


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("accept", help="make a kept run the baseline")
    parser.add_argument("run", nargs="?", metavar="RUN", help="its id, or the end of it")
    parser.add_argument(
        "--only", metavar="KINDS", help=f"some of {','.join(KINDS)}; all of them by default"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="also where CI is set, a gate could not tell, or the run stopped early",
    )
    parser.set_defaults(run_command=accept)


def accept(options: argparse.Namespace) -> int:
    """Write the baselines; return 1 where something was refused or could not be done."""
    kinds = _kinds(options.only)
    root = project()
    stored = stored_run(root, options.run)
    barred = in_ci() and not options.force
    baselines = Baselines.of(root, stored.run.plan)
    outcome = settle(
        baselines, stored.run, stored.records, kinds=kinds, barred=barred, forced=options.force
    )
    show_lines(_lines(outcome))
    return 1 if outcome.broken else 0


def _kinds(words: str | None) -> tuple[AcceptKind, ...]:
    if words is None:
        return KINDS
    asked = [one.strip() for one in words.split(",") if one.strip()]
    for one in asked:
        if one not in KINDS:
            close = text.suggestion(one, list(KINDS))
            raise UsageError(f"--only: expected some of {', '.join(KINDS)}, got {one!r}{close}")
    if not asked:
        raise UsageError(f"--only: expected some of {', '.join(KINDS)}, got nothing")
    return tuple(one for one in KINDS if one in asked)


def _lines(outcome: Outcome) -> Iterator[Line]:
    yield f"run {outcome.run.id}", {"bold": True}
    for one in outcome.accepted:
        yield f"  {text.one_line(one, 200)}", {"green": one.startswith(("accepted", "removed"))}
    for one in outcome.refused:
        yield f"  {text.one_line(one, 300)}", {"red": True}
    for one in outcome.faults:
        yield f"  {text.one_line(one, 400)}", {"red": True}
    for one in outcome.warnings:
        yield f"  {text.one_line(one, 400)}", {"yellow": True}
    if outcome.comparison.incomplete:
        reasons = "; ".join(text.one_line(one, 200) for one in outcome.comparison.incomplete)
        yield f"  incomplete: {reasons}", {"yellow": True}
