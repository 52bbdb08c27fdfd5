"""`/chat/completions`, as OpenAI defined it and most servers speak it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_ailoop.calling.parse.shapes import (
    Answer,
    Api,
    Object,
    arguments,
    as_text,
    block,
    content_text,
    count,
    items,
    obj,
    tool_line,
)
from pytest_ailoop.data.call import Usage

__all__ = ["CHAT", "answer", "calls_of", "join", "prompt", "usage_of"]


def prompt(request: Object) -> str:
    """Return the messages as `role: text` blocks, tool calls and results included."""
    return "\n".join(map(_message, items(request.get("messages"))))


def _message(message: Any) -> str:
    parts = [content_text(obj(message).get("content"))]
    parts += map(tool_line, calls_of(obj(message)))
    return block(obj(message).get("role"), "\n".join(filter(None, parts)))


def calls_of(message: Object) -> tuple[dict[str, Any], ...]:
    """Return a message's tool calls as `{"name", "arguments"}`, arguments parsed."""
    functions = [_function(call) for call in items(message.get("tool_calls"))]
    legacy = obj(message.get("function_call"))
    if legacy:
        functions.append(legacy)
    return tuple(
        {"name": as_text(one.get("name")) or "", "arguments": arguments(one.get("arguments"))}
        for one in functions
    )


def _function(call: Any) -> Object:
    custom = obj(obj(call).get("custom"))
    if custom:
        return {"name": custom.get("name"), "arguments": custom.get("input")}
    return obj(obj(call).get("function"))


def usage_of(usage: Object) -> Usage:
    """Return the tokens of a `usage` object, of the chat and the legacy API alike."""
    asked = obj(usage.get("prompt_tokens_details"))
    told = obj(usage.get("completion_tokens_details"))
    return Usage(
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        cached_input_tokens=count(asked.get("cached_tokens")),
        reasoning_tokens=count(told.get("reasoning_tokens")),
        cache_write_tokens=count(asked.get("cache_write_tokens")),
    )


def answer(reply: Object) -> Answer:
    """Return the reply's facts; the words of several choices stand below each other."""
    choices = [obj(choice) for choice in items(reply.get("choices"))]
    messages = [obj(choice.get("message")) for choice in choices]
    words = [
        content_text(message.get("content")) or as_text(message.get("refusal")) or ""
        for message in messages
    ]
    return Answer(
        model=as_text(reply.get("model")),
        finish_reason=as_text(choices[0].get("finish_reason")) if choices else None,
        usage=usage_of(obj(reply.get("usage"))),
        text="\n".join(words),
        tool_calls=tuple(call for message in messages for call in calls_of(message)),
    )


class _Choice:
    """One choice while its deltas come in."""

    def __init__(self) -> None:
        self.content: list[str] = []
        self.refusal: list[str] = []
        self.logprobs: list[Any] = []
        self.finish_reason: str | None = None
        self.calls: list[dict[str, Any]] = []
        self.by_index: dict[int, dict[str, Any]] = {}

    def add(self, choice: Object) -> None:
        delta = obj(choice.get("delta"))
        for name, into in (("content", self.content), ("refusal", self.refusal)):
            text = as_text(delta.get(name))
            if text:
                into.append(text)
        for fragment in items(delta.get("tool_calls")):
            self._add_call(obj(fragment))
        self.logprobs += items(obj(choice.get("logprobs")).get("content"))
        self.finish_reason = as_text(choice.get("finish_reason")) or self.finish_reason

    def _add_call(self, fragment: Object) -> None:
        """Put a fragment to its call; a server that gives no index opens one with each id."""
        function, index = obj(fragment.get("function")), count(fragment.get("index"))
        call = self.by_index.get(index) if index is not None else None
        if call is None and index is None and self.calls and not fragment.get("id"):
            call = self.calls[-1]
        if call is None:
            call = {"id": None, "type": "function", "function": {"name": "", "arguments": ""}}
            self.calls.append(call)
            if index is not None:
                self.by_index[index] = call
        call["id"] = call["id"] or as_text(fragment.get("id"))
        for name in ("name", "arguments"):
            call["function"][name] += as_text(function.get(name)) or ""

    def plain(self, index: int) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(self.content) if self.content else None,
            "refusal": "".join(self.refusal) if self.refusal else None,
        }
        if self.calls:
            message["tool_calls"] = self.calls
        logprobs = {"content": self.logprobs} if self.logprobs else None
        return {
            "index": index,
            "message": message,
            "finish_reason": self.finish_reason,
            "logprobs": logprobs,
        }


def join(events: Iterable[Object]) -> Object:
    """Return the chunks of a stream as the completion they make."""
    whole: dict[str, Any] = {}
    choices: dict[int, _Choice] = {}
    for event in events:
        for name in ("id", "model", "usage", "error"):
            if event.get(name):
                whole[name] = event[name]
        for choice in map(obj, items(event.get("choices"))):
            choices.setdefault(count(choice.get("index")) or 0, _Choice()).add(choice)
    whole["choices"] = [choices[index].plain(index) for index in sorted(choices)]
    return whole


CHAT = Api(prompt, join, answer)
