"""The blocking twin of `llm`: `reply = llm(...)` in sync tests.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pytest_ailoop.calling.client.bound import Bound
from pytest_ailoop.calling.client.connections import sync_client
from pytest_ailoop.calling.client.lean import is_open, lean_of
from pytest_ailoop.calling.client.request import PromptLike
from pytest_ailoop.calling.client.streams import TextStream
from pytest_ailoop.calling.client.turn import Turn
from pytest_ailoop.data.reply import Reply

if TYPE_CHECKING:
    from openai import OpenAI
    from pydantic import BaseModel

__all__ = ["SyncLLM"]

M = TypeVar("M", bound="BaseModel")


class SyncLLM(Bound):
    """`LLM` for sync test functions: the same arguments, the reply itself comes back.

    It works where an event loop is running too.
    """

    @property
    def client(self) -> OpenAI:
        """An openai client for the model's server, shared by all that ask it.

        Once it was asked for, this `llm` sends through it alone.
        """
        self._handed_out = True
        return self._client()

    def _client(self) -> OpenAI:
        return sync_client(self.spec, allow_no_key=self._allow_no_key)

    @overload
    def __call__(
        self,
        prompt: PromptLike,
        *,
        output: type[M],
        tools: Sequence[Any] | None = None,
        logprobs: bool | int | None = None,
        **parameters: Any,
    ) -> Reply[M]: ...

    @overload
    def __call__(
        self,
        prompt: PromptLike,
        *,
        output: None = None,
        tools: Sequence[Any] | None = None,
        logprobs: bool | int | None = None,
        **parameters: Any,
    ) -> Reply[Any]: ...

    def __call__(
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
            completion = self._completion(turn)
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
    ) -> TextStream[M]: ...

    @overload
    def stream(
        self,
        prompt: PromptLike,
        *,
        output: None = None,
        tools: Sequence[Any] | None = None,
        logprobs: bool | int | None = None,
        **parameters: Any,
    ) -> TextStream[Any]: ...

    def stream(
        self,
        prompt: PromptLike,
        *,
        output: Any = None,
        tools: Sequence[Any] | None = None,
        logprobs: bool | int | None = None,
        **parameters: Any,
    ) -> TextStream[Any]:
        """Return the reply as it comes: `for delta in llm.stream(...)`, then `.reply`."""
        how = {"output": output, "tools": tools, "logprobs": logprobs, "call": parameters}
        asked = self._asked(prompt, stream=True, **how)
        return TextStream(lambda: self._turn(asked), self._send)

    def _completion(self, turn: Turn[Any]) -> Any:
        lean = lean_of(self.spec, turn.asked.body)
        if lean is None:
            return self._send(turn)
        if self._handed_out or not is_open(blocking=True):
            found = lean.recalled()
        else:
            found = lean.ask(allow_no_key=self._allow_no_key)
        return self._send(turn) if found is None else turn.took(found)

    def _send(self, turn: Turn[Any]) -> Any:
        return self._client().chat.completions.create(**turn.asked.body)
