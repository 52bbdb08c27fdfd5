"""The facts of a call, whichever API it went to. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from pytest_ailoop.calling.parse.anthropic import MESSAGES
from pytest_ailoop.calling.parse.body import events, is_stream
from pytest_ailoop.calling.parse.chat import CHAT
from pytest_ailoop.calling.parse.completions import COMPLETIONS, EMBEDDINGS
from pytest_ailoop.calling.parse.gemini import GEMINI
from pytest_ailoop.calling.parse.responses import RESPONSES
from pytest_ailoop.calling.parse.shapes import Api, Object, as_text, decoded, obj, tool_line
from pytest_ailoop.data.call import Usage
from pytest_ailoop.frozen import dataclass

__all__ = ["CallFacts", "facts_of"]

# Longest first: `/chat/completions` ends like `/completions`.
_APIS: tuple[tuple[str, Api], ...] = (
    ("/chat/completions", CHAT),
    ("/completions", COMPLETIONS),
    ("/responses", RESPONSES),
    ("/embeddings", EMBEDDINGS),
    ("/messages", MESSAGES),
    (":generateContent", GEMINI),
    (":streamGenerateContent", GEMINI),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CallFacts:
    """What can be told of a call from its bytes; None and empty where it cannot."""

    model_asked: str | None = None
    model_answered: str | None = None
    finish_reason: str | None = None
    """`length` and its like as the server says it."""
    usage: Usage = field(default_factory=Usage)
    prompt_text: str = ""
    """`role: text` for each message."""
    reply_text: str = ""
    """The answer's words, then tool calls as `name(arguments)` lines."""
    tool_calls: tuple[dict[str, Any], ...] = ()
    """`{"name": ..., "arguments": ...}` in order, arguments parsed where they are JSON."""
    stream: bool = False
    """Whether the reply came in pieces."""


def facts_of(
    path: str,
    request: bytes | Mapping[str, Any] | None,
    reply: bytes | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None,
    content_type: str = "",
) -> CallFacts:
    """Return the facts of a call to *path* (host, base path and query may be there or not).

    *request* and *reply* are bodies, or what was already parsed from them: an object, and for
    *reply* also the list of a stream's events. An unknown path is read as chat. Never raises.
    """
    path = path.split("?", 1)[0].rstrip("/")
    api = next((api for ending, api in _APIS if path.endswith(ending)), CHAT)
    asked = obj(decoded(request) if isinstance(request, bytes) else request)
    whole, stream = _whole(api, reply, content_type)
    found = api.answer(whole)
    lines = [found.text] if found.text else []
    return CallFacts(
        model_asked=as_text(asked.get("model")) or _model_in(path),
        model_answered=found.model,
        finish_reason=found.finish_reason,
        usage=found.usage,
        prompt_text=api.prompt(asked),
        reply_text="\n".join(lines + [tool_line(call) for call in found.tool_calls]),
        tool_calls=found.tool_calls,
        stream=stream,
    )


def _whole(api: Api, reply: Any, content_type: str) -> tuple[Object, bool]:
    """Return the reply as one object, and whether it came in pieces."""
    if isinstance(reply, bytes):
        if is_stream(reply, content_type):
            return api.join(events(reply)), True
        reply = decoded(reply)
    if isinstance(reply, (list, tuple)):
        return api.join(map(obj, reply)), True
    return obj(reply), False


def _model_in(path: str) -> str | None:
    """Return the model that Gemini's path names: `.../models/<model>:generateContent`."""
    _, found, name = path.rpartition("/models/")
    return name.partition(":")[0] or None if found else None
