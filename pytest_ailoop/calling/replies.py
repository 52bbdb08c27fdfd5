"""Replies as a transport returns them: stored ones made anew, live ones watched as they pass.

Works with the classes of httpx2 or httpx, whichever the patched transport came with.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from pytest_ailoop.calling.conduct import Answer
from pytest_ailoop.calling.exchange import Exchange
from pytest_ailoop.calling.stored import StoredReply, is_stream
from pytest_ailoop.calling.watched import async_tee_of, tee_of, waits
from pytest_ailoop.errors import LimitError

__all__ = ["Wire"]


class Wire:
    """Makes and wraps responses with the classes of *module* (httpx2 or httpx)."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self._pieces = _pieces_of(module)
        self._tee, self._async_tee = tee_of(module), async_tee_of(module)

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
            response.stream = tee = self._tee(response, exchange, self.unpacked)
            tee.begin()
        else:
            try:
                with waits(exchange, response):
                    body = b"".join(response.stream)
            finally:
                response.stream.close()
            self._keep(response, exchange, body)
        return response

    async def watch_async(self, response: Any, exchange: Exchange) -> Any:
        """Do as `watch` for an async transport."""
        if self._streams(response):
            response.stream = tee = self._async_tee(response, exchange, self.unpacked)
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


def _pieces_of(module: Any) -> Any:
    class Pieces(module.SyncByteStream, module.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, pieces: list[bytes]) -> None:
            self._pieces = pieces

        def __iter__(self) -> Iterator[bytes]:
            yield from self._pieces

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in self._pieces:
                yield piece

    return Pieces
