"""Anthropic's `/messages`. PYTEST_DONT_REWRITE"""

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

__all__ = ["MESSAGES"]


def _prompt(request: Object) -> str:
    return "\n".join(_blocks(request))


def _blocks(request: Object) -> Iterator[str]:
    system = content_text(request.get("system"))
    if system:
        yield block("system", system)
    for message in map(obj, items(request.get("messages"))):
        content = message.get("content")
        text = content if isinstance(content, str) else "\n".join(map(_part, items(content)))
        yield block(message.get("role"), text)


def _part(part: Any) -> str:
    kind = obj(part).get("type")
    if kind == "tool_use":
        return tool_line(_call(part))
    if kind == "tool_result":
        return content_text(part.get("content"))
    return content_text([part])


def _call(part: Object) -> dict[str, Any]:
    return {"name": as_text(part.get("name")) or "", "arguments": arguments(part.get("input"))}


def _answer(reply: Object) -> Answer:
    content = [obj(part) for part in items(reply.get("content"))]
    return Answer(
        model=as_text(reply.get("model")),
        finish_reason=as_text(reply.get("stop_reason")),
        usage=_usage(obj(reply.get("usage"))),
        text="".join(as_text(part.get("text")) or "" for part in content),
        tool_calls=tuple(_call(part) for part in content if part.get("type") == "tool_use"),
    )


def _usage(usage: Object) -> Usage:
    """Return the tokens; Anthropic counts the cache's share beside the input, here it is in it."""
    fresh = count(usage.get("input_tokens"))
    cached = count(usage.get("cache_read_input_tokens"))
    written = count(usage.get("cache_creation_input_tokens"))
    return Usage(
        input_tokens=None if fresh is None else fresh + (cached or 0) + (written or 0),
        output_tokens=count(usage.get("output_tokens")),
        cached_input_tokens=cached,
        cache_write_tokens=written,
    )


def _join(events: Iterable[Object]) -> Object:
    message: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        kind, index = event.get("type"), count(event.get("index")) or 0
        if kind == "message_start":
            message.update(obj(event.get("message")))
            usage.update(obj(message.get("usage")))
        elif kind == "content_block_start":
            blocks[index] = dict(obj(event.get("content_block")))
        elif kind == "content_block_delta":
            _grow(blocks.setdefault(index, {}), obj(event.get("delta")))
        elif kind == "message_delta":
            message.update(obj(event.get("delta")))
            usage.update(obj(event.get("usage")))
    return {**message, "usage": usage, "content": [blocks[index] for index in sorted(blocks)]}


def _grow(part: dict[str, Any], delta: Object) -> None:
    text, fragment = as_text(delta.get("text")), as_text(delta.get("partial_json"))
    if text is not None:
        part["text"] = (as_text(part.get("text")) or "") + text
    if fragment is not None:
        # The block opens with `input: {}`; its text grows in place of it.
        part["input"] = (as_text(part.get("input")) or "") + fragment


MESSAGES = Api(_prompt, _join, _answer)
