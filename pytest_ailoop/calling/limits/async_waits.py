"""Waiting for one's turn in a coroutine.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable

from pytest_ailoop.calling.limits.gate import Limits
from pytest_ailoop.calling.limits.lane import Lane, Ticket

__all__ = ["clock", "enter_async", "pause_async"]

# While somebody on that loop waits.
_tickers: dict[tuple[asyncio.AbstractEventLoop, Limits], _Ticker] = {}


async def enter_async(
    limits: Limits,
    lane: Lane,
    *,
    tokens: float = 0.0,
    number: int | None = None,
    item: object = None,
) -> Ticket:
    """Return a granted ticket; raises `LimitError` where asking is of no use."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # Another library's loop.
        return await _enter_elsewhere(limits, lane, tokens, number, item)
    turn = _Turn(loop)
    ticket = limits.ask(lane, turn.wake, loop.is_running, tokens=tokens, number=number, item=item)
    if ticket.granted:
        return ticket
    try:
        with _ticker(loop, limits):
            await turn.come()
        if ticket.fault is not None:
            raise ticket.fault
    except BaseException:
        limits.leave(ticket)
        raise
    return ticket


class _Turn:
    """A waiter on one loop, to be woken from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._future = loop.create_future()
        self._thread = threading.get_ident()

    def come(self) -> Awaitable[None]:
        return self._future

    def wake(self) -> None:
        if threading.get_ident() == self._thread:
            self._set()
        else:
            with contextlib.suppress(RuntimeError):  # Closed.
                self._loop.call_soon_threadsafe(self._set)

    def _set(self) -> None:
        if not self._future.done():
            self._future.set_result(None)


class _Ticker:
    """Looks at the gate from time to time while somebody on a loop waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        self._loop, self._limits = loop, limits
        self._waiters = 0
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._waiters += 1
        if self._timer is None:
            self._tick()

    def __exit__(self, *_: object) -> None:
        self._waiters -= 1
        if not self._waiters and self._timer is not None:
            self._timer.cancel()
            del _tickers[self._loop, self._limits]

    def _tick(self) -> None:
        self._timer = self._loop.call_later(self._limits.pump(), self._tick)


def _ticker(loop: asyncio.AbstractEventLoop, limits: Limits) -> _Ticker:
    found = _tickers.get((loop, limits))
    if found is None:
        found = _tickers[loop, limits] = _Ticker(loop, limits)
    return found


def clock() -> Callable[[], float]:
    """Return the clock to time a call by: that of the running loop, which may stand still."""
    try:
        return asyncio.get_running_loop().time
    except RuntimeError:
        return time.perf_counter


async def pause_async(seconds: float) -> None:
    """Sleep on whatever loop runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        await _sleep_elsewhere(seconds)
    else:
        await asyncio.sleep(seconds)


async def _enter_elsewhere(
    limits: Limits, lane: Lane, tokens: float, number: int | None, item: object
) -> Ticket:
    ticket = limits.ask(lane, _nothing, tokens=tokens, number=number, item=item)
    try:
        while not ticket.granted:
            if ticket.fault is not None:
                raise ticket.fault
            await _sleep_elsewhere(limits.pump())
    except BaseException:
        limits.leave(ticket)
        raise
    return ticket


def _nothing() -> None:
    pass


async def _sleep_elsewhere(seconds: float) -> None:
    import anyio

    await anyio.sleep(seconds)
