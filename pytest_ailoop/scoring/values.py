"""Whatever a check returns, as one `Score`. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from pytest_ailoop.data.score import Kind, Score
from pytest_ailoop.errors import CheckError
from pytest_ailoop.redaction import redact
from pytest_ailoop.text import cut

__all__ = ["REASON", "as_number", "label_text", "lacks_bar", "score_of"]

REASON = 2000
"""Longest reason kept, in characters."""
_LABEL = 200


def score_of(raw: Any, *, name: str, kind: Kind, check: str, expected: Any = None) -> Score:
    """Return *raw* as a score: bool, number, label, `Score`, or one of these with a reason.

    A label is held against *expected*. NaN and infinities are "not scored". Raises `CheckError`
    for all else.
    """
    value, reason = raw if _is_pair(raw) else (raw, "")
    score = value if isinstance(value, Score) else _plain(value, name)
    score = _sound(_against(score, expected))
    words = cut(redact(reason or score.reason), REASON)
    return replace(score, name=name, kind=kind, check=score.check or check, reason=words)


def lacks_bar(raw: Any, *, in_any_unit: bool) -> bool:
    """Return whether *raw* carries a number that the bar of 1.0 does not fit.

    Those are numbers outside 0 to 1, scores where lower is better, and *in_any_unit* each plain
    number: a bool, a label or a `Score` from 0 to 1 can be held against 1.0.
    """
    value = raw[0] if _is_pair(raw) else raw
    if isinstance(value, Score):
        number = None if value.value is None else as_number(value.value)
        return number is not None and (value.direction == "lower" or not 0.0 <= number <= 1.0)
    number = None if _is_bool(value) else as_number(value)
    return number is not None and (in_any_unit or not 0.0 <= number <= 1.0)


def as_number(value: Any) -> float | None:
    """Return a bool, number, numpy scalar or Decimal as a float; None for what is no number.

    NaN and infinities come back as they are; what is too large for a float comes back infinite.
    """
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def label_text(value: Any) -> str | None:
    """Return a case's expected label as text; None where it cannot be one."""
    if isinstance(value, str):
        return str.__str__(value)
    return str(value) if isinstance(value, (bool, int, float)) else None


def _is_pair(raw: Any) -> bool:
    return isinstance(raw, tuple) and len(raw) == 2 and isinstance(raw[1], str)


def _is_bool(value: Any) -> bool:
    # numpy's own bool is no subclass of bool; its type is named bool (2.x) or bool_ (1.x).
    return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")


def _plain(value: Any, name: str) -> Score:
    if value is None:
        raise CheckError(f"{name} returned None; return True, False, a number, a label or a Score")
    if isinstance(value, str):
        return _labelled(str.__str__(value), name)
    number = as_number(value)
    if number is None:
        raise CheckError(
            f"{name} returned {cut(repr(value), 80)} ({type(value).__name__}); return True, False, "
            "a number, a label or a Score, alone or as (value, reason)"
        )
    return Score(name=name, value=number)


def _labelled(label: str, name: str) -> Score:
    if not label.strip():
        raise CheckError(f"{name} returned an empty label")
    return Score(name=name, label=cut(redact(label), _LABEL))


def _against(score: Score, expected: Any) -> Score:
    """Return a label with its value: 1.0 where it equals what the case expects."""
    if score.label is None or score.value is not None or score.not_scored:
        return score
    wanted = score.expected_label or label_text(expected)
    if wanted is None:
        return score
    return replace(score, expected_label=wanted, value=float(score.label == wanted))


def _sound(score: Score) -> Score:
    if score.not_scored is not None:
        return replace(
            score, value=None, label=None, not_scored=score.not_scored or "no cause given"
        )
    if score.value is None:
        if score.label is None:
            raise CheckError("a Score needs a value, a label or the cause in not_scored")
        return score
    number = as_number(score.value)
    if number is None:
        raise CheckError(f"a Score's value must be a number, got {cut(repr(score.value), 80)}")
    if not math.isfinite(number):
        return replace(
            score, value=None, label=None, not_scored=f"the value is {number}, not a number"
        )
    return score if type(score.value) is float else replace(score, value=number)
