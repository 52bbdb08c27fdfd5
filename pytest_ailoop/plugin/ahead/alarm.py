"""Signals that cut an item off hit that item, whichever body runs at the moment.

pytest-timeout's handler raises wherever the main thread is; while bodies run side by side, that may
be inside another item's. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import pytest

from pytest_ailoop.recorder import Recorder
from pytest_ailoop.scheduling.body import Body
from pytest_ailoop.scheduling.engine import Engine

__all__ = ["TIMEOUT", "guarded", "note_timeout", "paused"]

TIMEOUT = pytest.StashKey[float]()
"""On an item: the seconds that pytest-timeout allows it."""
#: Seconds below which nothing is left. Where nothing is, the alarm must come nonetheless: at once.
_SOON = 0.001
#: Seconds after which what was told to end is told again.
_AGAIN = 0.2


def note_timeout(item: pytest.Item, seconds: float) -> None:
    """Keep how long *item* may take, as pytest-timeout knows it."""
    item.stash[TIMEOUT] = seconds


@contextlib.contextmanager
def guarded(
    engine: Engine, item: pytest.Item, body: Body, items: Mapping[Recorder, pytest.Item]
) -> Iterator[None]:
    """Let an alarm end *body* alone while the code inside drives others, too.

    The time that it ran before its turn counts. *items* are those of all bodies.
    """
    known = getattr(signal, "SIGALRM", None)
    before = None if known is None else signal.getsignal(known)
    if known is None or not callable(before) or not _in_main_thread():
        yield
        return
    watch = _Watch(engine, item, body, items, before)
    handler = watch.ring
    signal.signal(known, handler)
    try:
        watch.begin()
        yield
        if watch.is_overdue:
            watch.raising(known, None)
        rest = watch.rest()
    except BaseException:
        rest = 0.0
        raise
    finally:
        if signal.getsignal(known) == handler:
            signal.setitimer(signal.ITIMER_REAL, rest)
            signal.signal(known, before)


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Let no alarm come while the code inside runs: its time is no item's."""
    left = signal.setitimer(signal.ITIMER_REAL, 0)[0] if hasattr(signal, "setitimer") else 0.0
    try:
        yield
    finally:
        if left:
            signal.setitimer(signal.ITIMER_REAL, left)


class _Watch:
    """Looks at each alarm whom it is for: the awaited body, or one that holds the thread."""

    def __init__(
        self,
        engine: Engine,
        item: pytest.Item,
        body: Body,
        items: Mapping[Recorder, pytest.Item],
        raising: Any,
    ) -> None:
        self._engine, self._body, self._items = engine, body, items
        #: What stood there: it raises.
        self.raising = raising
        allowed = item.stash.get(TIMEOUT, None)
        #: Whether the body is over, and took longer than it may before its turn came.
        self.is_overdue = (
            body.is_done and body.fault is None and allowed is not None and body.spent > allowed
        )
        self._allowed = math.inf if allowed is None else allowed
        self._owed = -engine.work.held_up(body)
        self._spent, self._left_first = engine.work.spent(body), math.inf
        self._due = math.inf

    def begin(self) -> None:
        """Take what the body used up before its turn from the alarm that is set."""
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        if not left:
            return
        if self._spent and not self._body.is_done:
            left = max(_SOON, min(left, self._allowed - self._spent))
            signal.setitimer(signal.ITIMER_REAL, left)
        self._left_first, self._due = left, time.monotonic() + left

    def rest(self) -> float:
        """Return the seconds left for the item's teardown; 0 where no alarm was set.

        The turn may have taken longer than the body: others used it, too.
        """
        used = self._engine.work.spent(self._body) - self._spent
        return 0.0 if self._left_first == math.inf else max(_AGAIN, self._left_first - used)

    def ring(self, number: int, frame: FrameType | None) -> None:
        """Take an alarm: let the right body end by it, and come back for those that are next."""
        __tracebackhide__ = True
        runs = self._engine.work.running()
        other = None if runs is self._body else runs
        left = self._left(other)
        left_of_other = math.inf if other is None else self._left_of(other)
        # What is raised may get lost, in a callback of the interpreter's: so it will ring again.
        self._set(max(_SOON, min(one if one > _SOON else _AGAIN for one in (left, left_of_other))))
        fault = None if min(left, left_of_other) >= _SOON else self._fault(number, frame)
        if fault is None:
            return  # Somebody has time left, or is looked at with a debugger.
        if left < _SOON:
            if runs is self._body:
                self._engine.work.fail(self._body, fault)
            self._due = math.inf
            self._engine.interrupt(fault)
        if other is not None and left_of_other < _SOON:
            words = f"Timeout (>{_allowed(self._items[other.notebook])}s) from pytest-timeout."
            self._engine.work.fail(other, pytest.fail.Exception(words))

    def _fault(self, number: int, frame: FrameType | None) -> BaseException | None:
        """Return what pytest-timeout raises; None where a debugger is at work."""
        try:
            self.raising(number, frame)
        except BaseException as fault:
            return fault
        return None

    def _left(self, other: Body | None) -> float:
        """Return the seconds left to the awaited body; what *other* kept from it is given back."""
        if self._body.is_done:
            return math.inf
        if other is not None:
            held_up = self._engine.work.held_up(self._body)
            self._due, self._owed = self._due + self._owed + held_up, -held_up
        return self._due - time.monotonic()

    def _left_of(self, other: Body) -> float:
        allowed = _allowed(self._items.get(other.notebook))
        return math.inf if allowed is None else allowed - self._engine.work.spent(other)

    def _set(self, seconds: float) -> None:
        if seconds < math.inf:
            signal.setitimer(signal.ITIMER_REAL, seconds)


def _allowed(item: pytest.Item | None) -> float | None:
    """Return how long an item may take whose turn is still to come; None where that is unknown."""
    plugin = sys.modules.get("pytest_timeout")
    if item is None or plugin is None:
        return None
    try:
        settings = plugin._get_item_settings(item)
        return float(settings.timeout) if settings.method == "signal" else None
    except Exception:  # A mark that pytest-timeout will refuse, or a version that is not known.
        return None


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
