"""A run on a disk that does not take its files."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_ailoop import files
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, PlannedTest
from pytest_ailoop.data.score import Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.session import Outcome, Session
from pytest_ailoop.settings import Settings

ALL = ("new", "improved", "regressed", "prune")


def run(root: Path, *modules: str) -> Outcome:
    session = Session(Settings(root=root, accept=ALL))
    facts = DatasetFacts(name="x", digest="s", size=1, case_digests={"a": "d"})
    plans = (
        PlannedTest(
            module=one,
            test="test_x",
            variants=(Variant(),),
            dataset=facts,
            selected=("a",),
            trials={"a": 1},
        )
        for one in modules
    )
    session.plan(Plan(tests=tuple(plans), whole_modules=modules))
    for one in modules:
        session.add(
            ItemRecord(
                key=ItemKey(module=one, test="test_x", variant=Variant(), case="a"),
                nodeid=f"{one}::test_x[a]",
                outcome="passed",
                case_digest="d",
                scores=(Score(name="passed", value=1.0, kind="outcome"),),
            )
        )
    return session.finish(exit_status=0, started=datetime(2026, 1, 2, tzinfo=UTC), duration=1)


def refuse(monkeypatch: pytest.MonkeyPatch, code: int, below: str) -> None:
    real = files.os.replace

    def replace(source: str, target: Path) -> None:
        if below in str(target):
            raise OSError(code, os.strerror(code))
        real(source, target)

    monkeypatch.setattr(files.os, "replace", replace)


@pytest.mark.parametrize(
    ("code", "red"),
    [(errno.ENOSPC, True), (errno.EACCES, False), (errno.EROFS, False), (errno.EPERM, False)],
)
def test_a_run_that_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, red: bool
) -> None:
    """A full disk is red; a read-only one is told, and the verdict stands."""
    refuse(monkeypatch, code, f"{os.sep}runs{os.sep}")
    outcome = run(tmp_path, "test_a.py")
    assert outcome.folder is None
    assert outcome.broken is red
    (told,) = outcome.faults if red else outcome.warnings
    assert told == f"the run could not be kept under .ailoop/runs: {os.strerror(code)}"


@pytest.mark.parametrize(
    ("modules", "accepted"),
    [(("test_b.py",), ()), (("test_a.py", "test_b.py"), ("accepted only in test_a.py",))],
)
def test_what_was_not_written_is_not_called_accepted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    modules: tuple[str, ...],
    accepted: tuple[str, ...],
) -> None:
    """Counts of all modules together would be wrong where one of them could not be written."""
    refuse(monkeypatch, errno.EACCES, "test_b.ailoop")
    outcome = run(tmp_path, *modules)
    assert outcome.accepted == accepted
    assert "the baseline of test_b.py could not be written: [Errno 13]" in outcome.faults[0]
    assert not list(tmp_path.glob("__snapshots__/*b.ailoop*"))
