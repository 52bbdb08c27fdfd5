"""expect and record: bars, negation, names, and everything that could get lost."""

from __future__ import annotations

import asyncio
import gc
import math
import warnings
from pathlib import Path

import pytest

from pytest_ailoop import recorder
from pytest_ailoop.data.case import Case
from pytest_ailoop.data.reply import Reply
from pytest_ailoop.data.score import Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.errors import CheckError, ReplyError, UsageError
from pytest_ailoop.expectations import ExpectationFailed, expect, record
from pytest_ailoop.scoring.check import CodeCheck
from pytest_ailoop.scoring.combine import weighted
from pytest_ailoop.scoring.text import contains, equals


def new_notebook(*, is_async=False, expected=None):
    return recorder.Recorder(
        nodeid="t",
        case=Case(id="a", expected=expected),
        variant=Variant(),
        trial=1,
        recordings=Path("none"),
        is_async=is_async,
        run_async=asyncio.run,
    )


@pytest.fixture
def notebook():
    with recorder.active(new_notebook()) as found:
        yield found


def gives(raw, name="probe"):
    return CodeCheck(name, lambda subject: raw)


@pytest.mark.parametrize(
    ("raw", "bar", "met"),
    [
        (True, {}, True),
        (False, {}, False),
        (0.99, {}, False),
        (0.7, {"at_least": 0.7}, True),
        (0.69, {"at_least": 0.7}, False),
        (3, {"at_most": 3}, True),
        (3.1, {"at_most": 3}, False),
        (2, {"at_least": 1, "at_most": 3}, True),
        (4, {"at_least": 1, "at_most": 3}, False),
    ],
)
def test_bars(notebook, raw, bar, met):
    """A value at the bar meets it; not_to is the opposite with the same score."""
    yes, no = expect("x").to(gives(raw), **bar), expect("x").not_to(gives(raw), **bar)
    assert (bool(yes), bool(no)) == (met, not met)
    assert yes.score.value == no.score.value == float(raw)
    assert (yes.expectation.name, no.expectation.name) == ("probe", "not probe #2")
    assert yes.expectation.at_least == bar.get("at_least", None if bar else 1.0)
    assert notebook.unfinished == []


def test_misses_are_soft(notebook):
    """A missed expectation is kept with its reason, and the test goes on."""
    expect("abc").to(contains("x"))
    expect("abc").to(contains("a"))
    assert [one.standing for one in notebook.expectations] == ["missed", "met"]
    assert notebook.expectations[0].reason == "missing 'x'"
    assert [one.value for one in notebook.scores] == [0.0, 1.0]
    assert notebook.output == "abc"


def test_not_scored_is_unknown_both_ways(notebook):
    """A check that could not run is neither met nor missed, also where it is negated."""
    for outcome in (expect("a").to(lambda v: 1 / 0), expect("a").not_to(lambda v: 1 / 0)):
        assert not outcome
        assert outcome.expectation.standing == "unknown"
        assert "ZeroDivisionError" in outcome.expectation.reason
        assert "test_expect_statement.py" in outcome.expectation.reason


def test_hard_stops_at_once(notebook):
    """hard=True raises for missed and for unknown, after keeping what was found."""
    with pytest.raises(ExpectationFailed) as caught:
        expect("London").to(equals("Paris"), hard=True)
    text = str(caught.value)
    assert isinstance(caught.value, AssertionError)
    assert "equals at " in text
    assert "test_expect_statement.py:" in text
    assert "missed, scored 0, expected at least 1" in text
    assert "reason: expected 'Paris', got 'London'" in text
    assert "output: London" in text
    with pytest.raises(ExpectationFailed, match="unknown, not scored"):
        expect("a").to(lambda v: 1 / 0, hard=True)
    with pytest.raises(ExpectationFailed, match=r"not contains at .*expected not at least 1"):
        expect("a").not_to(contains("a"), hard=True)
    expect("a").to(contains("a"), hard=True)
    assert [one.standing for one in notebook.expectations] == ["missed", "unknown", "missed", "met"]
    assert notebook.unfinished == []


def test_an_expect_without_a_check_is_left_open(notebook):
    """Each such expect is named with its line, also when its object is long gone."""
    expect("a")
    gc.collect()
    expect("b").to(contains("b"))
    gc.collect()
    expect("c")
    assert len(notebook.unfinished) == 2
    assert "test_expect_statement.py:" in notebook.unfinished[0]
    assert "was left without a check: add .to(...)" in notebook.unfinished[0]


def test_several_checks_on_one_value(notebook):
    """An expect can be kept and asked again."""
    value = expect("abc")
    assert value.to(contains("a"))
    assert value.not_to(contains("x"))
    assert notebook.unfinished == []


def test_names(notebook):
    """Second scores of a name are numbered; name= replaces it, expect's name stands before it."""
    expect("a").to(contains("a"))
    expect("a").to(contains("a"))
    expect("a").to(contains("a"), name="first letter")
    expect("a", name="draft").to(contains("a"))
    record("contains", 1)
    names = [one.name for one in notebook.scores]
    assert names == ["contains", "contains #2", "first letter", "draft: contains", "contains #3"]


def test_labels_are_held_against_the_case():
    """A user's label is right where it is the case's expected, unknown where there is none."""
    with recorder.active(new_notebook(expected="refund")):
        assert expect("x").to(lambda v: "refund")
        wrong = expect("x").to(lambda v: "card")
        assert wrong.expectation.standing == "missed"
        assert (wrong.score.label, wrong.score.expected_label) == ("card", "refund")
    with recorder.active(new_notebook()):
        none = expect("x").to(lambda v: "card")
        assert none.expectation.standing == "unknown"
        assert "has nothing to be compared with" in none.expectation.reason


def test_numbers_without_a_bar_are_refused(notebook):
    """A plain number needs at_least or at_most; the message says so."""
    with pytest.raises(UsageError, match="at_least="):
        expect("abc").to(len)
    assert expect("abc").to(len, at_most=3)
    with pytest.raises(UsageError, match="at_least="):
        expect("abc").to(gives(3))
    assert len(notebook.unfinished) == 2


@pytest.mark.parametrize(
    "bar",
    [
        {"at_least": math.nan},
        {"at_most": "1"},
        {"at_least": 2, "at_most": 1},
        {"weight": 0},
        {"weight": math.inf},
        {"name": ""},
        {"name": "a/b"},
        {"name": "x" * 61},
    ],
)
def test_wrong_options_are_refused(notebook, bar):
    """Bars, weights and names outside their range raise where they are written, and stay red."""
    with pytest.raises(UsageError):
        expect("a").to(contains("a"), **bar)
    assert len(notebook.unfinished) == 1


def test_weight_rides_on_the_score(notebook):
    """weight= is kept with the score."""
    assert expect("a").to(contains("a"), weight=3).score.weight == 3.0
    assert expect("ab").to(weighted({contains("a"): 3, contains("x"): 1}), at_least=0.7)


def test_outside_of_an_eval():
    """Without a running item there is nothing to write into: a usage fault with the next step."""
    for call in (lambda: expect("a"), lambda: record("a", 1)):
        with pytest.raises(UsageError, match=r"@pytest\.mark\.ailoop"):
            call()


def test_a_forgotten_await_of_the_value(notebook):
    """expect(llm(...)) without await is refused and leaves no warning behind."""

    async def llm():
        return "x"

    with pytest.raises(UsageError, match="await it first"):
        expect(llm())
    gc.collect()


def test_replies_are_values(notebook):
    """A reply is read as its text, and a function gets the reply itself."""
    reply = Reply(text="Paris", model="m")
    assert expect(reply).to(equals("Paris"))
    assert expect(reply).to(lambda value: value is reply)
    assert notebook.output == "Paris"


async def _true(value):
    await asyncio.sleep(0)
    return True, "waited"


def test_async_checks_in_a_sync_test(notebook):
    """A sync test waits for an async check on the spot."""
    outcome = expect("a").to(_true)
    assert outcome
    assert outcome.score.reason == "waited"
    assert notebook.unfinished == []


def test_async_checks_in_an_async_test():
    """An async test awaits; awaiting a finished outcome, or twice, changes nothing."""

    async def body():
        outcome = expect("a").to(_true)
        with pytest.raises(UsageError, match="await it first"):
            bool(outcome)
        assert "not awaited" in repr(outcome)
        assert (await outcome) is outcome
        assert await outcome
        assert await expect("a").to(contains("a"))
        both = await asyncio.gather(expect("b").to(_true), expect("c").to(_true))
        assert all(both)
        with pytest.raises(ExpectationFailed):
            await expect("a").not_to(_true, hard=True)

    with recorder.active(new_notebook(is_async=True)) as notebook:
        asyncio.run(body())
    assert notebook.unfinished == []
    assert len(notebook.scores) == len(notebook.expectations) == 5
    assert sorted(one.name for one in notebook.scores) == [
        "_true", "_true #2", "_true #3", "_true #4", "contains"
    ]  # fmt: skip


def test_a_judge_that_is_never_awaited_is_left_open():
    """It is named with its line; Python's own warning is not needed for it."""

    async def body():
        expect("a").to(_true)

    with recorder.active(new_notebook(is_async=True)) as notebook, warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(body())
        gc.collect()
    assert len(notebook.unfinished) == 1
    assert notebook.unfinished[0].startswith("_true at ")
    assert "test_expect_statement.py:" in notebook.unfinished[0]
    assert "was never awaited: write `await expect(...).to(...)`" in notebook.unfinished[0]


def test_a_swallowed_fault_stays_open():
    """A test that swallows a judge's infrastructure fault does not pass for it."""

    async def down(value):
        raise ReplyError("server down")

    async def body():
        results = await asyncio.gather(expect("a").to(down), return_exceptions=True)
        assert isinstance(results[0], ReplyError)

    with recorder.active(new_notebook(is_async=True)) as notebook:
        asyncio.run(body())
    assert "did not come to its end: ReplyError" in notebook.unfinished[0]
    with recorder.active(new_notebook()) as notebook, pytest.raises(ReplyError):
        expect("a").to(down)
    assert "did not come to its end" in notebook.unfinished[0]


def test_record(notebook):
    """Numbers, bools and labels are kept without a bar."""
    record("words", 12, direction="lower", reason="counted")
    record("fits", True)
    record("topic", "refund")
    record("own", Score(name="x", value=0.5, reason="why"))
    kept = [(one.name, one.value, one.label, one.direction, one.reason, one.kind)
            for one in notebook.scores]  # fmt: skip
    assert kept == [
        ("words", 12.0, None, "lower", "counted", "recorded"),
        ("fits", 1.0, None, "higher", "", "recorded"),
        ("topic", None, "refund", "higher", "", "recorded"),
        ("own", 0.5, None, "higher", "why", "recorded"),
    ]
    assert notebook.expectations == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", math.nan),
        ("a", -math.inf),
        ("a", None),
        ("a", [1]),
        ("a", ""),
        ("", 1),
        ("a/b", 1),
        ("a\n", 1),
        (3, 1),
    ],
)
def test_record_refuses(notebook, name, value):
    """What is no number, and names that tables cannot hold, are refused and not kept."""
    with pytest.raises(UsageError):
        record(name, value)
    assert notebook.scores == []


def test_a_missing_expected_raises_where_it_is_written(notebook):
    """contains(case.expected) on a case without one is an error of the item, not a pass."""
    with pytest.raises(CheckError, match="does this case have `expected`"):
        expect("a").to(contains(notebook.case.expected))
    assert len(notebook.unfinished) == 1
