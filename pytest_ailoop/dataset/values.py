"""What a value in a row may be: JSON, whole characters, bounded depth. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pytest_ailoop import text

__all__ = ["DEEP", "MAX_DEPTH", "Fault", "Repeated", "first_fault", "shown", "too_deep"]

MAX_DEPTH = 100
"""Levels of nesting in one row; what is deeper breaks the JSON readers of other tools."""

DEEP = f"nested deeper than {MAX_DEPTH} levels; flatten it, or keep it as text"

_SURROGATE = re.compile("[\ud800-\udfff]")
_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)


class Fault(NamedTuple):
    """Where in a row something is wrong, and what."""

    field: str
    problem: str


class Repeated(dict[str, Any]):
    """An object in which *key* stood twice; readers leave it for `first_fault` to find."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.key = next(name for at, name in enumerate(names) if name in names[:at])


def shown(value: object, width: int = 60) -> str:
    """Return *value* by repr, cut to *width*."""
    return text.cut(repr(value), width)


def first_fault(row: Mapping[str, Any]) -> Fault | None:
    """Return what makes *row* unfit, with the dotted path to it, or None."""
    return None if _clearly_fit(row) else next(_faults(row, "", 1), None)


def _clearly_fit(row: Mapping[str, Any]) -> bool:
    """Return whether *row* is flat ASCII text: most rows are, and a loop here sees it fast."""
    if type(row) is not dict:
        return False
    for key, value in row.items():
        if type(value) is not str or not value.isascii() or "\0" in value:
            return False
        if type(key) is not str or not key.isascii() or "\0" in key:
            return False
    return True


def _faults(value: Any, path: str, depth: int) -> Iterator[Fault]:
    kind = type(value)
    if kind is str:
        # Most text passes these two scans in C; only the rest is looked at by character.
        if not value.isascii() or "\0" in value:
            yield from _text_faults(value, path)
    elif isinstance(value, Mapping):
        yield from _object_faults(value, path, depth)
    elif kind is list or kind is tuple:
        if depth > MAX_DEPTH:
            yield Fault(text.cut(path, 40), DEEP)
            return
        for at, item in enumerate(value):
            yield from _faults(item, f"{path}[{at}]", depth + 1)
    elif kind is float:
        if not math.isfinite(value):
            yield Fault(path, f"{value} is not a JSON number; use null, or text")
    elif not (value is None or kind is bool or kind is int):
        yield Fault(path, _foreign(value))


def _object_faults(value: Mapping[Any, Any], path: str, depth: int) -> Iterator[Fault]:
    if depth > MAX_DEPTH:
        yield Fault(text.cut(path, 40), DEEP)
        return
    if isinstance(value, Repeated):
        yield Fault(_join(path, value.key), "the key stands twice in one object; keep one")
    for key, item in value.items():
        if not isinstance(key, str):
            yield Fault(path or shown(key), f"a key must be text, got {shown(key)}")
            continue
        if not key.isascii() or "\0" in key:
            yield from _text_faults(key, _join(path, key))
        # A generator for each short text would cost more than all checks.
        if type(item) is not str or not item.isascii() or "\0" in item:
            yield from _faults(item, _join(path, key), depth + 1)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _text_faults(value: str, path: str) -> Iterator[Fault]:
    at = value.find("\0")
    if at >= 0:
        yield Fault(path, f"a NUL character at position {at}; remove it")
    found = _SURROGATE.search(value)
    if found:
        escape = f"\\u{ord(found.group()):04x}"
        yield Fault(
            path,
            f"a lone surrogate ({escape}) at position {found.start()} is half a character"
            " and cannot be stored or sent; write the whole character",
        )


def _foreign(value: object) -> str:
    name = type(value).__name__
    if name in {"date", "datetime", "time"}:
        return f"a {name} ({shown(str(value))}) is not a JSON value; quote it to keep it as text"
    return (
        f"{shown(value)} is a {name}, not a JSON value"
        " (text, number, true, false, null, list, object); convert it"
    )


def too_deep(document: str) -> int | None:
    """Return where JSON text nests deeper than `MAX_DEPTH`, or None; never recurses."""
    if document.count("[") + document.count("{") <= MAX_DEPTH:
        return None
    depth = 0
    # A list of rows adds one level above them, an object with "cases" two.
    limit = MAX_DEPTH + 2
    for match in _BRACKET.finditer(document):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth > limit:
                return match.start()
        elif mark in "]}":
            depth -= 1
    return None
