"""Streams of text: iterate to the end, then read `.reply`. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from pytest_ailoop.calling.client.turn import Turn
from pytest_ailoop.data.reply import Reply
from pytest_ailoop.errors import UsageError

__all__ = ["AsyncTextStream", "TextStream"]

T = TypeVar("T")


class _Stream(Generic[T]):
    def __init__(self, turn: Callable[[], Turn[T]]) -> None:
        self._begin = turn
        self._turn: Turn[T] | None = None
        self._source: Any = None
        self._reply: Reply[T] | None = None

    @property
    def reply(self) -> Reply[T]:
        """The whole reply, once the stream was read to its end; `UsageError` before that."""
        if self._reply is None:
            raise UsageError(
                "`.reply` of a stream is known after its last delta; read it to the end"
            )
        return self._reply

    def _started(self) -> Turn[T]:
        # The clock runs from the first read: that is when the request is sent.
        if self._turn is None:
            self._turn = self._begin()
        return self._turn


class AsyncTextStream(_Stream[T]):
    """`async for delta in stream` gives pieces of text; `stream.reply` the whole after them."""

    def __init__(
        self, turn: Callable[[], Turn[T]], send: Callable[[Turn[T]], Awaitable[Any]]
    ) -> None:
        super().__init__(turn)
        self._send = send

    def __aiter__(self) -> AsyncTextStream[T]:
        return self

    async def __anext__(self) -> str:
        __tracebackhide__ = True
        turn = self._started()
        with turn.attributed():
            text = await self._next(turn)
        if turn.fault is not None:
            raise turn.fault
        if text is None:
            raise StopAsyncIteration
        return text

    async def _next(self, turn: Turn[T]) -> str | None:
        """Return the next text that is not empty, None at the end."""
        if self._reply is not None:
            return None
        if self._source is None:
            self._source = await self._send(turn)
        async for chunk in _Rest(self._source):
            text = turn.take(chunk)
            if text:
                return text
        self._reply = turn.streamed()
        return None

    async def aclose(self) -> None:
        """Give the connection back without reading on."""
        if self._source is not None:
            await self._source.close()


class _Rest:
    """What is left of an async iterator; a bare loop over openai's would start a generator anew."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def __aiter__(self) -> _Rest:
        return self

    async def __anext__(self) -> Any:
        return await self._source.__anext__()


class TextStream(_Stream[T]):
    """`for delta in stream` gives pieces of text; `stream.reply` the whole after them."""

    def __init__(self, turn: Callable[[], Turn[T]], send: Callable[[Turn[T]], Any]) -> None:
        super().__init__(turn)
        self._send = send

    def __iter__(self) -> TextStream[T]:
        return self

    def __next__(self) -> str:
        __tracebackhide__ = True
        turn = self._started()
        with turn.attributed():
            text = self._next(turn)
        if turn.fault is not None:
            raise turn.fault
        if text is None:
            raise StopIteration
        return text

    def _next(self, turn: Turn[T]) -> str | None:
        """Return the next text that is not empty, None at the end."""
        if self._reply is not None:
            return None
        if self._source is None:
            self._source = self._send(turn)
        while (chunk := next(self._source, None)) is not None:
            text = turn.take(chunk)
            if text:
                return text
        self._reply = turn.streamed()
        return None

    def close(self) -> None:
        """Give the connection back without reading on."""
        if self._source is not None:
            self._source.close()
