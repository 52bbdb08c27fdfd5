"""A long run at its end: its records go through memory one by one."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_ailoop.baseline.compare import change_of, compare
from pytest_ailoop.baseline.file import sort_key
from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.baseline import Change, Comparison
from pytest_ailoop.data.record import ItemRecord, RunRecord, plain
from pytest_ailoop.report import shelf
from pytest_ailoop.report.rows import Report, rows
from pytest_ailoop.session import Outcome, Session
from pytest_ailoop.settings import Settings
from tests.unit.session.test_session_run import LOCAL, MINI, STARTED, plan, record

COUNT = 1200
NAMES = tuple(f"case-{number}" for number in range(COUNT))


class Passing:
    """Records that are made when asked for; counts how many live at once."""

    def __init__(self) -> None:
        self.most = 0

    def __iter__(self) -> Iterator[ItemRecord]:
        for number, name in enumerate(NAMES):
            yield record(name, output=f"{number}")
            if number % 300 == 299:
                living = sum(isinstance(one, ItemRecord) for one in gc.get_objects())
                self.most = max(self.most, living)


def finished(root: Path) -> Outcome:
    session = Session(Settings(root=root, accept=("new",)))
    session.plan(plan(*NAMES))
    for name in reversed(NAMES):
        for variant in (LOCAL, MINI):
            one = record(name, variant, good=name != "case-7", duration=0.25)
            session.add(one, plain(one))
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    return session.finish(exit_status=0, started=moment, duration=1.0)


def test_comparing_and_showing_hold_no_records() -> None:
    """Figures of a case are made when its last trial is there, and its record goes."""
    before = sum(isinstance(one, ItemRecord) for one in gc.get_objects())
    measured, shown = Passing(), Passing()
    found = accepted_from(measured, plan(*NAMES))
    assert len(found.entries) == COUNT
    rows_of(shown, Comparison())
    assert max(measured.most, shown.most) - before < 10


def rows_of(records: Passing, comparison: Comparison) -> Report:
    run = RunRecord(id="r", started=STARTED.isoformat(), duration=1.0, plan=plan(*NAMES))
    report = rows(run, records, comparison)  # type: ignore[arg-type]
    assert (report.total.scored, len(report.cases)) == (COUNT, COUNT)
    return report


def test_equal_scores_of_many_cases_are_one_object() -> None:
    """A comparison of a hundred thousand cases that passed holds their scores once."""
    entries = accepted_from(Passing(), plan(*NAMES)).entries.values()
    assert len({id(one.scores) for one in entries}) == 1
    assert len({id(one.models_answered) for one in entries}) == 1


def test_a_first_run_holds_no_change_for_each_case() -> None:
    """Where nothing was accepted yet all is new: a change is made for whoever asks."""
    measured = accepted_from(Passing(), plan(*NAMES))
    before = sum(isinstance(one, Change) for one in gc.get_objects())
    found = compare({}, measured, plan(*NAMES))
    report = rows_of(Passing(), found)
    living = sum(isinstance(one, Change) for one in gc.get_objects())
    assert living - before < 10
    keys = sorted(measured.entries, key=sort_key)
    assert keys == [one.key for one in found.changes]
    assert found.changes == tuple(change_of(None, measured.entries[key]) for key in keys)
    assert found.changes[-2:] == tuple(found.changes)[-2:]
    assert {"new": COUNT} == found.counts == report.total.changes
    assert {"new"} == {one.status for one in report.cases}


@pytest.mark.parametrize("room", [shelf.ROOM * 100, 5000])
def test_files_do_not_tell_where_records_were(
    tmp_path: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results, timings and baseline are the same bytes from memory and from disk."""
    folders = []
    for size in (shelf.ROOM * 100, room):
        monkeypatch.setattr(shelf.Shelf.__init__, "__defaults__", (size,))
        root = tmp_path / str(len(folders))
        root.mkdir()
        outcome = finished(root)
        assert outcome.folder is not None
        assert isinstance(outcome.records, shelf.Records) == (size == 5000)
        kept = {one.name: one.read_bytes() for one in outcome.folder.iterdir()}
        kept["baseline"] = (root / "evals/__snapshots__/test_support.ailoop").read_bytes()
        shown = outcome.report
        folders.append((kept, shown.total, shown.worst, outcome.run.counts, outcome.run.models))
    assert folders[0] == folders[1]
    timings = json.loads(folders[0][0]["timings.json"])
    assert (len(timings), set(timings.values())) == (2 * COUNT, {0.25})
