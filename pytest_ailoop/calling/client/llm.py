"""A model client bound to a variant: `reply = await llm(...)`.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pytest_ailoop.calling.client.bound import Bound
from pytest_ailoop.calling.client.closing import close_clients
from pytest_ailoop.calling.client.connections import async_client
from pytest_ailoop.calling.client.lean import is_open, lean_of
from pytest_ailoop.calling.client.request import PromptLike
from pytest_ailoop.calling.client.streams import AsyncTextStream
from pytest_ailoop.calling.client.turn import Turn
from pytest_ailoop.data.reply import Reply

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from pydantic import BaseModel

__all__ = ["LLM"]

M = TypeVar("M", bound="BaseModel")


class LLM(Bound):
    """Asks one model, async. What the call says wins over variant, prompt file and model.

    *prompt* is a text, a list of chat messages or `prompt.render(...)`. *tools* are OpenAI tool
    dicts, pydantic models or functions. *output* is a pydantic model class: `reply.parsed` is its
    instance, or None with the reason in `reply.parse_error`. *logprobs* is True or the number of
    alternatives per token. Further keywords are parameters of chat completions; None takes one
    of a lower layer back out. Raises `ReplyError` where no usable reply came, `UsageError` where
    the call is written wrong.
    """

    @property
    def client(self) -> AsyncOpenAI:
        """An openai client for the model's server, shared by all that ask it on this loop.

        Once it was asked for, this `llm` sends through it alone.
        """
        self._handed_out = True
        return self._client()

    def _client(self) -> AsyncOpenAI:
        return async_client(self.spec, allow_no_key=self._allow_no_key)

    @overload
    async def __call__(
        self,
        prompt: PromptLike,
        *,
        output: type[M],
        tools: Sequence[Any] | None = None,
        logprobs: bool | int | None = None,
        **parameters: Any,
    ) -> Reply[M]: ...

    @overload
    async def __call__(
        self,
        prompt: PromptLike,
        *,
        output: None = None,
        tools: Sequence[Any] | None = None,
        logprobs: bool | int | None = None,
        **parameters: Any,
    ) -> Reply[Any]: ...

    async def __call__(
        self,
        prompt: PromptLike,
        *,
        output: Any = None,
        tools: Sequence[Any] | None = None,
        logprobs: bool | int | None = None,
        **parameters: Any,
    ) -> Reply[Any]:
        """Return the model's reply."""
        __tracebackhide__ = True
        turn = self._turn(
            self._asked(prompt, output=output, tools=tools, logprobs=logprobs, call=parameters)
        )
        with turn.attributed():
            completion = await self._completion(turn)
        if turn.fault is not None:
            raise turn.fault
        return turn.whole(completion)

    @overload
    def stream(
        self,
        prompt: PromptLike,
        *,
        output: type[M],
        tools: Sequence[Any] | None = None,
        logprobs: bool | int | None = None,
        **parameters: Any,
    ) -> AsyncTextStream[M]: ...

    @overload
    def stream(
        self,
        prompt: PromptLike,
        *,
        output: None = None,
        tools: Sequence[Any] | None = None,
        logprobs: bool | int | None = None,
        **parameters: Any,
    ) -> AsyncTextStream[Any]: ...

    def stream(
        self,
        prompt: PromptLike,
        *,
        output: Any = None,
        tools: Sequence[Any] | None = None,
        logprobs: bool | int | None = None,
        **parameters: Any,
    ) -> AsyncTextStream[Any]:
        """Return the reply as it comes: `async for delta in llm.stream(...)`, then `.reply`."""
        how = {"output": output, "tools": tools, "logprobs": logprobs, "call": parameters}
        asked = self._asked(prompt, stream=True, **how)
        return AsyncTextStream(lambda: self._turn(asked), self._send)

    async def _completion(self, turn: Turn[Any]) -> Any:
        lean = lean_of(self.spec, turn.asked.body)
        if lean is None:
            return await self._send(turn)
        if self._handed_out or not is_open(blocking=False):
            found = lean.recalled()
        else:
            found = await lean.ask_async(allow_no_key=self._allow_no_key)
        return await self._send(turn) if found is None else turn.took(found)

    async def _send(self, turn: Turn[Any]) -> Any:
        return await self._client().chat.completions.create(**turn.asked.body)

    async def aclose(self) -> None:
        """Close the connections of this loop's clients; the next call opens new ones."""
        await close_clients(blocking=False)
