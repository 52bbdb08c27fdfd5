"""What `llm` takes and gives: a rendered prompt, a reply, a tool call. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Generic, TypeVar

from pytest_ailoop.data.call import Usage
from pytest_ailoop.frozen import dataclass

__all__ = ["Rendered", "Reply", "ToolCall", "text_of"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A prompt with its variables filled in: what `prompt.render(...)` returns."""

    messages: tuple[Mapping[str, Any], ...]
    """Chat messages: `{"role": ..., "content": ...}`."""
    name: str = ""
    digest: str = ""
    """Digest of the prompt *file*, the same for every case."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Model parameters from the front matter; the model's and the call's own come on top."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """OpenAI function tools from the front matter."""
    output_schema: Mapping[str, Any] | None = None
    """JSON Schema that the reply is asked to fit."""

    def __str__(self) -> str:
        """Return the last message's text, for applications that take a plain string."""
        return str(self.messages[-1]["content"]) if self.messages else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """A tool that the model asked for."""

    name: str
    arguments: Any
    """The parsed arguments; the raw text where it is not JSON."""
    id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply(Generic[T]):
    """What a model answered. `str(reply)` is its text."""

    text: str
    parsed: T | None = None
    """The `output=` model's instance; None without one, or where `parse_error` speaks."""
    parse_error: str | None = None
    """Why the text does not fit what was asked for: field, expected, got. It is the model's
    fault, so it is quality and not an error."""
    refusal: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    model: str | None = None
    """The model that answered."""
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
    """US dollars; None is unknown."""
    latency: float | None = None
    """Seconds, as measured when the call was made live."""
    first_token: float | None = None
    """Seconds to the first chunk; None where not streamed."""
    logprobs: tuple[Mapping[str, Any], ...] | None = None
    """Per token `{"token", "logprob", "top_logprobs"}`; None where not asked for or not given."""
    raw: Any = None
    """The server's response as JSON; the chunks of a stream as a tuple."""

    def __str__(self) -> str:
        return self.text


def text_of(value: Any) -> str:
    """Return what a check reads of *value* as text.

    Replies and objects with `.text`, `.output_text` or chat `choices` give their text,
    strings themselves, pydantic models and JSON values their JSON, the rest `str(value)`.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    for name in ("text", "output_text"):
        found = getattr(value, name, None)
        if isinstance(found, str):
            return found
    choices = getattr(value, "choices", None)
    if choices:
        content = getattr(getattr(choices[0], "message", None), "content", None)
        return content if isinstance(content, str) else ""
    dump = getattr(value, "model_dump_json", None)
    if callable(dump):
        return str(dump())
    if isinstance(value, (Mapping, list, tuple, bool, int, float)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
