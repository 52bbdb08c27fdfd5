"""What checks may return, how their faults become scores, and what counts as a check."""

from __future__ import annotations

import asyncio
import functools
import os
from decimal import Decimal
from fractions import Fraction

import pydantic
import pytest

from pytest_ailoop import redaction
from pytest_ailoop.data.case import Case
from pytest_ailoop.data.score import Score
from pytest_ailoop.digest import digest
from pytest_ailoop.errors import CheckError, ReplayMissError, ReplyError, UsageError
from pytest_ailoop.scoring.adapt import to_check
from pytest_ailoop.scoring.check import Check, CodeCheck, Subject, run_check, run_check_async
from pytest_ailoop.scoring.text import contains


def returning(value):
    return CodeCheck("probe", lambda subject: value)


def raising(error):
    def probe(value):
        raise error

    return to_check(probe)


def subject(value="text", **facts):
    return Subject.of(value, **facts)


class NumpyBool:
    """Stands for numpy's bool, which is no subclass of bool."""

    def __float__(self):
        return 1.0


NumpyBool.__name__ = "bool_"


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        (True, 1.0, ""),
        (False, 0.0, ""),
        (0.25, 0.25, ""),
        (1, 1.0, ""),
        (Decimal("0.5"), 0.5, ""),
        (Fraction(1, 4), 0.25, ""),
        (NumpyBool(), 1.0, ""),
        ((True, "because"), 1.0, "because"),
        ((0.5, "half"), 0.5, "half"),
        (Score(name="other", value=0.75, reason="so"), 0.75, "so"),
        ((Score(name="other", value=0.75), "outer"), 0.75, "outer"),
    ],
)
def test_numbers_and_bools_become_values(raw, value, reason):
    """Each kind of number comes out as a float, under the name of the check."""
    score = run_check(returning(raw), subject())
    assert (score.name, score.value, score.not_scored, score.reason) == (
        "probe",
        value,
        None,
        reason,
    )


def test_a_string_is_a_label_held_against_the_case():
    """A label gets 1 or 0 where the case expects one, and no value where it does not."""
    check = returning("refund")
    for expected, wanted in (("refund", 1.0), ("card", 0.0), (None, None), (["refund"], None)):
        score = run_check(check, subject(case=Case(id="a", expected=expected)))
        assert (score.label, score.value) == ("refund", wanted)


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (None, "probe returned None; return True, False"),
        ([1], "probe returned [1] (list)"),
        ({"a": 1}, "probe returned {'a': 1} (dict)"),
        ("", "probe returned an empty label"),
        (float("nan"), "the value is nan, not a number"),
        (float("inf"), "the value is inf, not a number"),
        (10**400, "the value is inf, not a number"),
        (Decimal("NaN"), "the value is nan, not a number"),
        (Score(name="x"), "a Score needs a value, a label or the cause"),
        (Score(name="x", value=float("nan")), "the value is nan"),
        (Score(name="x", not_scored=""), "no cause given"),
        (Score(name="x", value="1"), "a Score's value must be a number, got '1'"),
    ],
)
def test_what_is_no_score_is_not_scored_with_its_cause(raw, cause):
    """Nothing but a finite number or a label counts; the rest is never 0 and never a pass."""
    score = run_check(returning(raw), subject())
    assert (score.value, score.label) == (None, None)
    assert cause in score.not_scored


def test_a_raising_check_is_a_record_with_the_place():
    """An exception of user code is kept with type, message and file:line, and does not escape."""

    def broken(value):
        return 1 / 0

    score = run_check(to_check(broken), subject())
    assert score.value is None
    assert score.not_scored.startswith("ZeroDivisionError: division by zero at ")
    assert "test_scoring_check.py:" in score.not_scored
    assert "in broken: return 1 / 0" in score.reason
    assert os.getcwd() not in score.not_scored + score.reason


@pytest.mark.parametrize("error", [SystemExit(3), RecursionError("deep"), MemoryError(), OSError()])
def test_hard_faults_of_a_check_stay_inside(error):
    """Even sys.exit in a check only leaves that check not scored."""
    assert type(error).__name__ in run_check(raising(error), subject()).not_scored


def test_an_assertion_in_a_check_is_told_apart():
    """A failing assert in a check is no score, and the cause says what to return instead."""
    assert "returns True or False" in run_check(raising(AssertionError("x")), subject()).not_scored


def test_a_person_can_stop_a_check():
    """KeyboardInterrupt is not swallowed."""
    with pytest.raises(KeyboardInterrupt):
        run_check(raising(KeyboardInterrupt()), subject())


def test_infrastructure_is_raised_also_from_below_a_wrapper():
    """A call without a reply is an error of the item, whatever exception a client made of it."""

    def wrapped(value):
        try:
            raise ReplayMissError("no recording")
        except ReplayMissError as error:
            raise ConnectionError("connection error") from error

    for check in (raising(ReplyError("down")), to_check(wrapped)):
        with pytest.raises(ReplyError):
            run_check(check, subject())
        with pytest.raises(ReplyError):
            asyncio.run(run_check_async(check, subject()))


def test_an_unreadable_message_does_not_hide_the_fault():
    """An exception whose __str__ raises is still recorded by its type."""

    class Mute(Exception):
        def __str__(self):
            raise ValueError

    assert "Mute: <its message cannot be read>" in run_check(raising(Mute()), subject()).not_scored


def test_secrets_do_not_reach_a_score():
    """Reasons and causes pass redaction."""
    redaction.learn("sk-canary-123456")
    try:
        reason = run_check(returning((True, "key sk-canary-123456")), subject()).reason
        cause = run_check(raising(ValueError("sk-canary-123456")), subject()).not_scored
    finally:
        redaction.forget()
    assert reason == f"key {redaction.MASK}"
    assert "canary" not in cause


def test_reasons_are_bounded():
    """A reason has at most 2,000 characters."""
    assert len(run_check(returning((True, "x" * 10_000)), subject()).reason) == 2000


def test_functions_get_what_they_name():
    """The first parameter gets the value as it is, the others are filled by name."""
    value = object()
    case = Case(id="a", expected="x")
    seen = []

    def check(anything, case, *, calls, variant=None, text=""):
        seen.append((anything, case, calls, variant, text))
        return True

    run_check(to_check(check), subject(value, case=case))
    run_check(to_check(lambda subject: seen.append(subject) or True), subject(value))
    run_check(to_check(functools.partial(lambda limit, v: seen.append(v), 3)), subject(value))
    assert seen[0][:4] == (value, case, (), None)
    assert isinstance(seen[1], Subject)
    assert seen[2] is value


def test_functions_that_nothing_can_fill_are_refused():
    """A parameter without a source is named, with what there is."""
    with pytest.raises(UsageError, match=r"needs 'limit', which nothing fills"):
        to_check(lambda value, limit: True)
    with pytest.raises(UsageError, match=r"let the parameter for the value stand first"):
        to_check(lambda case, value: True)


def test_coroutine_functions_are_checks():
    """An async function is awaited; run in the sync way, it is not scored and leaves no warning."""

    async def polite(value):
        await asyncio.sleep(0)
        return value == "please"

    class Callable:
        async def __call__(self, value):
            return True

    check = to_check(polite)
    assert check.is_async
    assert to_check(Callable()).is_async
    assert to_check(functools.partial(polite)).is_async
    assert asyncio.run(run_check_async(check, subject("please"))).value == 1.0
    assert asyncio.run(run_check_async(returning(True), subject())).value == 1.0
    assert "async def" in run_check(to_check(lambda value: polite(value)), subject()).not_scored


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        ("Paris", r"say what is meant: equals\('Paris'\), contains"),
        (__import__("re").compile("a+"), r"matches\('a\+'\)"),
        (True, "write a plain `assert`"),
        ([contains("a")], "all_of"),
        (3, "give a check such as contains"),
        (int, r"json_as\(int\)"),
        (Check, r"make one: Check\("),
    ],
)
def test_what_is_no_check_is_refused_with_the_next_step(thing, words):
    """Ambiguous things are never guessed at."""
    with pytest.raises(UsageError, match=words):
        to_check(thing)


def test_a_model_class_is_a_check_of_json():
    """A pydantic model as it stands checks for JSON of its shape."""

    class Refund(pydantic.BaseModel):
        order: int

    check = to_check(Refund)
    assert run_check(check, subject('{"order": 1}')).value == 1.0
    assert run_check(check, subject('{"order": "x"}')).value == 0.0


def test_a_factory_without_its_call_is_refused():
    """`expect(x).to(contains)` is no check that happens to pass."""
    with pytest.raises(UsageError, match="contains returned a check; call it first"):
        run_check(to_check(contains), subject("text"))


def test_plain_numbers_need_a_bar():
    """A user's number has no bar of its own; bools, labels and scores from 0 to 1 do."""
    for raw in (0.7, 3, (5, "words"), Score(name="x", value=5.0)):
        with pytest.raises(UsageError, match="at_least"):
            run_check(to_check(lambda value, raw=raw: raw), subject(), barred=False)
        assert run_check(to_check(lambda value, raw=raw: raw), subject()).value is not None
    for raw in (True, "label", Score(name="x", value=0.5)):
        run_check(to_check(lambda value, raw=raw: raw), subject(), barred=False)


def test_a_remembered_digest_is_that_of_the_very_options():
    """Equal values of another kind, another name, order or version are other checks."""
    options = [{"a": 1}, {"a": True}, {"a": 1.0}, {"a": "1"}, {"a": None}, {"b": 1}, {}]
    options += [{"a": "x" * 100}, {"a": "x" * 101}, {"a": [1]}, {"a": 1, "b": 2}]
    expected = [digest([name, one, 1]) for name in ("c", "d") for one in options]
    for _ in range(2):
        assert expected == [Check(name, **one).digest for name in ("c", "d") for one in options]
    assert len(expected) == len(set(expected))
    assert Check("c", a=1, b=2).digest == Check("c", b=2, a=1).digest


def test_a_digest_names_what_a_check_measures():
    """The same options give the same digest, other options or another source another one."""
    same = {contains("a").digest for _ in range(3)}
    others = {contains("b").digest, contains("a", ignore_case=True).digest}
    assert len(same) == 1
    assert not same & others

    def check(value):
        return True

    first = to_check(check)
    again = to_check(check)

    def check(value):  # the same name in the same place, another source
        return False

    assert first.digest == again.digest
    assert first.digest != to_check(check).digest
    assert to_check(len).digest == to_check(len).digest
    partial_two, partial_three = (functools.partial(max, count) for count in (2, 3))
    assert to_check(partial_two).digest != to_check(partial_three).digest


def test_text_checks_refuse_what_has_no_text():
    """None and bytes are not scored, so that a negated check cannot pass on them."""
    assert "value is None" in run_check(contains("a"), subject(None)).not_scored
    assert "bytes" in run_check(contains("a"), subject(b"a")).not_scored


def test_own_checks_are_small_classes():
    """The example in the docstring of Check works."""

    class Shorter(Check):
        def __init__(self, limit):
            super().__init__("shorter", limit=limit)
            self.limit = limit

        def score(self, subject):
            return len(subject.text) < self.limit, f"{len(subject.text)} characters"

    score = run_check(Shorter(9), subject("hello"))
    assert (score.name, score.value, score.reason) == ("shorter", 1.0, "5 characters")
    assert repr(Shorter(9)) == "shorter(limit=9)"


def test_a_check_error_speaks_for_itself():
    """A CheckError's words are the cause, without a type and a place."""
    assert run_check(raising(CheckError("no table")), subject()).not_scored == "no table"
