"""Checks of a class: the label in the text against the one expected. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from pytest_ailoop.data.score import Score
from pytest_ailoop.errors import CheckError, UsageError
from pytest_ailoop.scoring.check import Check, CodeCheck, Subject, read_text
from pytest_ailoop.scoring.values import label_text
from pytest_ailoop.text import cut

__all__ = ["NONE", "classifies_as"]

NONE = "(none)"
"""The label of a text that names no known label, or several."""

_GAPS = re.compile(r"[\s_\-]+")
_EDGES = " .,:;!?\"'`*()[]{}<>"


def classifies_as(
    expected: Any, *, labels: Iterable[str] | None = None, normalise: bool = True
) -> Check:
    """Check that the text names the class *expected*: 1 or 0, with the label that was found.

    With *labels*, the label is the one that the whole text is, or the only one it mentions as
    whole words (a longer label that contains a shorter one counts alone). No label or several is
    a wrong answer with the label `(none)`. Without *labels* the whole text is the label.
    *normalise* ignores case, `_` and `-` against blanks, and punctuation around the label. Over a
    group, the labels give accuracy, precision, recall, F1 and the confusion matrix. Raises
    `CheckError` where *expected* is None or not among *labels*.

    ```python
    labels = ["refund", "card arrival"]
    expect("This is about card_arrival.").to(classifies_as("card arrival", labels=labels))
    ```
    """
    wanted = label_text(expected)
    if not wanted:
        raise CheckError(f"classifies_as({expected!r}): no label; does this case have `expected`?")
    known = _known([wanted] if labels is None else labels, normalise)
    key = _key(wanted, normalise)
    if key not in known:
        some = ", ".join(map(repr, list(known.values())[:8]))
        raise CheckError(f"classifies_as({wanted!r}): not among the labels {some}")
    find = partial(_whole, known, normalise) if labels is None else _Finder(known, normalise)
    return CodeCheck(
        "classifies_as",
        partial(_score, known[key], find),
        expected=wanted,
        labels=None if labels is None else sorted(known.values()),
        normalise=normalise,
    )


def _known(labels: Iterable[str], normalise: bool) -> dict[str, str]:
    if isinstance(labels, str):
        raise UsageError(f"labels={labels!r}: give a list of labels")
    known: dict[str, str] = {}
    for label in labels:
        key = _key(label, normalise)
        if not key:
            raise UsageError(f"labels: {label!r} is empty")
        if known.setdefault(key, label) != label:
            raise UsageError(f"labels: {known[key]!r} and {label!r} cannot be told apart")
    return known


def _key(text: str, normalise: bool) -> str:
    if not normalise:
        return text.strip()
    return _GAPS.sub(" ", text.casefold()).strip(_EDGES)


def _score(expected: str, find: Any, subject: Subject) -> Score:
    label, reason = find(read_text(subject))
    if label != expected and not reason:
        reason = f"found {label!r}, expected {expected!r}"
    return Score(
        name="classifies_as",
        label=label,
        expected_label=expected,
        value=float(label == expected),
        reason=reason,
    )


def _whole(known: Mapping[str, str], normalise: bool, text: str) -> tuple[str, str]:
    key = _key(text, normalise)
    if key in known:
        return known[key], ""
    plain = " ".join(text.split())
    if not plain or len(plain) > 60:
        return NONE, f"the text is no label: {cut(plain, 80)!r}"
    return plain, ""


class _Finder:
    """Finds the one label that a text names."""

    def __init__(self, known: Mapping[str, str], normalise: bool) -> None:
        self._known, self._normalise = known, normalise
        # Longest first: "card arrival" is found before the "card" inside it.
        longest = sorted(known, key=lambda key: (-len(key), key))
        self._any = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")

    def __call__(self, text: str) -> tuple[str, str]:
        key = _key(text, self._normalise)
        if key in self._known:
            return self._known[key], ""
        named = sorted({self._known[one] for one in self._any.findall(key)})
        if len(named) == 1:
            return named[0], ""
        if not named:
            return NONE, f"no label in {cut(' '.join(text.split()), 80)!r}"
        return NONE, f"{len(named)} labels in the text: {', '.join(map(repr, named[:5]))}"
