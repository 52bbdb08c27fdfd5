"""Checks of text: equal, one of, contains, matches. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import partial
from typing import Any, Literal

from pytest_ailoop.data.reply import text_of
from pytest_ailoop.errors import CheckError, UsageError
from pytest_ailoop.scoring.bounded import find
from pytest_ailoop.scoring.check import Check, CodeCheck, Subject, read_text
from pytest_ailoop.text import cut

__all__ = ["Form", "contains", "contains_any", "equals", "matches", "one_of"]

Form = Literal["NFC", "NFD", "NFKC", "NFKD"] | None
Result = tuple[float, str]

_MARKS = 1000
"""Longest run of combining marks that is normalised: sorting them takes quadratic time."""


def equals(
    expected: Any,
    *,
    ignore_case: bool = False,
    ignore_whitespace: bool = False,
    ignore_punctuation: bool = False,
    normalise: Form = "NFC",
) -> Check:
    """Check that the value equals *expected*: 1 or 0.

    Texts are compared after Unicode normalisation. *ignore_whitespace* makes any amount of white
    space one blank and drops it at the ends; *ignore_punctuation* drops it everywhere. An expected
    number, list or mapping is compared with the value itself. Raises `CheckError` where *expected*
    is None.

    ```python
    expect("Paris.").to(equals("paris", ignore_case=True, ignore_punctuation=True))
    ```
    """
    _refuse_none("equals", [expected])
    options = _options(ignore_case, ignore_whitespace, ignore_punctuation, normalise)
    return CodeCheck("equals", partial(_equals, expected, options), expected=expected, **options)


def one_of(
    *options: Any,
    ignore_case: bool = False,
    ignore_whitespace: bool = False,
    ignore_punctuation: bool = False,
    normalise: Form = "NFC",
) -> Check:
    """Check that the value equals one of *options* (given one by one or as a list): 1 or 0.

    Normalises as `equals` does. Raises `CheckError` where there is no option, or one is None.

    ```python
    expect("Yes").to(one_of("yes", "no", ignore_case=True))
    ```
    """
    wanted = _flat(options)
    _refuse_none("one_of", wanted)
    how = _options(ignore_case, ignore_whitespace, ignore_punctuation, normalise)
    return CodeCheck("one_of", partial(_one_of, wanted, how), options=wanted, **how)


def contains(*parts: Any, ignore_case: bool = False) -> Check:
    """Check that the text contains all *parts* (given one by one or as a list).

    The score is the share of parts found, 0 to 1; the reason names the missing ones. Raises
    `CheckError` where there is no part, or one is None or empty.

    ```python
    expect("Paris is in France").to(contains("Paris", "France"))
    ```
    """
    wanted = _parts("contains", parts)
    compare = partial(_contains, wanted, ignore_case)
    return CodeCheck("contains", compare, parts=wanted, ignore_case=ignore_case)


def contains_any(*parts: Any, ignore_case: bool = False) -> Check:
    """Check that the text contains at least one of *parts*: 1 or 0. Otherwise like `contains`.

    ```python
    expect("I am sorry").to(contains_any("sorry", "apologise"))
    ```
    """
    wanted = _parts("contains_any", parts)
    compare = partial(_contains_any, wanted, ignore_case)
    return CodeCheck("contains_any", compare, parts=wanted, ignore_case=ignore_case)


def matches(
    pattern: str | re.Pattern[str],
    *,
    flags: int = 0,
    full: bool = False,
    timeout: float = 1.0,
) -> Check:
    r"""Check that the regular expression is found in the text, or fits it in *full*: 1 or 0.

    A pattern that needs more than *timeout* seconds is "not scored": it cannot hang the run.
    Raises `CheckError` for None, an empty or an invalid pattern.

    ```python
    expect("Order 1234 is on its way").to(matches(r"Order \d{4}\b"))
    ```
    """
    compiled = _compiled(pattern, flags)
    if not timeout > 0:
        raise UsageError(f"matches(timeout={timeout!r}): give seconds above 0")
    return CodeCheck(
        "matches",
        partial(_matches, compiled, full, timeout),
        pattern=compiled.pattern,
        flags=int(compiled.flags),
        full=full,
    )


def _equals(expected: Any, options: dict[str, Any], subject: Subject) -> Result:
    if isinstance(expected, str) or _is_textual(subject):
        return _equal_texts(expected, options, subject)
    value = subject.value
    same = isinstance(value, bool) == isinstance(expected, bool) and bool(value == expected)
    return float(same), "" if same else f"expected {_short(expected)}, got {_short(value)}"


def _is_textual(subject: Subject) -> bool:
    return subject.value is None or isinstance(subject.value, str) or hasattr(subject.value, "text")


def _equal_texts(expected: Any, options: dict[str, Any], subject: Subject) -> Result:
    if not isinstance(expected, (str, bool, int, float)):
        raise CheckError(
            f"equals({_short(expected)}) got text: a {type(expected).__name__} cannot equal it; "
            "check the parsed value, or use json_as(...)"
        )
    got, wanted = read_text(subject), text_of(expected)
    if _plain(got, **options) == _plain(wanted, **options):
        return 1.0, ""
    return 0.0, _difference(wanted, got)


def _difference(wanted: str, got: str) -> str:
    if len(wanted) <= 120 and len(got) <= 120:
        return f"expected {wanted!r}, got {got!r}"
    pairs = enumerate(zip(wanted, got, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(wanted), len(got)))
    start = max(0, at - 20)
    near = (cut(side[start : start + 200], 80) for side in (wanted, got))
    return "at character {}: expected {!r}, got {!r}".format(at + 1, *near)


def _one_of(wanted: list[Any], how: dict[str, Any], subject: Subject) -> Result:
    got = _plain(read_text(subject), **how)
    if any(got == _plain(text_of(one), **how) for one in wanted):
        return 1.0, ""
    return 0.0, f"expected one of {_listed(wanted)}, got {_short(subject.text)}"


def _contains(wanted: list[str], ignore_case: bool, subject: Subject) -> Result:
    missing = _missing(wanted, ignore_case, subject)
    share = (len(wanted) - len(missing)) / len(wanted)
    return share, f"missing {_listed(missing)}" if missing else ""


def _contains_any(wanted: list[str], ignore_case: bool, subject: Subject) -> Result:
    if len(_missing(wanted, ignore_case, subject)) < len(wanted):
        return 1.0, ""
    return 0.0, f"none of {_listed(wanted)} found"


def _missing(wanted: list[str], ignore_case: bool, subject: Subject) -> list[str]:
    how = _options(ignore_case, False, False, "NFC")
    text = _plain(read_text(subject), **how)
    return [one for one in wanted if _plain(one, **how) not in text]


def _matches(pattern: re.Pattern[str], full: bool, timeout: float, subject: Subject) -> Result:
    if find(pattern, read_text(subject), full=full, timeout=timeout):
        return 1.0, ""
    place = "does not fit" if full else "is not in"
    return 0.0, f"{_short(pattern.pattern)} {place} {_short(subject.text)}"


def _compiled(pattern: Any, flags: int) -> re.Pattern[str]:
    if isinstance(pattern, re.Pattern):
        pattern, flags = pattern.pattern, pattern.flags | flags
    if not isinstance(pattern, str) or not pattern:
        raise CheckError(f"matches({pattern!r}): give a regular expression as text, not empty")
    try:
        return re.compile(pattern, flags)
    except (re.error, RecursionError, OverflowError, ValueError) as error:
        raise CheckError(f"matches({_short(pattern)}) is no regular expression: {error}") from None


def _options(case: bool, whitespace: bool, punctuation: bool, normalise: Form) -> dict[str, Any]:
    if normalise not in ("NFC", "NFD", "NFKC", "NFKD", None):
        raise UsageError(f"normalise={normalise!r}: give 'NFC', 'NFD', 'NFKC', 'NFKD' or None")
    return {
        "ignore_case": case,
        "ignore_whitespace": whitespace,
        "ignore_punctuation": punctuation,
        "normalise": normalise,
    }


def _plain(
    text: str,
    *,
    ignore_case: bool,
    ignore_whitespace: bool,
    ignore_punctuation: bool,
    normalise: Form,
) -> str:
    """Return *text* with what does not count taken out."""
    text = _normal(text, normalise)
    if ignore_case:
        text = _normal(text.casefold(), normalise)
    if ignore_punctuation:
        text = "".join(one for one in text if not unicodedata.category(one).startswith("P"))
    if ignore_whitespace:
        text = " ".join(text.split())
    return text


def _normal(text: str, form: Form) -> str:
    if form is None or text.isascii():
        return text
    run = 0
    for character in text if len(text) > _MARKS else "":
        run = run + 1 if unicodedata.combining(character) else 0
        if run > _MARKS:
            raise CheckError(f"the text has over {_MARKS} combining marks in a row; not normalised")
    return unicodedata.normalize(form, text)


def _parts(name: str, parts: tuple[Any, ...]) -> list[str]:
    flat = _flat(parts)
    _refuse_none(name, flat)
    texts = [text_of(one) for one in flat]
    if not all(texts):
        raise CheckError(f"{name}(...) was given an empty part, which every text contains")
    return texts


def _flat(parts: Iterable[Any]) -> list[Any]:
    flat: list[Any] = []
    for part in parts:
        flat.extend(part if isinstance(part, (list, tuple, set, frozenset)) else [part])
    return flat


def _refuse_none(name: str, values: list[Any]) -> None:
    if not values:
        raise CheckError(f"{name}() was given nothing to look for")
    if any(value is None for value in values):
        raise CheckError(
            f"{name}(None): there is nothing to compare with; does this case have `expected`?"
        )


def _listed(values: list[Any]) -> str:
    shown = ", ".join(_short(value) for value in values[:10])
    return shown if len(values) <= 10 else f"{shown} and {len(values) - 10} more"


def _short(value: Any) -> str:
    if isinstance(value, str):
        return repr(cut(value, 100))
    return cut(repr(value), 100)
