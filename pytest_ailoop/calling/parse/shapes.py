"""Careful access to JSON of unknown shape, and the two nouns that each API's file gives.

Nothing here raises: whatever is not what it should be is None or empty. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from pytest_ailoop.data.call import Usage
from pytest_ailoop.frozen import dataclass

__all__ = [
    "Answer",
    "Api",
    "Object",
    "arguments",
    "as_text",
    "block",
    "content_text",
    "count",
    "decoded",
    "dumped",
    "items",
    "obj",
    "tool_line",
]

Object = Mapping[str, Any]

_EMPTY: Object = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one API's file reads out of a reply."""

    model: str | None = None
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    text: str = ""
    """The answer's words alone, without tool calls."""
    tool_calls: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Api:
    """How one API is read."""

    prompt: Callable[[Object], str]
    """Request object to text."""
    join: Callable[[Iterable[Object]], Object]
    """Events of a stream to the object that the unstreamed reply would have been."""
    answer: Callable[[Object], Answer]
    """Reply object to answer."""


def obj(value: Any) -> Object:
    """Return *value* where it is an object, else an empty one."""
    # Nearly all are dicts or not there; to ask for a `Mapping` takes ten times as long.
    if value is None or type(value) is dict:
        return value or _EMPTY
    return value if isinstance(value, Mapping) else _EMPTY


def items(value: Any) -> Sequence[Any]:
    """Return *value* where it is a list, else an empty one."""
    return value if isinstance(value, (list, tuple)) else ()


def as_text(value: Any) -> str | None:
    """Return *value* where it is a string."""
    return value if isinstance(value, str) else None


def count(value: Any) -> int | None:
    """Return *value* where it is a number of tokens: an integer from 0 on."""
    return value if type(value) is int and value >= 0 else None


def decoded(body: bytes | str) -> Any:
    """Return the JSON value of *body*, None where there is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def dumped(value: Any) -> str:
    """Return *value* as JSON text, strings as they are."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return ""


def arguments(value: Any) -> Any:
    """Return a tool call's arguments parsed, the raw text where it is not JSON."""
    if not isinstance(value, str):
        return value
    found = decoded(value)
    return value if found is None else found


def tool_line(call: Object) -> str:
    """Return a tool call as one line: `name(arguments)`."""
    return f"{call.get('name') or ''}({dumped(call.get('arguments'))})"


def block(role: Any, text: str) -> str:
    """Return one message of a prompt: `role: text`."""
    return f"{role}: {text}" if isinstance(role, str) and role else text


def content_text(content: Any) -> str:
    """Return a message's content as text; what is no text is named: `[image]`, `[file]`."""
    if isinstance(content, str):
        return content
    return "\n".join(_parts(content))


def _parts(content: Any) -> Iterator[str]:
    for part in items(content):
        if isinstance(part, str):
            yield part
            continue
        text = as_text(obj(part).get("text"))
        if text is None:
            text = as_text(obj(part).get("refusal"))
        yield _named(part) if text is None else text


def _named(part: Any) -> str:
    kind = as_text(obj(part).get("type")) or "part"
    return "[image]" if "image" in kind else f"[{kind}]"
