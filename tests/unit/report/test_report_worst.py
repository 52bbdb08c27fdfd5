"""The worst cases: what their reasons say, and which tests are left out of the section."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ailoop.data.baseline import Change, Comparison, EntryKey, Moved
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, PlannedTest, RunRecord
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report.failure import failure_lines
from pytest_ailoop.report.rows import rows
from pytest_ailoop.report.terminal import lines
from pytest_ailoop.report.worst import case_rows

VARIANT = Variant()


def record(test: str = "test_x", *, good: bool = False, reason: str = "no 'x'") -> ItemRecord:
    expectation = Expectation(
        name="contains", standing="met" if good else "missed", reason="" if good else reason
    )
    return ItemRecord(
        key=ItemKey(module="t.py", test=test, variant=VARIANT, case="a"),
        nodeid=f"t.py::{test}[a]",
        outcome="passed" if good else "failed",
        case_digest="d",
        scores=(Score(name="passed", value=float(good), kind="outcome"),),
        expectations=(expectation,),
    )


def planned(test: str) -> PlannedTest:
    return PlannedTest(
        module="t.py",
        test=test,
        variants=(VARIANT,),
        dataset=DatasetFacts(name="x.jsonl", digest="d", size=1),
        selected=("a",),
        trials={"a": 1},
    )


def shown(*records: ItemRecord, narrowed: tuple[str, ...], verbose: int = 0) -> list[str]:
    plan = Plan(tests=(planned("test_x"), planned("test_y")), narrowed=narrowed)
    run = RunRecord(id="r", started="s", duration=0, plan=plan)
    gone = [record("test_y").key] if len(records) == 1 else []
    found = rows(run, records, Comparison(), missing=gone)
    return [line for line, _ in lines(found, verbose=verbose)]


@pytest.mark.parametrize(
    ("good", "moved", "reason"),
    [
        (False, {"words": (4, 31), "passed": (1, 0)}, "words 4 -> 31; contains missed: no 'x'"),
        (False, {"contains": (1, 0), "passed": (1, 0)}, "contains missed: no 'x'"),
        (True, {"words": (4, 31)}, "words 4 -> 31"),
    ],
)
def test_a_regressed_case_says_what_fell(
    good: bool, moved: dict[str, tuple[int, int]], reason: str
) -> None:
    """What was missed before too is no reason for a regression; the score that fell is one."""
    found = tuple(
        Moved(name=name, before=before, now=now, better=False)
        for name, (before, now) in moved.items()
    )
    better = Moved(name="speed", before=1, now=2, better=True)
    key = EntryKey(module="t.py", test="test_x", variant=VARIANT, case="a")
    change = Change(key=key, status="regressed", moved=(*found, better))
    (row,) = case_rows([record(good=good)], Comparison(changes=(change,)))
    assert (row.status, row.reason) == ("regressed", reason)


def test_a_reason_may_take_two_lines() -> None:
    """The next step at the end of a message of up to two lines is not cut off."""
    told = "no model to judge with; write judge(..., model='name'), or judge = 'name' under X"
    found = shown(record(reason=told), record("test_y"), narrowed=())
    start = next(i for i, line in enumerate(found) if line.startswith("    | contains"))
    assert "under X" in found[start + 1]


@pytest.mark.parametrize(
    ("narrowed", "verbose", "tests"),
    [
        ((), 0, 2),
        (("1 item deselected",), 0, 1),
        (("1 item deselected",), 2, 2),
        (("worker gw0 crashed",), 0, 2),
    ],
)
def test_tests_left_out_on_purpose_have_no_table(
    narrowed: tuple[str, ...], verbose: int, tests: int
) -> None:
    """A deselected test is not shown as zero of zero; a lost one is; with -vv all are."""
    found = shown(record(), narrowed=narrowed, verbose=verbose)
    assert sum(line.startswith("- t.py::") for line in found) == tests


@pytest.mark.parametrize(
    ("prompt", "head"),
    [("x" * 10, "prompt:"), ("x" * 5000, "prompt (end):"), ("x\n" * 13, "prompt (end):")],
)
def test_a_whole_prompt_is_not_called_its_end(prompt: str, head: str) -> None:
    """Only a prompt of which the beginning is left out bears `(end)`."""
    call = Call(digest="r", path="/chat/completions", origin="live", prompt_text=prompt)
    found = failure_lines(replace(record(), calls=(call,)))
    assert found[0] == head
