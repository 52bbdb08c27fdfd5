"""What the calls of a session cost, counted as they come back: also those that no item tells of.

In one process it is kept in memory; xdist workers append a line a call to one file in the working
folder, so that a worker which crashes has told what it paid. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

from pytest_ailoop.data.call import Call
from pytest_ailoop.data.money import Money
from pytest_ailoop.digest import digest_text
from pytest_ailoop.files import private_folder
from pytest_ailoop.settings import Settings

__all__ = ["Tally"]

_OLD = 7 * 24 * 3600
"""Seconds after which the file of a session that was killed is taken for a left-over."""


class Tally:
    """Counts the calls of one session, over all its workers together; safe for several threads."""

    def __init__(self, settings: Settings) -> None:
        #: Whether what was counted is not all.
        self.is_broken = False
        self._sums = _Sums()
        self._lock = threading.Lock()
        self._handle = -1
        self._path: Path | None = None
        if settings.session:
            # With the time of its start: somebody may give every session the same name.
            name = digest_text(f"{settings.session} {settings.began}")
            self._path = settings.folder / f"session-{name}.paid"

    def add(self, call: Call) -> None:
        """Count *call*, which came back in whatever way."""
        is_live = call.origin == "live"
        with self._lock:
            if self._path is None:
                self._sums.add(is_live, call.cost)
            elif not self.is_broken:
                self._append(self._path, f"{'live' if is_live else 'stored'} {call.cost!r}\n")

    def _append(self, path: Path, line: str) -> None:
        try:
            if self._handle < 0:
                private_folder(path.parent)
                self._handle = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            os.write(self._handle, line.encode("ascii"))
        except OSError:
            self.is_broken = True

    def sums(self) -> tuple[Money, Money]:
        """Return what was paid for live calls, and what stored replies saved, so far."""
        with self._lock:
            found = self._sums if self._path is None else _read(self._path)
            return found.money(is_live=True), found.money(is_live=False)

    def close(self) -> None:
        """Let go of the file; it stays for the others."""
        with self._lock:
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1

    def remove(self) -> None:
        """Delete the file, and those that sessions killed long ago left behind."""
        if self._path is None:
            return
        self.close()
        for path in self._path.parent.glob("session-*.paid"):
            with contextlib.suppress(OSError):
                if path == self._path or time.time() - path.stat().st_mtime > _OLD:
                    path.unlink()


class _Sums:
    """Costs and counts, of live and of stored replies."""

    def __init__(self) -> None:
        self._known = {True: 0.0, False: 0.0}
        self._priced = {True: 0, False: 0}
        self._unknown = {True: 0, False: 0}

    def add(self, is_live: bool, cost: float | None) -> None:
        if cost is None:
            self._unknown[is_live] += 1
        else:
            self._priced[is_live] += 1
            self._known[is_live] += cost

    def money(self, *, is_live: bool) -> Money:
        # Workers come in any order, and the last digits of a sum with it.
        return Money(
            known=round(self._known[is_live], 9),
            priced=self._priced[is_live],
            unknown=self._unknown[is_live],
        )


def _read(path: Path) -> _Sums:
    found = _Sums()
    with contextlib.suppress(OSError), path.open(encoding="ascii", errors="replace") as stream:
        for line in stream:
            # A worker that is killed may leave half a line.
            if line.endswith("\n"):
                origin, _, cost = line.strip().partition(" ")
                found.add(origin == "live", None if cost == "None" else float(cost))
    return found
