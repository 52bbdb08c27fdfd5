"""What a row of the table has at hand, and what it gives back."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.server import Server

__all__ = ["Bench", "Line", "Row", "at_most", "exactly"]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The server that answers, a folder to work in, and how much of everything."""

    server: Server
    folder: Path
    rounds: int = 5
    warm: bool = True
    """Whether each command runs once before the rounds that count."""
    items: int = 1000
    concurrency: int = 50
    latency: float = 0.2
    sizes: tuple[int, ...] = (1000, 10_000, 100_000)
    """Numbers of items that the scaling rows go through."""
    quick: bool = False
    """Whether a look in seconds is wanted rather than a figure."""

    def fresh(self, name: str) -> Path:
        """Return a new folder for a project."""
        number = len(list(self.folder.iterdir()))
        path = self.folder / f"{number}-{name}"
        path.mkdir()
        return path


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table."""

    what: str
    measured: str
    bound: str = ""
    ok: bool | None = None
    """None where the line has no bound."""
    detail: str = ""
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    """Processes that wanted to run on this machine over the last minute."""


Row = Callable[[Bench], Iterator[Line]]


def at_most(what: str, value: float, bound: float, unit: str = "", detail: str = "") -> Line:
    """Return the line of a figure that must not be above *bound*."""
    return _line(operator.le, "<=", what, value, bound, unit, detail)


def exactly(what: str, value: int, bound: int, detail: str = "") -> Line:
    """Return the line of a count that must be *bound*."""
    return _line(operator.eq, "=", what, value, bound, "", detail)


def _line(
    compare: Callable[[float, float], bool],
    sign: str,
    what: str,
    value: float,
    bound: float,
    unit: str,
    detail: str,
) -> Line:
    shown = f"{value:,d}" if isinstance(value, int) else f"{value:.2f}"
    return Line(
        what=what,
        measured=f"{shown}{unit and ' '}{unit}",
        bound=f"{sign} {bound:g}{unit and ' '}{unit}",
        ok=compare(value, bound),
        detail=detail,
    )
