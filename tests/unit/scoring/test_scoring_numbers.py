"""Numbers in text, and the check of one."""

from __future__ import annotations

import math
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ailoop.errors import CheckError, UsageError
from pytest_ailoop.scoring.check import Subject, run_check
from pytest_ailoop.scoring.numbers import number, numbers_in

GSM8K = r"A:\s*\$?(-?[\d,.]+)"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("none", []),
        ("18", ["18"]),
        ("is 18.", ["18"]),
        ("$18.00", ["18.00"]),
        ("1,234", ["1234"]),
        ("1,234,567.89", ["1234567.89"]),
        ("1,2,3", ["1", "2", "3"]),
        ("1,2345", ["1", "2345"]),
        ("1'234 1\u2019234 1\u202f234 1\u00a0234", ["1234"] * 4),
        ("-5 \u22125 +5", ["-5", "-5", "5"]),
        ("-$6 $-6 $ 6 \u20ac7 7\u20ac", ["-6", "-6", "6", "7", "7"]),
        ("10-5 a-5 (a)-5", ["10", "5", "5", "5"]),
        ("(-5) =-5 x:-5", ["-5", "-5", "-5"]),
        ("5 - 3", ["5", "3"]),
        (".5 x=.5 ...18", ["0.5", "0.5", "18"]),
        ("1e5 1.5E-3 5eggs 3e", ["1E5", "0.0015", "5", "3"]),
        ("50% 3/4", ["50", "3", "4"]),
        ("2024-01-02", ["2024", "1", "2"]),
        ("GPT4 a_4 4x", ["4"]),
        ("1.2.3", ["1.2"]),
        ("\u517118\u5143 **18** \\boxed{-18}", ["18", "18", "-18"]),
        ("\u0663", ["3"]),
        ("9" * 1000, []),
    ],
)
def test_numbers_in(text, found):
    """Signs, currencies, thousands, decimals and powers are read; words and versions are not."""
    assert numbers_in(text) == [Decimal(one) for one in found]


@given(st.integers(-(10**15), 10**15))
def test_thousands_are_read_as_written(value):
    """An integer written with or without thousands in a sentence comes back."""
    for written in (f"{value}", f"{value:,}", f"{value}.0"):
        assert numbers_in(f"It costs {written} in all.") == [value]


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_floats_are_read_as_written(value):
    """A float's own spelling comes back exactly."""
    assert [float(one) for one in numbers_in(f"x = {value!r};")] == [value]


@given(st.text())
def test_any_text_is_read_without_fault(text):
    """No text makes the reader fail."""
    assert all(one.is_finite() for one in numbers_in(text))


@pytest.mark.parametrize(
    ("check", "text", "value"),
    [
        (number("1,234"), "She pays $1,234.00.", 1.0),
        (number(18), "$18.00", 1.0),
        (number("$18.00"), "18", 1.0),
        (number("50%"), "50 per cent", 1.0),
        (number(18), "first 18, then 17", 0.0),
        (number(18, pick="first"), "first 18, then 17", 1.0),
        (number(18, pick="only"), "it is 18", 1.0),
        (number(18, pick="only"), "it is 18, not 17", 0.0),
        (number(0.3), "0.3", 1.0),
        (number(Decimal("0.3")), "0.30", 1.0),
        (number(10**30), str(10**30), 1.0),
        (number(10**30), str(10**30 + 1), 0.0),
        (number(3.14159, abs_tol=0.01), "3.14", 1.0),
        (number(100, rel_tol=0.05), "105", 1.0),
        (number(100, rel_tol=0.05), "105.01", 0.0),
        (number(-100, rel_tol=0.05), "-96", 1.0),
        (number(5, pattern=GSM8K), "A: 3\nA: $5.\n7", 1.0),
        (number(1234, pattern=GSM8K), "so\nA: 1,234.", 1.0),
        (number(5, pattern=r"= \d+"), "1 = 5 (6)", 1.0),
        (number(5, pattern=GSM8K), "5", 0.0),
    ],
)
def test_number(check, text, value):
    """The picked number equals the expected one, exactly or within its room."""
    assert run_check(check, Subject.of(text)).value == value


@pytest.mark.parametrize(
    ("check", "text", "reason"),
    [
        (number(18), "17", "found 17, expected 18"),
        (number(18), "none", "found no number, expected 18"),
        (number(18, pick="only"), "18 17", "found 2 numbers (18, 17), expected only 18"),
    ],
)
def test_reasons(check, text, reason):
    """A miss says which number was found and which expected."""
    assert run_check(check, Subject.of(text)).reason == reason


@pytest.mark.parametrize("expected", [None, "", "none", "3 or 4", True, math.nan, math.inf, [1]])
def test_expected_must_be_one_number(expected):
    """Without one finite expected number there is nothing to check."""
    with pytest.raises(CheckError, match="expected one number"):
        number(expected)


def test_wrong_options_are_refused():
    """Options outside their range name themselves."""
    with pytest.raises(UsageError, match="abs_tol=-1"):
        number(1, abs_tol=-1)
    with pytest.raises(UsageError, match="rel_tol=nan"):
        number(1, rel_tol=math.nan)
    with pytest.raises(UsageError, match="pick='best'"):
        number(1, pick="best")
    with pytest.raises(CheckError, match="pattern"):
        number(1, pattern="(")


@pytest.mark.parametrize(
    "unit", ["-", "9", "1,234", "1e", ".", "$ ", ".1", ",111", "e", "1,11", "\u00a0123", "-$"]
)
def test_reading_is_linear(unit):
    """A quarter of a megabyte made to be slow is read in well under a second of CPU."""
    text = unit * (250_000 // len(unit))
    began = time.process_time()
    run_check(number(5), Subject.of("1" + text + "1"))
    assert time.process_time() - began < 1.0
