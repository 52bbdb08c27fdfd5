"""json_as, classifies_as, and checks made of checks."""

from __future__ import annotations

import asyncio
from typing import Annotated

import pydantic
import pytest

from pytest_ailoop.data.score import Score
from pytest_ailoop.errors import CheckError, UsageError
from pytest_ailoop.scoring.adapt import to_check
from pytest_ailoop.scoring.check import CodeCheck, Subject, run_check, run_check_async
from pytest_ailoop.scoring.classification import NONE, classifies_as
from pytest_ailoop.scoring.combine import all_of, any_of, negated, weighted
from pytest_ailoop.scoring.structured import json_as
from pytest_ailoop.scoring.text import contains


class Item(pydantic.BaseModel):
    price: float


class Order(pydantic.BaseModel):
    order: int
    items: list[Item] = []


def score(check, value="text"):
    return run_check(check, Subject.of(value))


@pytest.mark.parametrize(
    ("check", "text", "value"),
    [
        (json_as(Order), '{"order": 7}', 1.0),
        (json_as(Order), ' {"order": 7}\n', 1.0),
        (json_as(Order), '```json\n{"order": 7}\n```', 1.0),
        (json_as(Order), '```\r\n{"order": 7}\r\n```', 1.0),
        (json_as(Order, strict=True), '```json\n{"order": 7}\n```', 0.0),
        (json_as(Order), 'Sure: {"order": 7}', 0.0),
        (json_as(Order), '{"order": "x"}', 0.0),
        (json_as(Order), "", 0.0),
        (json_as(Order), {"order": 7}, 1.0),
        (json_as(list[int]), "[1, 2]", 1.0),
        (json_as(Annotated[int, pydantic.Field(gt=3)]), "2", 0.0),
        (json_as(list), "[" * 100_000, 0.0),
        (json_as(list), '["\ud800"]', 0.0),
    ],
)
def test_json_as(check, text, value):
    """Text is JSON of the shape or it is not; one fence around the whole is taken off."""
    assert score(check, text).value == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"order": "x"}', "at order: Input should be a valid integer"),
        ('{"order": 1, "items": [{"price": 1}, {"price": "y"}]}', "at items[1].price: "),
        ('{"order": "x", "items": 3}', "(and 1 more fault)"),
        ("nope", "Invalid JSON: expected ident at line 1 column 2, got 'nope'"),
        ('{"items": []}', "at order: Field required, got {'items': []}"),
    ],
)
def test_json_faults_name_the_field(text, reason):
    """The reason says where, what was expected and what was got."""
    assert reason in score(json_as(Order), text).reason


def test_json_as_refuses_what_is_no_shape():
    """A sample value or an object that pydantic cannot check is refused at once."""
    for shape in ({"a": 1}, None, "Order", 3, json_as, lambda a: a):
        with pytest.raises(UsageError, match="json_as"):
            json_as(shape)


def test_json_digest_follows_the_fields():
    """A changed field is a changed check, an equal shape is the same."""

    def shape(**fields):
        return json_as(pydantic.create_model("Shape", **fields)).digest

    assert shape(a=(int, ...)) == shape(a=(int, ...))
    assert shape(a=(int, ...)) != shape(a=(str, ...))


def test_a_raising_validator_is_no_quality_fault():
    """An exception of a user's validator leaves the check not scored."""

    class Broken(pydantic.BaseModel):
        a: int

        @pydantic.field_validator("a")
        @classmethod
        def fails(cls, value):
            raise LookupError("table")

    assert "LookupError: table" in score(json_as(Broken), '{"a": 1}').not_scored


LABELS = ["card", "card arrival", "refund_not_showing_up"]


@pytest.mark.parametrize(
    ("expected", "text", "label", "value"),
    [
        ("card", "card", "card", 1.0),
        ("card", "Card.", "card", 1.0),
        ("card", "The label is: CARD", "card", 1.0),
        ("card", "card arrival", "card arrival", 0.0),
        ("card arrival", "It is card_arrival!", "card arrival", 1.0),
        ("refund_not_showing_up", "refund not showing up", "refund_not_showing_up", 1.0),
        ("card", "card or refund-not-showing-up", NONE, 0.0),
        ("card", "cardboard", NONE, 0.0),
        ("card", "", NONE, 0.0),
        ("card", "no idea", NONE, 0.0),
    ],
)
def test_classifies_as(expected, text, label, value):
    """The one label that a text names is found; none or several is a wrong answer."""
    found = score(classifies_as(expected, labels=LABELS), text)
    assert (found.label, found.expected_label, found.value) == (label, expected, value)


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("Positive", "positive", 1.0),
        ("Positive!", "positive", 1.0),
        ("negative", "negative", 0.0),
        ("x" * 61, NONE, 0.0),
    ],
)
def test_without_labels_the_whole_text_is_the_label(text, label, value):
    """What is too long for a label is none."""
    found = score(classifies_as("positive"), text)
    assert (found.label, found.value) == (label, value)


def test_exact_labels():
    """normalise=False tells case and separators apart."""
    check = classifies_as("Card", labels=["Card", "card"], normalise=False)
    assert score(check, "card").label == "card"
    assert score(check, " Card\n").value == 1.0


def test_wrong_labels_are_refused():
    """An expected label that cannot be found is never scored 0."""
    for make, words in (
        (lambda: classifies_as(None), "does this case have"),
        (lambda: classifies_as("x", labels=LABELS), "not among the labels 'card'"),
        (lambda: classifies_as("a", labels=["a", "A"]), "cannot be told apart"),
        (lambda: classifies_as("a", labels="abc"), "give a list"),
        (lambda: classifies_as("a", labels=["a", "."]), "is empty"),
    ):
        with pytest.raises((CheckError, UsageError), match=words):
            make()


YES = CodeCheck("yes", lambda subject: True)
NO = CodeCheck("no", lambda subject: (False, "not so"))
HALF = CodeCheck("half", lambda subject: 0.5)
DARK = CodeCheck("dark", lambda subject: 1 / 0)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (all_of(YES), 1.0),
        (all_of(YES, NO), 0.0),
        (all_of(YES, HALF), 0.0),
        (all_of(YES, DARK), None),
        (all_of(NO, DARK), 0.0),
        (any_of(NO, YES), 1.0),
        (any_of(NO, HALF), 0.0),
        (any_of(DARK, YES), 1.0),
        (any_of(NO, DARK), None),
        (weighted({YES: 3, NO: 1}), 0.75),
        (weighted([(YES, 1), (HALF, 1)]), 0.75),
        (weighted([(YES, 0.1), (YES, 0.2), (YES, 0.7)]), 1.0),
        (weighted({YES: 3, DARK: 1}), None),
        (negated(YES), 0.0),
        (negated(NO), 1.0),
        (negated(HALF), 0.5),
        (negated(DARK), None),
        (all_of(negated(any_of(NO, NO)), YES), 1.0),
        (all_of(CodeCheck("big", lambda subject: 5)), None),
        (all_of(CodeCheck("label", lambda subject: "x")), None),
        (all_of(CodeCheck("low", lambda s: Score(name="l", value=0.0, direction="lower"))), None),
    ],
)
def test_combined_checks(check, value):
    """A part that could not be scored never turns into a pass, nor hides a miss."""
    assert score(check).value == value


def test_combined_reasons_name_the_parts():
    """The reason says which part missed and why; the cause which part could not be scored."""
    assert score(all_of(YES, NO, HALF)).reason == "no 0: not so; half 0.5"
    assert score(any_of(NO, DARK)).not_scored.startswith("dark not scored: ZeroDivisionError")
    assert score(weighted({YES: 1, NO: 1})).reason == "no 0: not so"


def test_combined_checks_take_functions_and_wait_for_async_parts():
    """Whatever `.to` takes is a part, and one async part makes the whole async."""

    async def slowly(value):
        await asyncio.sleep(0)
        return value == "text"

    check = all_of(YES, slowly, lambda value: True)
    assert (check.is_async, all_of(YES).is_async) == (True, False)
    assert asyncio.run(run_check_async(check, Subject.of("text"))).value == 1.0
    assert asyncio.run(run_check_async(check, Subject.of("other"))).value == 0.0


def test_a_part_with_a_judge_makes_it_a_judges_score():
    """The kind of the whole is that of its dearest part."""
    part = CodeCheck("judge", lambda subject: True)
    part.kind = "judge"
    assert all_of(YES, any_of(part)).kind == "judge"


def test_wrong_combinations_are_refused():
    """Nothing to combine, and weights that are none."""
    for make in (all_of, any_of, lambda: weighted({}), lambda: weighted({YES: 0})):
        with pytest.raises(UsageError):
            make()
    with pytest.raises(UsageError):
        weighted({YES: float("nan")})
    with pytest.raises(UsageError, match="contains"):
        all_of("Paris")


def test_the_digest_follows_the_parts():
    """Another part or weight is another check."""
    one = all_of(contains("a")).digest
    assert one == all_of(contains("a")).digest
    assert one not in (all_of(contains("b")).digest, any_of(contains("a")).digest)
    assert weighted({YES: 1, NO: 2}).digest != weighted({YES: 2, NO: 1}).digest
    assert repr(all_of(YES, to_check(len))) == "all_of(yes(), len())"
