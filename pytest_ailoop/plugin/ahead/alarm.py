"""Signals that cut an item off hit that item, whichever body runs at the moment.

pytest-timeout's handler raises wherever the main thread is; while bodies run side by side, that may
be inside another item's. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from pytest_ailoop.scheduling.body import Body
from pytest_ailoop.scheduling.engine import Engine

__all__ = ["guarded", "note_timeout"]

_TIMEOUT = pytest.StashKey[float]()


def note_timeout(item: pytest.Item, seconds: float) -> None:
    """Keep how long *item* may take, as pytest-timeout knows it."""
    item.stash[_TIMEOUT] = seconds


@contextlib.contextmanager
def guarded(engine: Engine, item: pytest.Item, body: Body) -> Iterator[None]:
    """Let an alarm end *body* alone while the code inside drives others, too.

    The time that it ran before its turn counts.
    """
    known = getattr(signal, "SIGALRM", None)
    before = None if known is None else signal.getsignal(known)
    if known is None or not callable(before) or not _in_main_thread():
        yield
        return
    raising: Any = before

    def handler(number: int, frame: FrameType | None) -> None:
        __tracebackhide__ = True
        try:
            raising(number, frame)
        except BaseException as fault:
            if engine.runs_now(body):
                raise
            engine.interrupt(fault)

    signal.signal(known, handler)
    _shorten(item, engine.spent(body))
    try:
        yield
    finally:
        if signal.getsignal(known) is handler:
            signal.signal(known, before)


def _shorten(item: pytest.Item, spent: float) -> None:
    """Take what the body used up before its turn from the alarm that is set."""
    allowed = item.stash.get(_TIMEOUT, None)
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    if allowed is not None and spent and left:
        # Even where nothing is left, the alarm must come: at once.
        signal.setitimer(signal.ITIMER_REAL, max(1e-6, min(left, allowed - spent)))


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
