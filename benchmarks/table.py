"""The table as text."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence

from benchmarks.bench import Line

__all__ = ["head", "text_of"]

_BUSY = 1.5


def head() -> str:
    """Return what a reader must know of the machine."""
    cores = os.cpu_count()
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    python = platform.python_version()
    return f"Python {python}, {platform.system()} {platform.machine()}, {cores} cores, load {load}"


def text_of(line: Line) -> str:
    """Return one line of the table."""
    verdict = "" if line.ok is None else ("ok" if line.ok else "MISSED")
    shown = f"{line.what:<46}{line.measured:>12}  {line.bound:<11}{verdict:<7}{line.detail}"
    return f"{shown}{_load(line)}".rstrip()


def _load(line: Line) -> str:
    """Say so where the machine was busy with more than what is measured: two processes."""
    busy = line.load > (os.cpu_count() or 1) * _BUSY
    return f"  (load {line.load:.1f}: measured on a busy machine)" if busy else ""


def summary(lines: Sequence[Line]) -> Iterator[str]:
    """Yield what was missed, by name."""
    missed = [line.what for line in lines if line.ok is False]
    judged = sum(line.ok is not None for line in lines)
    yield f"{judged - len(missed)} of {judged} bounds kept"
    yield from (f"missed: {what}" for what in missed)
