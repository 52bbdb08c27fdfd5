"""Which attempt it is: earlier runs of the same commit with the same plan, and how they ended.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_ailoop.data.record import Plan, RunRecord, plain
from pytest_ailoop.digest import digest
from pytest_ailoop.errors import RunError
from pytest_ailoop.report import runs
from pytest_ailoop.report.numbers import percent

__all__ = ["attempt_words", "attempts_of", "counted", "inputs_of", "left_out"]

_LOOKED = 50
"""The newest kept runs; older ones are not counted."""

_HEAD = 4096
"""Bytes of a run.json that hold all that is looked at; the plan behind it may be megabytes."""

_FAILED = 1


def counted(root: Path, run: RunRecord) -> RunRecord:
    """Return *run* with which attempt it is, before it is kept.

    A run of a part, or outside of a repository, is none: nobody can tell what it repeats. One that
    stopped where all was settled is.
    """
    if run.commit is None or run.plan.cut:
        return run
    inputs = inputs_of(run.plan)
    same = run.commit, run.dirty, inputs
    earlier = [one for _, one in _heads(root) if _inputs(one) == same]
    failed = sum(one["exit_status"] == _FAILED and not one.get("unaccepted") for one in earlier)
    return replace(run, inputs=inputs, attempt=len(earlier) + 1, failed_before=failed)


def inputs_of(plan: Plan) -> str:
    """Return the digest of what was to run, whatever files the command line named for it.

    Where it stopped because all was settled is no part of that.
    """
    return digest(plain(replace(plan, paths=(), uncollected={}, narrowed=plan.cut)))


def attempts_of(root: Path, run: RunRecord) -> list[str]:
    """Return the names of the kept runs of the same commit, changes and plan, oldest first.

    *run* is among them, if it is kept, and so are those that stopped early: which of the runs do is
    no chance. Raises `RunError` for a run of a part or without a commit: nobody can tell what it
    repeats.
    """
    if run.commit is None or run.plan.cut:
        why = "is of a part" if run.commit else "is of no commit"
        raise RunError(
            f"run {run.id} {why}, so nobody can tell what it repeats; next: name the runs to pool "
            "(ailoop accept RUN RUN), or accept it alone (ailoop accept)"
        )
    inputs = inputs_of(run.plan)
    return [
        name
        for name, head in _heads(root)
        if (head.get("commit"), head.get("dirty")) == (run.commit, run.dirty)
        and inputs == (head.get("inputs") or _planned(root, name))
    ]


def left_out(root: Path, accepted: Sequence[RunRecord]) -> int:
    """Return how many attempts that asked for answers of their own are none of the *accepted*.

    One that is answered from what is stored has those of another run, and stands for it.
    """
    newest = accepted[-1]
    if newest.commit is None or newest.plan.cut:
        return 0
    known = {one.id: one for one in accepted}
    try:
        found = [
            known.get(name) or runs.read_run(runs.runs_folder(root) / name)
            for name in attempts_of(root, newest)
        ]
    except RunError:
        return 0  # A damaged run is told where it is asked for.
    drawn = {one.id for one in found if _draws(one)}
    repeats = any(name not in drawn for name in known)
    return max(0, len(drawn - known.keys()) - repeats)


def _draws(run: RunRecord) -> bool:
    if run.bill is None:
        return False
    paid, saved = run.bill.paid, run.bill.saved
    return paid.priced + paid.unknown > saved.priced + saved.unknown


def _planned(root: Path, name: str) -> str | None:
    """Where no gate decided, a run does not say what its plan comes to."""
    try:
        return inputs_of(runs.read_run(runs.runs_folder(root) / name).plan)
    except RunError:
        return None  # A damaged run is told where it is asked for.


def _inputs(head: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(head.get(name) for name in ("commit", "dirty", "inputs"))


def _heads(root: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the newest kept runs, each with what it says of itself before its options."""
    for name in runs.names(root)[-_LOOKED:]:
        try:
            with (runs.runs_folder(root) / name / "run.json").open(encoding="utf-8") as file:
                head, found, _ = file.read(_HEAD).partition(',\n "options"')
            known = json.loads(head + "}") if found else {}
        except (OSError, ValueError):
            continue  # A damaged run is told where it is asked for.
        if isinstance(known.get("exit_status"), int):
            yield name, known


def attempt_words(run: RunRecord) -> str:
    """Return `3rd run of this commit with the same plan: 2 failed before`; empty for the first."""
    if run.attempt < 2:
        return ""
    changes = " and changes" if run.dirty else ""
    words = f"{_ordinal(run.attempt)} run of this commit{changes} with the same plan"
    if not run.failed_before:
        return words
    words += f": {run.failed_before} failed before"
    if run.exit_status:
        return words
    alpha = max((one.gate.alpha for one in run.gates), default=0.05)
    missed = 1 - (1 - alpha) ** run.attempt
    until = f"a gate that misses {percent(alpha)} misses up to {percent(missed)}"
    return f"{words}; run until it is green, {until}"


def _ordinal(count: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{'th' if 11 <= count % 100 <= 13 else ending}"
