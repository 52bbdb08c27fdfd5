"""Live streams on their way to the application: timed, gathered, and kept before they end.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from pytest_ailoop import recorder
from pytest_ailoop.calling.exchange import Exchange
from pytest_ailoop.calling.limits.deadlines import plug_of

__all__ = ["Watched", "async_tee_of", "is_final", "tee_of", "waits"]

# The last event of a stream, after which clients stop reading, some without waiting for the end.
_FINAL = re.compile(
    rb"(?:^|[\r\n])(?:data: ?\[DONE\]|event: ?(?:message_stop|"
    rb"response\.(?:completed|failed|incomplete))\r?\ndata:[^\r\n]*)[\r\n]"
)
# The model had finished; what may follow counts tokens.
_FINISHED = re.compile(rb'"finish_reason": ?"')


def is_final(body: bytes | bytearray, start: int = 0) -> bool:
    """Return whether the stream so far holds its protocol's last event, from *start* on."""
    return _FINAL.search(body, start) is not None


class Watched:
    """A live stream on its way to the application: timed, gathered, and kept before it ends."""

    def __init__(
        self, response: Any, exchange: Exchange, unpack: Callable[[Any, bytes], bytes]
    ) -> None:
        self.source = response.stream
        self._response, self._exchange, self._unpack = response, exchange, unpack
        self._body = bytearray()
        self._first: float | None = None
        #: The piece to hand on next; None at the end.
        self.piece: bytes | None = None
        self._kept = -1
        self._settled = False
        self._plain = not response.headers.get("content-encoding")

    def waits(self) -> contextlib.AbstractContextManager[None]:
        """Return what to wait for a piece inside of: it is cut at the deadline."""
        return waits(self._exchange, self._response)

    def awaits(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Do as `waits` for an async stream."""
        deadline = self._exchange.deadline
        return contextlib.nullcontext() if deadline is None else deadline.awaited()

    def take(self, piece: bytes | None) -> None:
        """Take a piece before the application gets it; with the last event the reply is kept."""
        self.piece = piece
        if piece is None:
            return
        if self._first is None:
            self._first = self._exchange.elapsed
            if self._exchange.deadline is not None:
                self._exchange.deadline.begun()
        event = max(0, self._body.rfind(b"\n\n"))
        self._body += piece
        if self._plain and not self._settled and is_final(self._body, event):
            self._keep()

    def ended(self) -> None:
        """All was read."""
        if len(self._body) > self._kept:
            self._keep()

    def broke(self, error: Exception) -> None:
        """The connection broke; after the last event nothing is lost by it."""
        if not self._settled:
            self._settled = True
            self._exchange.failed(error)

    def closed(self) -> None:
        """The application is done, perhaps early."""
        if self._settled:
            return
        body = self._unpacked()
        if is_final(body) or _FINISHED.search(body):
            self._keep()
            return
        self._settled = True
        kind = self._response.headers.get("content-type", "")
        self._exchange.abandoned(self._response.status_code, kind, body, self._first)

    def _keep(self) -> None:
        again, self._settled, self._kept = self._settled, True, len(self._body)
        kind = self._response.headers.get("content-type", "")
        body = self._unpacked()
        self._exchange.answered(self._response.status_code, kind, body, self._first, again=again)

    def _unpacked(self) -> bytes:
        try:
            return self._unpack(self._response, bytes(self._body))
        except Exception:  # Cut short in the middle of a packed block.
            return b""


def waits(exchange: Exchange, response: Any) -> contextlib.AbstractContextManager[None]:
    """Return what to wait for bytes of *response* inside of: it is cut at the deadline."""
    deadline = exchange.deadline
    return contextlib.nullcontext() if deadline is None else deadline.waited(plug_of(response))


def tee_of(module: Any) -> Any:
    """Return the class of watched streams of *module* (httpx2 or httpx)."""

    class Tee(Watched, module.SyncByteStream):  # type: ignore[misc]
        def begin(self) -> None:
            try:
                self._source = iter(self.source)
                self._pull()
            except BaseException:
                self.source.close()
                raise

        def _pull(self) -> None:
            with recorder.away(), self.waits():
                self.take(next(self._source, None))

        def __iter__(self) -> Iterator[bytes]:
            try:
                while (piece := self.piece) is not None:
                    yield piece
                    self._pull()
            except Exception as error:
                self.broke(error)
                raise
            self.ended()

        def close(self) -> None:
            try:
                self.source.close()
            finally:
                self.closed()

    return Tee


def async_tee_of(module: Any) -> Any:
    """Do as `tee_of` for async streams."""

    class AsyncTee(Watched, module.AsyncByteStream):  # type: ignore[misc]
        async def begin(self) -> None:
            try:
                self._source = aiter(self.source)
                await self._pull()
            except BaseException:
                await self.source.aclose()
                raise

        async def _pull(self) -> None:
            async with self.awaits():
                self.take(await anext(self._source, None))

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                while (piece := self.piece) is not None:
                    yield piece
                    await self._pull()
            except Exception as error:
                self.broke(error)
                raise
            self.ended()

        async def aclose(self) -> None:
            try:
                await self.source.aclose()
            finally:
                self.closed()

    return AsyncTee
