"""Threads that run one sync body after another: to start one anew costs as much as a short body.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable

__all__ = ["BodyCut", "Seat", "Seats"]

#: Seconds for the threads to end.
_PATIENCE = 1.0


class BodyCut(BaseException):
    """Raised inside a body that is to end at once."""


class Seat(threading.Thread):
    """A thread that does the jobs it is given, one after another, and none without one."""

    def __init__(self) -> None:
        super().__init__(name="ailoop-body", daemon=True)
        self._jobs: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()

    def give(self, job: Callable[[], object]) -> None:
        """Let the thread do *job* next."""
        self._jobs.put(job)

    def leave(self) -> None:
        """Let the thread end, after what it does at this moment."""
        self._jobs.put(None)

    def run(self) -> None:
        """Do what is given, until told to end."""
        # A cut may come when the body that it was meant for is over.
        with contextlib.suppress(BodyCut):
            while self._serve():
                pass

    def _serve(self) -> bool:
        # A function of its own: what it held is let go before the next job is waited for.
        job = self._jobs.get()
        if job is not None:
            job()
        return job is not None


class Seats:
    """As many threads as jobs were under way at once."""

    def __init__(self) -> None:
        self._free: list[Seat] = []

    def take(self) -> Seat:
        """Return a thread that has nothing to do; it is the caller's until given back."""
        if self._free:
            return self._free.pop()
        seat = Seat()
        # It serves other items after this one, so it bears nothing of who starts it.
        contextvars.Context().run(seat.start)
        return seat

    def give_back(self, seat: Seat) -> None:
        """Keep *seat*, whose job is over, for others."""
        self._free.append(seat)

    def close(self) -> None:
        """End the threads that have nothing to do."""
        free, self._free = self._free, []
        for seat in free:
            seat.leave()
        for seat in free:
            seat.join(_PATIENCE)
