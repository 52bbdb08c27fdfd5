"""Replies as a transport returns them: stored ones made anew, live ones watched as they pass.

Works with the classes of httpx2 or httpx, whichever the patched transport came with.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from pytest_ailoop import recorder
from pytest_ailoop.calling.conduct import Answer
from pytest_ailoop.calling.exchange import Exchange
from pytest_ailoop.calling.limits.deadlines import plug_of
from pytest_ailoop.calling.stored import StoredReply, is_stream
from pytest_ailoop.errors import LimitError

__all__ = ["Wire", "is_final"]

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


class Wire:
    """Makes and wraps responses with the classes of *module* (httpx2 or httpx)."""

    def __init__(self, module: Any) -> None:
        self.module = module

        class Pieces(module.SyncByteStream, module.AsyncByteStream):  # type: ignore[misc]
            def __init__(self, pieces: list[bytes]) -> None:
                self._pieces = pieces

            def __iter__(self) -> Iterator[bytes]:
                yield from self._pieces

            async def __aiter__(self) -> AsyncIterator[bytes]:
                for piece in self._pieces:
                    yield piece

        class Tee(_Watched, module.SyncByteStream):  # type: ignore[misc]
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

        class AsyncTee(_Watched, module.AsyncByteStream):  # type: ignore[misc]
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

        self._pieces, self._tee, self._async_tee = Pieces, Tee, AsyncTee

    def replay(self, stored: StoredReply) -> Any:
        """Return the response that hands out *stored* piece by piece."""
        headers = [("content-type", stored.content_type)] if stored.content_type else []
        stream = self._pieces(stored.pieces)
        return self.module.Response(stored.status, headers=headers, stream=stream)

    def answer(self, response: Any) -> Answer:
        """Return *response* as what an attempt brought."""
        return Answer(status=response.status_code, headers=response.headers, response=response)

    def response(self, found: Answer | StoredReply) -> Any:
        """Return the response to hand to the client for what a call brought."""
        if isinstance(found, StoredReply):
            return self.replay(found)
        if found.status >= 400:
            # It was tried again as often as it is of use: the client need not.
            found.response.headers["x-should-retry"] = "false"
        return found.response

    def barred(self, fault: LimitError) -> Any:
        """Return the response of a call that was not made, as clients know them from servers."""
        error = {"message": str(fault), "type": "limit", "code": "not_asked"}
        headers = {"x-should-retry": "false"}
        return self.module.Response(429, headers=headers, json={"error": error})

    def watch(self, response: Any, exchange: Exchange) -> Any:
        """Return *response*, read whole and kept; a stream is kept while the application reads."""
        if self._streams(response):
            response.stream = tee = self._tee(response, exchange, self)
            tee.begin()
        else:
            try:
                with _waits(exchange, response):
                    body = b"".join(response.stream)
            finally:
                response.stream.close()
            self._keep(response, exchange, body)
        return response

    async def watch_async(self, response: Any, exchange: Exchange) -> Any:
        """Do as `watch` for an async transport."""
        if self._streams(response):
            response.stream = tee = self._async_tee(response, exchange, self)
            await tee.begin()
        else:
            try:
                body = b"".join([piece async for piece in response.stream])
            finally:
                await response.stream.aclose()
            self._keep(response, exchange, body)
        return response

    def _streams(self, response: Any) -> bool:
        return response.status_code < 300 and is_stream(response.headers.get("content-type", ""))

    def _keep(self, response: Any, exchange: Exchange, body: bytes) -> None:
        # The application gets the very bytes of the wire, packed as they were.
        response.stream = self._pieces([body])
        kind = response.headers.get("content-type", "")
        exchange.answered(response.status_code, kind, self.unpacked(response, body))

    def unpacked(self, response: Any, body: bytes) -> bytes:
        """Return *body* without its content encoding (gzip, br, ...)."""
        encoding = response.headers.get("content-encoding")
        if not encoding or not body:
            return body
        whole = self.module.Response(200, headers={"content-encoding": encoding}, content=body)
        return bytes(whole.content)


class _Watched:
    """A live stream on its way to the application: timed, gathered, and kept before it ends."""

    def __init__(self, response: Any, exchange: Exchange, wire: Wire) -> None:
        self.source = response.stream
        self._response, self._exchange, self._wire = response, exchange, wire
        self._body = bytearray()
        self._first: float | None = None
        #: The piece to hand on next; None at the end.
        self.piece: bytes | None = None
        self._kept = -1
        self._settled = False
        self._plain = not response.headers.get("content-encoding")

    def waits(self) -> contextlib.AbstractContextManager[None]:
        """Return what to wait for a piece inside of: it is cut at the deadline."""
        return _waits(self._exchange, self._response)

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
            return self._wire.unpacked(self._response, bytes(self._body))
        except Exception:  # Cut short in the middle of a packed block.
            return b""


def _waits(exchange: Exchange, response: Any) -> contextlib.AbstractContextManager[None]:
    deadline = exchange.deadline
    return contextlib.nullcontext() if deadline is None else deadline.waited(plug_of(response))
