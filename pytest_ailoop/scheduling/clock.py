"""A clock for event loops that stands still while nobody drives them. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import asyncio
import contextlib

__all__ = ["GRACE", "Clock"]

#: Seconds of each pause that count as time. Short pauses lie between all items, and a fake that
#: sleeps shall not take longer for them; only the long ones would let timeouts run out.
GRACE = 0.05


class Clock:
    """Bodies wait on a loop for models while pytest sets up, reports and tears down other items.

    A timeout of five seconds means five seconds in which the body could have gone on: an ordinary
    test that takes a minute in between ends no call. Loops that let nobody change their clock
    (those written in C) keep their own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._real, self._run = loop.time, loop.run_forever
        self._lost = 0.0
        self._left: float | None = self._real()
        with contextlib.suppress(AttributeError):
            loop.time = self.time  # type: ignore[method-assign]
            loop.run_forever = self.run_forever  # type: ignore[method-assign]

    def time(self) -> float:
        """Return the loop's time: seconds in which it was driven, and the grace of each pause."""
        now = self._real()
        if self._left is not None:
            now = min(now, self._left + GRACE)
        return now - self._lost

    def run_forever(self) -> None:
        """Drive the loop until it is stopped."""
        if self._left is not None:
            self._lost += max(0.0, self._real() - self._left - GRACE)
            self._left = None
        try:
            self._run()
        finally:
            self._left = self._real()

    def undo(self) -> None:
        """Give the loop its own clock back."""
        with contextlib.suppress(AttributeError):
            del self._loop.time, self._loop.run_forever
