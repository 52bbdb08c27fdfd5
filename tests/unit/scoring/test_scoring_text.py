"""equals, one_of, contains, contains_any and matches."""

from __future__ import annotations

import re
import time

import pytest

from pytest_ailoop.data.reply import Reply
from pytest_ailoop.errors import CheckError, UsageError
from pytest_ailoop.scoring.check import Subject, run_check
from pytest_ailoop.scoring.text import contains, contains_any, equals, matches, one_of

LOOSE = {"ignore_case": True, "ignore_whitespace": True, "ignore_punctuation": True}


def score(check, value):
    return run_check(check, Subject.of(value))


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        (equals("Paris"), "Paris", 1.0),
        (equals("Paris"), "paris", 0.0),
        (equals("Paris"), "Paris ", 0.0),
        (equals("Paris"), Reply(text="Paris"), 1.0),
        (equals("new york!", **LOOSE), " New\n York", 1.0),
        (equals("new york", **LOOSE), "newyork", 0.0),
        (equals("stra\u00dfe", ignore_case=True), "STRASSE", 1.0),
        (equals("\u00e9"), "e\u0301", 1.0),
        (equals("\u00e9", normalise=None), "e\u0301", 0.0),
        (equals("1", normalise="NFKC"), "\u00b9", 1.0),
        (equals(""), "", 1.0),
        (equals(42), "42", 1.0),
        (equals(42), 42, 1.0),
        (equals(1), True, 0.0),
        (equals([1, 2]), [1, 2], 1.0),
        (equals({"a": 1}), {"a": 2}, 0.0),
        (one_of("yes", "no", ignore_case=True), "NO", 1.0),
        (one_of(["yes", "no"]), "maybe", 0.0),
        (contains("a", "b"), "abc", 1.0),
        (contains("a", "z"), "abc", 0.5),
        (contains(["x", "y", "z"]), "z", pytest.approx(1 / 3)),
        (contains("PARIS", ignore_case=True), "in paris", 1.0),
        (contains("\u00e9"), "caf\u00e9".replace("\u00e9", "e\u0301"), 1.0),
        (contains(7), "7 eggs", 1.0),
        (contains_any("x", "c"), "abc", 1.0),
        (contains_any(["x", "y"]), "abc", 0.0),
        (matches(r"\d{4}"), "order 1234", 1.0),
        (matches(r"\d{4}"), "order 123", 0.0),
        (matches(r"\d+", full=True), "12a", 0.0),
        (matches(r"\d+", full=True), "12", 1.0),
        (matches("a.c", flags=re.DOTALL | re.IGNORECASE), "A\nC", 1.0),
        (matches(re.compile("ABC", re.IGNORECASE)), "abc", 1.0),
    ],
)
def test_text_checks(check, value, expected):
    """Each check measures what its name says."""
    assert score(check, value).value == expected


@pytest.mark.parametrize(
    ("check", "value", "reason"),
    [
        (equals("Paris"), "London", "expected 'Paris', got 'London'"),
        (equals("a" * 200), "a" * 150 + "b", "at character 151: expected 'aaa"),
        (equals([1]), [2], "expected [1], got [2]"),
        (one_of("a", "b"), "c", "expected one of 'a', 'b', got 'c'"),
        (contains("a", "x", "y"), "abc", "missing 'x', 'y'"),
        (contains_any("x", "y"), "abc", "none of 'x', 'y' found"),
        (matches("x+"), "abc", "'x+' is not in 'abc'"),
        (matches("b", full=True), "abc", "'b' does not fit 'abc'"),
    ],
)
def test_reasons_name_expected_and_got(check, value, reason):
    """A miss says what was looked for and what was there."""
    assert reason in score(check, value).reason


@pytest.mark.parametrize(
    "make",
    [
        lambda: equals(None),
        lambda: one_of(),
        lambda: one_of("a", None),
        lambda: contains(),
        lambda: contains([]),
        lambda: contains("a", None),
        lambda: contains(["a", ""]),
        lambda: contains_any(""),
        lambda: matches(None),
        lambda: matches(""),
        lambda: matches("("),
    ],
)
def test_nothing_to_look_for_is_never_a_pass(make):
    """A missing or empty expectation raises where it is written."""
    with pytest.raises(CheckError):
        make()


def test_wrong_options_are_refused():
    """Options outside their range name themselves."""
    with pytest.raises(UsageError, match="normalise='NFX'"):
        equals("a", normalise="NFX")
    with pytest.raises(UsageError, match="timeout=0"):
        matches("a", timeout=0)


def test_a_mapping_cannot_equal_text():
    """Comparing a dict with a text is no silent 0: it says to parse first."""
    assert "json_as" in score(equals({"a": 1}), '{"a": 1}').not_scored


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (equals("x", **LOOSE), "\u00e9. " * 333_333),
        (equals("x"), "a" + "\u0301\u0316" * 500_000),
        (contains("a" * 1000 + "b"), "a" * 1_000_000),
        (contains("x", ignore_case=True), "\u0130" * 300_000),
        (matches(r"a+$"), "a" * 1_000_000 + "b"),
    ],
    ids=["loose", "marks", "needle", "casefold", "regex"],
)
def test_large_hostile_texts_do_not_hang(check, value):
    """A megabyte made to be slow is scored, or not scored, in about a second of CPU."""
    began = time.process_time()
    score(check, value)
    assert time.process_time() - began < 2.0
