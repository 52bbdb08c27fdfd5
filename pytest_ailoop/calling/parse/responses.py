"""`/responses`, OpenAI's newer API. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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

__all__ = ["RESPONSES"]

_CALLS = ("function_call", "custom_tool_call")


def _prompt(request: Object) -> str:
    return "\n".join(_blocks(request))


def _blocks(request: Object) -> Iterator[str]:
    instructions, asked = as_text(request.get("instructions")), request.get("input")
    if instructions:
        yield block("system", instructions)
    if isinstance(asked, str):
        yield block("user", asked)
    for item in map(obj, items(asked)):
        yield _item(item)


def _item(item: Object) -> str:
    kind = as_text(item.get("type")) or "message"
    if kind in _CALLS:
        return block("assistant", tool_line(_call(item)))
    if kind.endswith("_output"):
        return block("tool", content_text(item.get("output")))
    if kind == "message":
        return block(item.get("role"), content_text(item.get("content")))
    return f"[{kind}]"


def _call(item: Object) -> dict[str, Any]:
    given = item.get("arguments") if "arguments" in item else item.get("input")
    return {"name": as_text(item.get("name")) or "", "arguments": arguments(given)}


def _answer(reply: Object) -> Answer:
    output = [obj(item) for item in items(reply.get("output"))]
    words = [content_text(item.get("content")) for item in output if item.get("type") == "message"]
    reason = as_text(obj(reply.get("incomplete_details")).get("reason"))
    return Answer(
        model=as_text(reply.get("model")),
        finish_reason=reason or as_text(reply.get("status")),
        usage=_usage(obj(reply.get("usage"))),
        text="\n".join(words),
        tool_calls=tuple(_call(item) for item in output if item.get("type") in _CALLS),
    )


def _usage(usage: Object) -> Usage:
    asked, told = obj(usage.get("input_tokens_details")), obj(usage.get("output_tokens_details"))
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        cached_input_tokens=count(asked.get("cached_tokens")),
        reasoning_tokens=count(told.get("reasoning_tokens")),
        cache_write_tokens=count(asked.get("cache_write_tokens")),
    )


def _join(events: Iterable[Object]) -> Object:
    """Return the response that the last event carries; of a stream cut short, what came."""
    response: dict[str, Any] = {}
    done: list[Any] = []
    text: list[str] = []
    for event in events:
        kind = as_text(event.get("type")) or ""
        response.update(obj(event.get("response")))
        if kind == "response.output_item.done":
            done.append(event.get("item"))
            if obj(event.get("item")).get("type") == "message":
                text.clear()
        elif kind == "response.output_text.delta":
            text.append(as_text(event.get("delta")) or "")
    if not response.get("output"):
        if text:
            done.append({"type": "message", "content": "".join(text)})
        response["output"] = done
    return response


RESPONSES = Api(_prompt, _join, _answer)
