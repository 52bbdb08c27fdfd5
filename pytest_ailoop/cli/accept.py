"""`ailoop accept`: kept runs become the baseline; nothing runs again. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.baseline.books import Baselines
from pytest_ailoop.ci import in_ci
from pytest_ailoop.cli.console import project, show_lines
from pytest_ailoop.cli.stored import stored_run
from pytest_ailoop.errors import UsageError
from pytest_ailoop.report import runs
from pytest_ailoop.report.attempts import attempts_of, left_out
from pytest_ailoop.report.runs import StoredRun
from pytest_ailoop.report.terminal import Line
from pytest_ailoop.session import Outcome, settle
from pytest_ailoop.session.pooling import settle_pooled
from pytest_ailoop.settings import AcceptKind

__all__ = ["add"]

KINDS: tuple[AcceptKind, ...] = ("new", "improved", "regressed", "prune")


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "accept",
        help="make a kept run, or several of them pooled, the baseline",
        description="Makes a kept run the baseline, the newest by default. Several runs of the "
        "same commit, changes and plan are pooled: the trials of a case are those of all runs, and "
        "what came from the cache or from recordings counts once. The best of several runs would "
        "be a baseline too high for any later one.",
    )
    parser.add_argument("run", nargs="*", metavar="RUN", help="its id, or the end of it")
    parser.add_argument(
        "--attempts",
        action="store_true",
        help="pool the newest run with all kept ones of its commit, uncommitted changes and plan",
    )
    parser.add_argument(
        "--only", metavar="KINDS", help=f"some of {','.join(KINDS)}; all of them by default"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="also where CI is set, a gate could not tell, the run stopped early, or pooled runs "
        "are of a part or of other commits",
    )
    parser.set_defaults(run_command=accept)


def accept(options: argparse.Namespace) -> int:
    """Write the baselines; return 1 where something was refused or could not be done."""
    kinds = _kinds(options.only)
    root = project()
    stored = _stored(root, options.run, attempts=options.attempts)
    others = left_out(root, [one.run for one in stored])
    barred = in_ci() and not options.force
    if len(stored) > 1:
        outcome = settle_pooled(root, stored, kinds=kinds, barred=barred, forced=options.force)
    else:
        (one,) = stored
        outcome = settle(
            Baselines.of(root, one.run.plan),
            one.run,
            one.records,
            kinds=kinds,
            barred=barred,
            forced=options.force,
        )
    show_lines(_lines(outcome, [one.run.id for one in stored]))
    if others and outcome.taken:
        show_lines([(f"  {_chosen(others)}", {"yellow": True})])
    return 1 if outcome.broken else 0


def _stored(root: Path, names: Sequence[str], *, attempts: bool) -> list[StoredRun]:
    """Return the runs that were asked for, oldest first, each of them once."""
    if attempts and names:
        raise UsageError("--attempts: finds the runs by itself, but some are named; leave out one")
    wanted: Sequence[str | None] = names or [None]
    if attempts:
        newest = runs.read_run(runs.find(root, None))
        wanted = attempts_of(root, newest) or [newest.id]
    folders = {runs.find(root, one) for one in wanted}
    return [stored_run(root, one.name) for one in sorted(folders)]


def _chosen(others: int) -> str:
    runs_ = text.plural(others, "other run")
    return (
        f"left out: {runs_} of this commit, changes and plan, with answers of their own; whoever "
        "chooses among runs has a baseline too high for later ones; next: ailoop accept --attempts"
    )


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


def _lines(outcome: Outcome, names: Sequence[str]) -> Iterator[Line]:
    yield f"{'run' if len(names) == 1 else 'runs'} {', '.join(names)}", {"bold": True}
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
