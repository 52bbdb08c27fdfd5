"""How long the bodies of a run took, apart from its results: those hold no clock.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["Timings"]


class Timings:
    """Takes the durations of items, and gives them back as a JSON object."""

    def __init__(self, line: Callable[..., str]) -> None:
        """*line* makes JSON of a value, indented by *indent*."""
        self._line = line
        self._some: dict[str, float] = {}
        #: Parts of the object, as text: a hundred thousand names need less room so.
        self._parts: list[str] = []

    def note(self, nodeid: str, duration: float) -> None:
        """Keep how many seconds an item's body took."""
        self._some[nodeid] = duration
        if len(self._some) == 1000:
            self._pack()

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
