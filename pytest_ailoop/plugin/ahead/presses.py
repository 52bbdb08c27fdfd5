"""A second Ctrl-C right after the first. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import signal
import threading
from typing import Any

__all__ = ["Presses"]


class Presses:
    """Takes one that comes while pytest deals with the one before, which would break it off there.

    So the run ends at once and with a report. What comes after that gets through.
    """

    def __init__(self) -> None:
        #: Whether a second one came.
        self.again = False
        self._before: Any = None

    def watch(self) -> None:
        """Take the next one, until `rest`; nothing changes where the project handles it itself."""
        stands = signal.getsignal(signal.SIGINT)
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and stands is signal.default_int_handler:
            self._before, self.again = stands, False
            signal.signal(signal.SIGINT, self._take)

    def rest(self) -> None:
        """Let them all through again."""
        before, self._before = self._before, None
        if before is not None and signal.getsignal(signal.SIGINT) == self._take:
            signal.signal(signal.SIGINT, before)

    def _take(self, *_: object) -> None:
        self.again = True
        self.rest()
