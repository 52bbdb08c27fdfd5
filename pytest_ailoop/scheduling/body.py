"""A test body that runs before its turn, or in it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_ailoop.recorder import Recorder

__all__ = ["Body"]


@dataclass(eq=False, kw_only=True)
class Body:
    """What is to be run for one item, and how it went."""

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    is_async: bool
    notebook: Recorder
    #: What it ended with; None where it ended well or has not ended.
    fault: BaseException | None = None
    is_done: bool = False
    #: Whether it was stopped from outside, and how it ended says nothing of the item.
    is_cut: bool = False
    #: When it began, by `time.time()`.
    started: float = 0.0
    #: Seconds from its begin to its end, by its loop's clock, without waits for a turn to run or to
    #: call.
    duration: float = 0.0
    #: The same without what others kept it from going on: what counts against a timeout.
    spent: float = 0.0
    #: Seconds of its own long steps, and those of all bodies before its begin.
    held: float = 0.0
    before: float = 0.0
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    def begins(self, now: float) -> None:
        """Note the begin; *now* by the loop's clock."""
        self.started, self._began = time.time(), now

    def ends(self, duration: float, spent: float) -> None:
        """Note the end, after so many seconds of its own, and how many it had to go on."""
        self.duration, self.spent, self.is_done = duration, spent, True

    def runs_for(self, now: float, held_up: float = 0.0) -> float:
        """Return its own seconds since its begin: those in which it waited for a turn are none."""
        return max(0.0, now - self._began - self.notebook.queued - held_up)
