"""From a completion to a `Reply`. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_ailoop.calling.client.request import Asked
from pytest_ailoop.calling.parse import chat
from pytest_ailoop.calling.parse.shapes import as_text, content_text, decoded, items, obj
from pytest_ailoop.data.reply import ToolCall
from pytest_ailoop.text import cut, one_line

__all__ = ["parsed_of", "reply_fields"]

_EXCERPT = 200


def reply_fields(completion: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """Return the fields of the reply that the completion itself tells: all but time and money."""
    choice = obj(next(iter(items(completion.get("choices"))), None))
    message = obj(choice.get("message"))
    text, refusal = content_text(message.get("content")), as_text(message.get("refusal"))
    calls = _tool_calls(message)
    reason = as_text(choice.get("finish_reason"))
    parsed, problem = parsed_of(asked, text)
    return {
        "text": text,
        "parsed": parsed,
        "parse_error": problem and _explained(problem, text, refusal, calls, reason),
        "refusal": refusal,
        "tool_calls": calls,
        "finish_reason": reason,
        "model": as_text(completion.get("model")),
        "usage": chat.usage_of(obj(completion.get("usage"))),
        "logprobs": _logprobs(choice),
    }


def _tool_calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    ids = [as_text(obj(call).get("id")) for call in items(message.get("tool_calls"))]
    found = chat.calls_of(message)
    ids += [None] * (len(found) - len(ids))
    return tuple(
        ToolCall(name=call["name"], arguments=call["arguments"], id=one)
        for call, one in zip(found, ids, strict=True)
    )


def _logprobs(choice: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...] | None:
    content = obj(choice.get("logprobs")).get("content")
    return tuple(map(_logprob, content)) if isinstance(content, list) else None


def _logprob(token: Any) -> Mapping[str, Any]:
    """Return one token in one shape: clients and servers differ in order and in what they add."""
    found = {name: obj(token).get(name) for name in ("token", "logprob")}
    found["top_logprobs"] = [
        {name: obj(one).get(name) for name in ("token", "logprob")}
        for one in items(obj(token).get("top_logprobs"))
    ]
    return found


def parsed_of(asked: Asked, text: str) -> tuple[Any, str | None]:
    """Return the text as what was asked for, or None and why it does not fit."""
    if asked.output is not None:
        return _as_model(asked.output, text)
    if asked.as_json:
        found = decoded(text)
        return found, None if found is not None or text.strip() == "null" else "no JSON"
    return None, None


def _as_model(output: Any, text: str) -> tuple[Any, str | None]:
    from pydantic import ValidationError

    try:
        return output.model_validate_json(text), None
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        return None, _fault(faults[0], output) + more


def _fault(fault: Mapping[str, Any], output: Any) -> str:
    """Return one fault of pydantic's: field, what was expected, what was got."""
    if fault["type"] == "json_invalid":
        return f"no JSON for {output.__name__} ({one_line(fault['msg'], 120)})"
    field = ".".join(map(str, fault["loc"])) or output.__name__
    got = "" if fault["type"] == "missing" else f", got {cut(repr(fault['input']), 80)}"
    return f"{output.__name__} field {one_line(field)!r}: {one_line(fault['msg'], 120)}{got}"


def _explained(
    problem: str,
    text: str,
    refusal: str | None,
    calls: tuple[ToolCall, ...],
    reason: str | None,
) -> str:
    """Return why the text does not fit, the likely cause first."""
    if refusal:
        return f"the model refused: {one_line(refusal, _EXCERPT)}"
    if calls and not text:
        return "the model called a tool and gave no text"
    if reason == "length":
        problem = f"cut off at the token limit; {problem}"
    return f"{problem}; text: {one_line(text, _EXCERPT) or '(empty)'}"
