"""An event loop whose clock stands still while nobody drives it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

__all__ = ["GRACE", "PausingLoop"]

#: Seconds of each pause that count as time. Short pauses lie between all items, and a fake that
#: sleeps shall not take longer for them; only the long ones would let timeouts run out.
GRACE = 0.05

if sys.platform == "win32" and not TYPE_CHECKING:
    _Base = asyncio.ProactorEventLoop
else:
    _Base = asyncio.SelectorEventLoop


class PausingLoop(_Base):
    """Bodies wait on it for models while pytest sets up, reports and tears down other items.

    A timeout of five seconds means five seconds in which the body could have gone on: an ordinary
    test that takes a minute in between ends no call.
    """

    _lost = 0.0
    _left: float | None = None

    def time(self) -> float:
        now = time.monotonic()
        if self._left is not None:
            now = min(now, self._left + GRACE)
        return now - self._lost

    def run_forever(self) -> None:
        if self._left is not None:
            self._lost += max(0.0, time.monotonic() - self._left - GRACE)
            self._left = None
        try:
            super().run_forever()
        finally:
            self._left = time.monotonic()
