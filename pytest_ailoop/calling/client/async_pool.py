"""Connections to one server on one event loop. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import Any

from pytest_ailoop.calling.client.http1 import (
    Dialogue,
    Headers,
    NoAnswer,
    NoConnection,
    Origin,
    RawReply,
)
from pytest_ailoop.calling.client.pool import newest

__all__ = ["AsyncPool"]


class _Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._dialogue = Dialogue()
        self._transport: Any = None
        self._reply: asyncio.Future[RawReply] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = 0.0
        self.since = 0.0
        self.closed = loop.create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        self._take(data)

    def eof_received(self) -> None:
        self._take(b"")

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            self._fail(NoConnection(str(error) or type(error).__name__))
        else:
            self._take(b"")
            self._fail(NoConnection("Server disconnected without sending a response."))
        if not self.closed.done():
            self.closed.set_result(None)

    def _take(self, data: bytes) -> None:
        waiting = self._reply
        if waiting is None or waiting.done():  # Said unasked: seen as stale before its next use.
            return
        try:
            reply = self._dialogue.take(data)
        except NoConnection as error:
            self._fail(error)
        else:
            if reply is not None:
                waiting.set_result(reply)

    def _fail(self, error: Exception) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error)

    async def ask(
        self, target: bytes, headers: Headers, body: bytes, timeout: float | None
    ) -> RawReply:
        data = self._dialogue.ask(target, headers, body)
        self._reply = self._loop.create_future()
        self._heard = self._loop.time()
        if timeout is not None:
            self._timer = self._loop.call_later(timeout, self._look, timeout)
        self._transport.write(data)
        try:
            return await self._reply
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _look(self, timeout: float) -> None:
        """Give up after a silence of *timeout* seconds; else look again when it would be over."""
        left = self._heard + timeout - self._loop.time()
        if left <= 0:
            self._fail(NoAnswer("the reply did not come in time"))
        else:
            self._timer = self._loop.call_later(left, self._look, timeout)

    def rests(self) -> bool:
        self._reply = None
        self.since = time.monotonic()
        return self._dialogue.rests() and not self._transport.is_closing()

    def fileno(self) -> int:
        if self._transport.is_closing():
            return -1
        number: int = self._transport.get_extra_info("socket").fileno()
        return number

    def drop(self) -> None:
        self._transport.abort()


class AsyncPool:
    """Connections of the running event loop, as many as calls are in flight at once."""

    def __init__(self, origin: Origin, tls: Any = None) -> None:
        """Lead to *origin*, with the TLS context *tls* where it asks for one."""
        self._origin, self._tls = origin, tls
        self._loop = asyncio.get_running_loop()
        self._resting: deque[_Connection] = deque()
        self._made: set[_Connection] = set()

    async def ask(
        self, target: bytes, headers: Headers, body: bytes, timeout: float | None
    ) -> RawReply:
        """Return the reply to one POST.

        *timeout* is the longest silence, in seconds; None waits for ever. Raises `NoConnection` and
        `NoAnswer`.
        """
        connection = newest(self._resting) or await self._open(timeout)
        kept = False
        try:
            reply = await connection.ask(target, headers, body, timeout)
            kept = connection.rests()
        finally:
            if kept:
                self._resting.append(connection)
            else:
                connection.drop()
        return reply

    async def _open(self, timeout: float | None) -> _Connection:
        loop, origin = self._loop, self._origin
        how: dict[str, Any] = {"ssl": self._tls} if self._tls is not None else {}
        if isinstance(loop, asyncio.BaseEventLoop):  # uvloop has no such thing.
            how["happy_eyeballs_delay"] = 0.25
        try:
            async with asyncio.timeout(timeout):
                _, made = await loop.create_connection(
                    lambda: _Connection(loop), origin.host, origin.port, **how
                )
        except TimeoutError as error:
            raise NoAnswer("the connection was not made in time") from error
        except Exception as error:  # A tool that bars the network raises what it likes.
            raise NoConnection(str(error)) from error
        self._made.add(made)
        made.closed.add_done_callback(lambda _: self._made.discard(made))
        return made

    async def aclose(self) -> None:
        """Close all connections, and return when they are."""
        self._resting.clear()
        left = list(self._made)
        for connection in left:
            connection.drop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                for connection in left:
                    await connection.closed
