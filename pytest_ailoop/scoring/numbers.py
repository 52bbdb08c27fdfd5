"""Checks of numbers that stand in text. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import partial
from typing import Any, Literal, get_args

from pytest_ailoop.errors import CheckError, UsageError
from pytest_ailoop.scoring.bounded import find
from pytest_ailoop.scoring.check import Check, CodeCheck, Subject, read_text
from pytest_ailoop.text import cut

__all__ = ["Pick", "number", "numbers_in"]

Pick = Literal["last", "first", "only"]

_DIGITS = 300
"""Longest run of digits read as a number."""

_NUMBER = re.compile(
    # Linear: where the last group of thousands does not fit, the one before it does.
    r"""
    (?<![A-Za-z_\d])(?<!\d\.)                   # not inside a word, a number or a version
    (?:(?<![\w)\]])(?P<sign>[-+\u2212]))?       # 10-5 and (a)-5 hold no negative number
    (?:[$\u20ac\u00a3\u00a5]\ ?(?P<inner>[-\u2212])?)?
    (?P<number>
        (?:\d{1,3}(?P<gap>[,'\u2019\u00a0\u202f\u2009])\d{3}(?:(?P=gap)\d{3})*(?!\d)|\d++)
        (?:\.\d++)?+
        (?:[eE][-+]?\d{1,3}(?!\w))?+
      | (?<!\.)\.\d++
    )
    """,
    re.VERBOSE,
)
_GAPS = str.maketrans("", "", ",'\u2019\u00a0\u202f\u2009")


def number(
    expected: Any,
    *,
    abs_tol: float = 0.0,
    rel_tol: float = 0.0,
    pick: Pick = "last",
    pattern: str | None = None,
) -> Check:
    r"""Check that the number in the text equals *expected*: 1 or 0.

    *expected* is a number, or a text with one number in it ("$1,234.00"). *pick* says which number
    of the text counts; `only` asks for exactly one. *pattern* restricts where to look: its first
    group, else its whole match. The number may differ by *abs_tol*, or by *rel_tol* times
    *expected*; without them it is compared exactly, as a decimal. Raises `CheckError` where
    *expected* is not one finite number.

    ```python
    expect("She pays $1,234.00 in all.").to(number(1234))
    expect("A: 17.9").to(number(18, abs_tol=0.5, pattern=r"A:\s*(.*)"))
    ```
    """
    wanted = _expected(expected)
    if pick not in get_args(Pick):
        raise UsageError(f"number(pick={pick!r}): give 'last', 'first' or 'only'")
    room = _tolerance("abs_tol", abs_tol), _tolerance("rel_tol", rel_tol)
    allowed = max(room[0], room[1] * abs(wanted))
    where = _pattern(pattern)
    return CodeCheck(
        "number",
        partial(_compare, wanted, allowed, pick, where),
        expected=str(wanted),
        abs_tol=abs_tol,
        rel_tol=rel_tol,
        pick=pick,
        pattern=pattern,
    )


def numbers_in(text: str) -> list[Decimal]:
    """Return the numbers that stand in *text*, in order.

    Reads signs, currency signs, thousands by comma, apostrophe or narrow blank, a decimal point
    and powers of ten. A per cent sign changes nothing (50% is 50), `3/4` is two numbers, and
    digits inside a word (`GPT4`) are none.

    ```python
    assert numbers_in("from -$1,200.50 to 3e2") == [Decimal("-1200.50"), Decimal("300")]
    ```
    """
    return [_value(match) for match in _NUMBER.finditer(text) if len(match["number"]) <= _DIGITS]


def _value(match: re.Match[str]) -> Decimal:
    value = Decimal(match["number"].translate(_GAPS))
    negative = (match["sign"] or "+") in "-\u2212" or match["inner"] is not None
    return -value if negative else value


def _compare(
    wanted: Decimal, allowed: Decimal, pick: Pick, where: re.Pattern[str] | None, subject: Subject
) -> tuple[float, str]:
    found = _look(read_text(subject), where)
    if not found:
        return 0.0, f"found no number, expected {_shown(wanted)}"
    if pick == "only" and len(found) > 1:
        some = ", ".join(map(_shown, found[:5]))
        return 0.0, f"found {len(found)} numbers ({some}), expected only {_shown(wanted)}"
    got = found[0] if pick == "first" else found[-1]
    if got == wanted or abs(got - wanted) <= allowed:
        return 1.0, ""
    return 0.0, f"found {_shown(got)}, expected {_shown(wanted)}"


def _look(text: str, where: re.Pattern[str] | None) -> list[Decimal]:
    if where is None:
        return numbers_in(text)
    places = find(where, text, every=True)
    return [one for at in places for one in numbers_in(at.text if at.group is None else at.group)]


def _expected(expected: Any) -> Decimal:
    found = numbers_in(expected) if isinstance(expected, str) else _one(expected)
    if len(found) != 1:
        held = "no number" if not found else f"{len(found)} numbers"
        raise CheckError(
            f"number({cut(repr(expected), 60)}): expected one number, got {held}; "
            "does this case have `expected`?"
        )
    return found[0]


def _one(value: Any) -> list[Decimal]:
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return []
    # repr of a float is the number as it was written: 0.1 is one tenth here.
    exact = value if isinstance(value, (int, Decimal)) else repr(float(value))
    found = Decimal(exact)
    return [found] if found.is_finite() else []


def _tolerance(name: str, value: float) -> Decimal:
    found = _one(value)
    if not found or found[0] < 0:
        raise UsageError(f"number({name}={value!r}): give a number from 0")
    return found[0]


def _pattern(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise CheckError(f"number(pattern={cut(repr(pattern), 60)}): {error}") from None


def _shown(value: Decimal) -> str:
    return f"{value:f}" if -12 < value.adjusted() < 20 else str(value)
