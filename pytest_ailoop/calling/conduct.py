"""The way of a live call, from the decision that it must be asked to its answer.

Everything that sends goes through here with a `send` of its own: the patched transports and the
lean client. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pytest_ailoop import recorder
from pytest_ailoop.calling.course import Course
from pytest_ailoop.calling.exchange import Exchange
from pytest_ailoop.calling.limits.waits import enter, pause
from pytest_ailoop.calling.stored import StoredReply
from pytest_ailoop.frozen import dataclass

__all__ = ["Answer", "conduct", "conduct_async", "may_wait_for_others"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one attempt brought, whatever its status."""

    status: int
    """The HTTP status."""
    headers: Mapping[str, str]
    """The reply's headers; looked up by names in lower case."""
    response: Any
    """What the caller hands up: a response of its client, or the bytes."""


async def conduct_async(
    exchange: Exchange, send: Callable[[], Awaitable[Answer]]
) -> Answer | StoredReply:
    """Return what the call of *exchange* brought, or the reply that came in by another call.

    *send* makes one attempt and may be called several times: it sends the request, reads the
    whole body (but for a stream, which the application reads) and tells `exchange.answered`.
    What it raises is told to `exchange.failed` here, and goes up as it is.
    """
    from pytest_ailoop.calling.limits import async_waits  # asyncio is there by now

    __tracebackhide__ = True
    stored = await exchange.join_async()
    if stored is not None:
        return stored
    try:
        course = Course(exchange)
        while True:
            try:
                answer = await _try_async(course, exchange, send)
            except BaseException as error:
                delay = course.failed(error)
                if delay is None:
                    raise
            else:
                delay = course.answered(answer.status, answer.headers)
                if delay is None:
                    return answer
            await async_waits.pause_async(delay)
    finally:
        exchange.settle()


async def _try_async(
    course: Course, exchange: Exchange, send: Callable[[], Awaitable[Answer]]
) -> Answer:
    from pytest_ailoop.calling.limits import async_waits

    __tracebackhide__ = True
    course.before()
    clock = async_waits.clock()
    if course.lane is None:
        course.goes(None, clock)
        return await send()
    limits = exchange.store.limits
    began, known = clock(), len(exchange.item.calls)
    exchange.item.queues(began)
    try:
        ticket = await async_waits.enter_async(
            limits,
            course.lane,
            tokens=course.tokens,
            number=course.number,
            item=exchange.item,
        )
    except BaseException as error:
        if not isinstance(error, Exception):
            # What another call brought meanwhile may be why this one is not wanted any more.
            alone = len(exchange.item.calls) == known
            exchange.given_up(clock() - began, course.lane.name, alone=alone)
        raise
    finally:
        exchange.item.goes_on(clock())
    async with course.goes(ticket, clock).awaited():
        return await send()


def conduct(exchange: Exchange, send: Callable[[], Answer]) -> Answer | StoredReply:
    """Do as `conduct_async` in sync code; other items run on while it waits.

    Nothing of a user's runs inside of *send*.
    """
    __tracebackhide__ = True
    with recorder.away():
        stored = exchange.join(may_wait=may_wait_for_others())
        if stored is not None:
            return stored
        try:
            course = Course(exchange)
            while True:
                try:
                    answer = _try(course, exchange, send)
                except BaseException as error:
                    delay = course.failed(error)
                    if delay is None:
                        raise
                else:
                    delay = course.answered(answer.status, answer.headers)
                    if delay is None:
                        return answer
                if course.lane is not None:
                    pause(exchange.store.limits, course.lane, delay)
        finally:
            exchange.settle()


def _try(course: Course, exchange: Exchange, send: Callable[[], Answer]) -> Answer:
    __tracebackhide__ = True
    course.before()
    if course.lane is None:
        course.goes(None, time.perf_counter)
        return send()
    exchange.item.queues(time.perf_counter())
    try:
        ticket = enter(
            exchange.store.limits,
            course.lane,
            tokens=course.tokens,
            number=course.number,
            item=exchange.item,
            may_wait=may_wait_for_others(),
        )
    finally:
        exchange.item.goes_on(time.perf_counter())
    with course.goes(ticket, time.perf_counter).waited():
        return send()


def may_wait_for_others() -> bool:
    """Return whether sync code may block here until another call ends.

    Not in the main thread and not where an event loop runs: that other call may be on the very
    loop that is then held up. There only time may be waited for.
    """
    if threading.current_thread() is threading.main_thread():
        return False
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False
