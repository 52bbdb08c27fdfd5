"""A JSON document: a list of objects, or an object with a list `cases`. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from typing import Any

from pytest_ailoop.dataset.readers.json_text import bad_json, line_at, refuse_depth, value_at
from pytest_ailoop.dataset.readers.source import Source
from pytest_ailoop.text import suggestion

__all__ = ["read"]

_SPACE = " \t\n"


def read(source: Source) -> Iterator[tuple[int, Any]]:
    """Yield each element with the line it starts on; other keys beside `cases` are left alone."""
    document = source.text()
    refuse_depth(source, document)
    at = _skip(document, 0)
    if at == len(document):
        return
    walk = _Walk(source, document)
    if document[at] == "[":
        at = yield from walk.elements(at)
    elif document[at] == "{":
        at = yield from walk.cases(at)
    else:
        value_at(source, document, at)
        raise source.fault("expected a list of objects, or an object with 'cases'", walk.line(at))
    if at < len(document):
        raise walk.bad("Extra data", at)


def _skip(document: str, at: int) -> int:
    while at < len(document) and document[at] in _SPACE:
        at += 1
    return at


class _Walk:
    """Steps over the outer brackets, so that each element's position is known."""

    def __init__(self, source: Source, document: str) -> None:
        self.source, self.document = source, document
        self._line, self._at = 1, 0

    def line(self, at: int) -> int:
        """Return the line of *at*; counts on from where it was asked last."""
        self._line += self.document.count("\n", self._at, at)
        self._at = at
        return self._line

    def bad(self, message: str, at: int) -> Exception:
        return bad_json(self.source, json.JSONDecodeError(message, self.document, at))

    def elements(self, at: int) -> Generator[tuple[int, Any], None, int]:
        """Yield the elements of the list at *at*; return the position behind it."""
        at = _skip(self.document, at + 1)
        if self.document[at : at + 1] == "]":
            return _skip(self.document, at + 1)
        while True:
            line = self.line(at)
            value, at = value_at(self.source, self.document, at)
            yield line, value
            at, more = self._next(at, "]")
            if not more:
                return at

    def _next(self, at: int, end: str) -> tuple[int, bool]:
        at = _skip(self.document, at)
        mark = self.document[at : at + 1]
        if mark not in (",", end):
            raise self.bad("Expecting ',' delimiter", at)
        return _skip(self.document, at + 1), mark == ","

    def cases(self, at: int) -> Generator[tuple[int, Any], None, int]:
        """Yield the elements of the object's list `cases`; return the position behind it."""
        seen: list[str] = []
        start, at = at, _skip(self.document, at + 1)
        more = self.document[at : at + 1] != "}"
        at = at if more else _skip(self.document, at + 1)
        while more:
            key, at = self._key(at, seen)
            if key == "cases":
                if self.document[at : at + 1] != "[":
                    raise self.source.fault("'cases' must be a list of objects", self.line(at))
                at = yield from self.elements(at)
            else:
                _, at = value_at(self.source, self.document, at)
            at, more = self._next(at, "}")
        if "cases" not in seen:
            raise self._no_cases(start, at, seen)
        return at

    def _key(self, at: int, seen: list[str]) -> tuple[str, int]:
        if self.document[at : at + 1] != '"':
            raise self.bad("Expecting property name enclosed in double quotes", at)
        key, end = value_at(self.source, self.document, at)
        if key in seen:
            raise self.source.fault(
                f"the key {key!r} stands twice in one object; keep one", line_at(self.document, at)
            )
        seen.append(key)
        end = _skip(self.document, end)
        if self.document[end : end + 1] != ":":
            raise self.bad("Expecting ':' delimiter", end)
        return key, _skip(self.document, end + 1)

    def _no_cases(self, start: int, end: int, seen: list[str]) -> Exception:
        line = line_at(self.document, start)
        if self.document[end : end + 1] == "{":
            return self.source.fault("one object a line is JSON lines; name the file .jsonl", line)
        return self.source.fault(
            f"expected a list of objects, or an object with 'cases'{suggestion('cases', seen)}",
            line,
        )
