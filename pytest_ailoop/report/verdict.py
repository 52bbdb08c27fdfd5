"""The verdict on a run as a whole, for machines. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.data.record import RunRecord, plain
from pytest_ailoop.files import write_atomically
from pytest_ailoop.report.gates import group_name, headline
from pytest_ailoop.report.runs import masked
from pytest_ailoop.text import plural

__all__ = ["SCHEMA", "Verdict", "reasons", "verdict_of", "write_no_verdict", "write_verdict"]

SCHEMA = 1
"""Version of the file."""

Verdict = Literal["passed", "failed", "inconclusive", "invalid"]
"""failed: quality below the bar. invalid: something could not be measured or decided.
inconclusive: too little data, or a part of it. The first of these that holds, else passed."""

_RAN = (0, 1)
"""Exit statuses of a session that ran to its end: all passed, some failed."""


def verdict_of(run: RunRecord, faults: Sequence[str] = ()) -> Verdict:
    """Return the verdict on *run*; *faults* are what kept it from being judged.

    A failure goes first: what is below the bar stays there, whatever else could not be measured.
    """
    return next((verdict for verdict, _ in _found(run, faults)), "passed")


def reasons(run: RunRecord, faults: Sequence[str] = ()) -> list[str]:
    """Return why a run did not pass, the weightiest first."""
    return [reason for _, reason in _found(run, faults)]


def _found(run: RunRecord, faults: Sequence[str]) -> Iterator[tuple[Verdict, str]]:
    counts = run.counts
    if counts.get("failed"):
        yield "failed", f"{plural(counts['failed'], 'item')} failed"
    yield from (("failed", _words(one)) for one in run.gates if one.status in _FAILED)
    own = any(counts.get(one) for one in ("failed", "error"))
    if run.exit_status == 1 and not own and not any(one.blocking for one in run.gates):
        yield "failed", "a test that is no eval failed"
    if counts.get("error"):
        yield "invalid", f"{plural(counts['error'], 'item')} could not be measured"
    yield from (("invalid", one) for one in faults)
    yield from (("invalid", _words(one)) for one in run.gates if one.status == "invalid")
    if run.exit_status not in _RAN:
        yield "invalid", f"pytest ended with exit status {run.exit_status}"
    missing = counts.get("missing", 0)
    if missing and not run.plan.narrowed:
        yield "invalid", f"{plural(missing, 'item')} without a result"
    yield from (("inconclusive", _words(one)) for one in run.gates if one.status in _OPEN)
    if missing and run.plan.narrowed:
        words = "; ".join(run.plan.narrowed)
        yield "inconclusive", f"{plural(missing, 'item')} did not run: {words}"


_FAILED = ("failed", "regressed")
_OPEN = ("inconclusive", "no baseline")


def _words(verdict: GateVerdict) -> str:
    return f"{verdict.module}::{group_name(verdict)}: {headline(verdict)}"


def write_no_verdict(path: Path) -> None:
    """Write that there is no verdict yet, over that of an earlier run; raises `OSError`."""
    why = ["no eval ran to its end: the session ended before, or there was none to run"]
    found = {"schema": SCHEMA, "verdict": "invalid", "reasons": why, "gates": []}
    write_atomically(path, json.dumps(found, indent=1) + "\n")


def write_verdict(path: Path, run: RunRecord, faults: Sequence[str] = ()) -> None:
    """Write the run's verdict to *path*; raises `OSError` as the system gives it."""
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": verdict_of(run, faults),
        "reasons": reasons(run, faults),
        "exit_status": run.exit_status,
        "run": run.id,
        "commit": run.commit,
        "counts": plain(run.counts),
        "gates": [plain(one) for one in run.gates],
    }
    write_atomically(path, json.dumps(masked(found), indent=1, allow_nan=False) + "\n")
