"""Replies as a transport returns them: stored ones made anew, live ones watched as they pass.

Works with the classes of httpx2 or httpx, whichever the patched transport came with.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from pytest_ailoop import recorder
from pytest_ailoop.calling.conduct import Answer
from pytest_ailoop.calling.exchange import Exchange
from pytest_ailoop.calling.stored import StoredReply, is_stream

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
            def __iter__(self) -> Iterator[bytes]:
                pieces = iter(self.source)
                try:
                    while (piece := _next(pieces)) is not None:
                        self.passed(piece)
                        yield piece
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
            async def __aiter__(self) -> AsyncIterator[bytes]:
                try:
                    async for piece in self.source:
                        self.passed(piece)
                        yield piece
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
        return self.replay(found) if isinstance(found, StoredReply) else found.response

    def watch(self, response: Any, exchange: Exchange) -> Any:
        """Return *response*, read whole and kept; a stream is kept while the application reads."""
        if self._streams(response):
            response.stream = self._tee(response, exchange, self)
        else:
            try:
                body = b"".join(response.stream)
            finally:
                response.stream.close()
            self._keep(response, exchange, body)
        return response

    async def watch_async(self, response: Any, exchange: Exchange) -> Any:
        """Do as `watch` for an async transport."""
        if self._streams(response):
            response.stream = self._async_tee(response, exchange, self)
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
        self._kept = -1
        self._settled = False
        self._plain = not response.headers.get("content-encoding")

    def passed(self, piece: bytes) -> None:
        """Take a piece before the application gets it; with the last event the reply is kept."""
        if self._first is None:
            self._first = self._exchange.elapsed
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


def _next(pieces: Iterator[bytes]) -> bytes | None:
    """Return the next piece off the network, None at the end; other items run on meanwhile."""
    with recorder.away():
        return next(pieces, None)
