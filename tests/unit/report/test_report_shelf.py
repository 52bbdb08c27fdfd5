"""Records of a long run: where they are until its end, and what comes back."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ailoop.data.call import Call, Usage
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.record import Fault, ItemKey, ItemRecord, Plan, PlannedTest, plain
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report.shelf import Records, Shelf, as_kept

MINI = Variant(model="mini", params=(("b", 1), ("a", "x")))
LOCAL = Variant(model="local", params=(("b", 1), ("a", "x")))


def record(case: str, variant: Variant = MINI, trial: int = 1, **changes: object) -> ItemRecord:
    values: dict[str, object] = {
        "key": ItemKey(module="t.py", test="test_x", variant=variant, case=case, trial=trial),
        "nodeid": f"t.py::test_x[{case}-{variant.model}-{trial}]",
        "outcome": "passed",
        "case_digest": "d",
        "tags": ("long",),
        "scores": (Score(name="passed", value=1.0, kind="outcome"), Score(name="é", label="no")),
        "expectations": (Expectation(name="é", standing="met", at_least=0.5),),
        "calls": (
            Call(digest="r", path="/c", origin="live", usage=Usage(output_tokens=3), cost=0.1),
        ),
        "output": "grün \ud800",
        "fault": Fault(type="E", message="m"),
        "duration": 0.125,
    }
    return ItemRecord(**{**values, **changes})  # type: ignore[arg-type]


def plan(*cases: str, trials: int = 1) -> Plan:
    test = PlannedTest(
        module="t.py",
        test="test_x",
        variants=(MINI, LOCAL),
        dataset=DatasetFacts(name="x", digest="s", size=len(cases)),
        selected=cases,
        trials=dict.fromkeys(cases, trials),
    )
    return Plan(tests=(test,))


@pytest.mark.parametrize("room", [10**9, 3000, 0])
def test_what_is_on_disk_comes_back_equal_and_in_plan_order(tmp_path: Path, room: int) -> None:
    """Where a record was until the end is not to be seen from it; strangers come last."""
    shelf, planned = Shelf(tmp_path, room), plan("a", "b", trials=2)
    keys = [(case, one, trial) for one in (MINI, LOCAL) for case in "ab" for trial in (1, 2)]
    records = [record(*key) for key in keys]
    strangers = [record("y"), record("z")]
    for one in reversed([*records, *strangers]):
        shelf.put(one)
    found = shelf.ordered(planned)
    assert (len(found), isinstance(found, Records)) == (10, room < 10**9)
    assert list(found)[:8] == records
    assert [one.key.case for one in found][8:] == ["y", "z"]
    kept = [one if isinstance(one, dict) else plain(one) for one in as_kept(found)]
    assert kept == [plain(one) for one in [*records, *strangers]]
    assert (found[0], found[-1].nodeid, found[1:3]) == (
        records[0],
        strangers[1].nodeid,
        tuple(records[1:3]),
    )


@pytest.mark.parametrize("room", [10**9, 0])
def test_a_later_record_of_an_item_replaces_the_earlier(tmp_path: Path, room: int) -> None:
    """A rerun counts once, by its last attempt."""
    shelf = Shelf(tmp_path, room)
    for outcome in ("failed", "passed"):
        shelf.put(record("a", outcome=outcome))
    assert [one.outcome for one in shelf.ordered(plan("a"))] == ["passed"]
    assert len(shelf) == 1
    assert [one.variant.model for one in shelf.missing(plan("a"))] == ["local"]


def test_texts_leave_memory_and_leave_no_file(tmp_path: Path) -> None:
    """Beyond its room a record costs some 300 bytes, whatever models said; nobody sees a file."""
    shelf, count = Shelf(tmp_path, 100_000), 2000
    cases = [f"case-{number}" for number in range(count)]
    shelf.put(record("first", output="x" * 10**6))
    gc.collect()
    tracemalloc.start()
    for number, case in enumerate(cases):
        shelf.put(record(case, output=f"{number}" * 1000))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / count < 300
    assert list(tmp_path.iterdir()) == []
    assert shelf.ordered(plan(*cases))[1234].output == "1234" * 1000


@pytest.fixture
def no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object, **options: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)


def test_where_no_file_can_be_made_records_stay_in_memory(tmp_path: Path, no_disk: None) -> None:
    """Nothing that was measured is lost for want of a disk."""
    shelf = Shelf(tmp_path / "gone", 0)
    shelf.put(record("a"))
    assert list(shelf.ordered(plan("a"))) == [record("a")]


def test_a_disk_that_fills_up_takes_no_record_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that was cut off in the middle leaves the records before and after it whole."""
    shelf, write = Shelf(tmp_path, 0), os.write
    shelf.put(record("a"))

    def cut(handle: int, data: bytes) -> int:
        write(handle, bytes(data)[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", cut)
    shelf.put(record("b"))
    monkeypatch.undo()
    shelf.put(record("c"))
    assert list(shelf.ordered(plan("a", "b", "c"))) == [record(case) for case in "abc"]


def test_the_file_is_closed_with_the_last_that_reads_it(tmp_path: Path) -> None:
    """No handle outlives a run, also where many runs end in one process."""
    if sys.platform != "linux":
        pytest.skip("handles are counted by /proc")
    before = len(os.listdir("/proc/self/fd"))
    shelf = Shelf(tmp_path, 0)
    shelf.put(record("a"))
    found = shelf.ordered(plan("a"))
    del shelf
    assert next(iter(found)) == record("a")
    assert len(os.listdir("/proc/self/fd")) == before + 1
    del found
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_record_that_is_given_as_json_is_not_made_json_again(tmp_path: Path) -> None:
    """What rode on a report is written as it is."""
    shelf, other = Shelf(tmp_path, 0), replace(record("a"), output="as given")
    shelf.put(record("a"), plain(other))
    assert [one.output for one in shelf.ordered(plan("a"))] == ["as given"]
