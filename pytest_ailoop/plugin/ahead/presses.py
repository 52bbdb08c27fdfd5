"""A second Ctrl-C right after the first. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import signal
import threading
import time

# The functions of `signal` itself make an enum of each handler, twice an item.
from _signal import getsignal  # type: ignore[import-not-found]
from _signal import signal as handle

__all__ = ["Presses"]

_UNWINDS = 1.0
"""Seconds that the first has to get from where it was raised to whoever waits for the body."""


class Presses:
    """Hears Ctrl-C while a body is waited for, and takes a second one that would do harm.

    Raised while the first is on its way up, or while pytest puts that into words, it would break
    off the report. So it is noted instead, and the run ends at once and with a report. What comes
    after that gets through.
    """

    def __init__(self) -> None:
        #: Whether a second one came.
        self.again = False
        self._first: float | None = None
        self._in_words = False

    def listen(self) -> None:
        """Hear them until `rest`; nothing changes where the project handles them itself."""
        self.again, self._first, self._in_words = False, None, False
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and getsignal(signal.SIGINT) is signal.default_int_handler:
            handle(signal.SIGINT, self._take)

    def arrived(self) -> None:
        """Note that the first one came up: pytest puts it into words, until `rest`."""
        self._in_words = True

    def rest(self) -> None:
        """Let them all through again."""
        if getsignal(signal.SIGINT) == self._take:
            handle(signal.SIGINT, signal.default_int_handler)

    def _take(self, *_: object) -> None:
        now = time.monotonic()
        # The body itself may have swallowed the first: then nothing is on its way up.
        unwinds = self._first is not None and now - self._first < _UNWINDS
        if self.again or not (self._in_words or unwinds):
            self._first = now
            raise KeyboardInterrupt
        self.again = True
