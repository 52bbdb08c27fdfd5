"""How long the bodies of a run took, apart from its results: those hold no clock.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["Timings"]


class Timings:
    """Takes the clock out of records, and gives it back as a JSON object of their durations."""

    def __init__(self, line: Callable[..., str]) -> None:
        """*line* makes JSON of a value, indented by *indent*."""
        self._line = line
        self._some: dict[str, float] = {}
        #: Parts of the object, as text: a hundred thousand names need less room so.
        self._parts: list[str] = []

    def without(self, one: Mapping[str, Any]) -> dict[str, Any]:
        """Return a record as JSON values without its duration, which is kept here."""
        found = dict(one)
        self._some[found["nodeid"]] = found.pop("duration")
        if len(self._some) == 1000:
            self._pack()
        return found

    def pieces(self) -> Iterator[str]:
        """Yield the object's text."""
        self._pack()
        yield "{"
        for number, part in enumerate(self._parts):
            yield f",{part}" if number else part
        yield "\n}\n" if self._parts else "}\n"

    def _pack(self) -> None:
        if self._some:
            self._parts.append(self._line(self._some, indent=1)[1:-2])
            self._some = {}
