"""Gemini's `models/<model>:generateContent`. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pytest_ailoop.calling.parse.shapes import (
    Answer,
    Api,
    Object,
    as_text,
    block,
    count,
    dumped,
    items,
    obj,
    tool_line,
)
from pytest_ailoop.data.call import Usage

__all__ = ["GEMINI"]


def _prompt(request: Object) -> str:
    return "\n".join(_blocks(request))


def _blocks(request: Object) -> Iterator[str]:
    system = _text(request.get("systemInstruction") or request.get("system_instruction"))
    if system:
        yield block("system", system)
    for content in map(obj, items(request.get("contents"))):
        yield block(content.get("role"), _text(content))


def _text(content: Any) -> str:
    return "\n".join(_part(obj(part)) for part in items(obj(content).get("parts")))


def _part(part: Object) -> str:
    text = as_text(part.get("text"))
    if text is not None:
        return text
    if "functionCall" in part:
        return tool_line(_call(obj(part["functionCall"])))
    if "functionResponse" in part:
        return dumped(obj(part["functionResponse"]).get("response"))
    mime = as_text(obj(part.get("inlineData") or part.get("fileData")).get("mimeType")) or ""
    return "[image]" if not mime or mime.startswith("image/") else f"[{mime}]"


def _call(call: Object) -> dict[str, Any]:
    return {"name": as_text(call.get("name")) or "", "arguments": call.get("args")}


def _answer(reply: Object) -> Answer:
    candidates = [obj(candidate) for candidate in items(reply.get("candidates"))]
    parts = [
        obj(part)
        for candidate in candidates
        for part in items(obj(candidate.get("content")).get("parts"))
    ]
    return Answer(
        model=as_text(reply.get("modelVersion")),
        finish_reason=as_text(candidates[0].get("finishReason")) if candidates else None,
        usage=_usage(obj(reply.get("usageMetadata"))),
        text="".join(as_text(part.get("text")) or "" for part in parts if not part.get("thought")),
        tool_calls=tuple(
            _call(obj(part["functionCall"])) for part in parts if "functionCall" in part
        ),
    )


def _usage(usage: Object) -> Usage:
    """Return the tokens; thoughts are counted into the output, which Gemini leaves out."""
    told, thought = count(usage.get("candidatesTokenCount")), count(usage.get("thoughtsTokenCount"))
    return Usage(
        input_tokens=count(usage.get("promptTokenCount")),
        output_tokens=None if told is None and thought is None else (told or 0) + (thought or 0),
        cached_input_tokens=count(usage.get("cachedContentTokenCount")),
        reasoning_tokens=thought,
    )


def _join(events: Iterable[Object]) -> Object:
    whole: dict[str, Any] = {}
    parts: list[Any] = []
    reason: str | None = None
    for event in events:
        for name in ("modelVersion", "usageMetadata"):
            if event.get(name):
                whole[name] = event[name]
        for candidate in map(obj, items(event.get("candidates"))):
            parts += items(obj(candidate.get("content")).get("parts"))
            reason = as_text(candidate.get("finishReason")) or reason
    return {**whole, "candidates": [{"content": {"parts": parts}, "finishReason": reason}]}


GEMINI = Api(_prompt, _join, _answer)
