"""A call to a model and what came back. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

from pytest_ailoop.frozen import dataclass

__all__ = ["Call", "Mode", "Origin", "Purpose", "Usage"]

Mode = Literal["auto", "replay", "record", "live"]
Origin = Literal["recording", "cache", "live"]
Purpose = Literal["app", "judge"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens of a call as the server counted them; None where it did not say."""

    input_tokens: int | None = None
    """All of the prompt, cached or not."""
    output_tokens: int | None = None
    """All that was generated, reasoning included."""
    cached_input_tokens: int | None = None
    """Share of the input that was read from the server's own cache."""
    reasoning_tokens: int | None = None
    """Share of the output that was thinking."""
    cache_write_tokens: int | None = None
    """Share of the input that was written into the server's own cache, where that costs more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request that went through the seam, with its outcome. Holds no header and no key."""

    digest: str
    """Content address of the request: method, path, canonical body, trial."""
    path: str
    """Endpoint without host and base path, e.g. `/chat/completions`."""
    origin: Origin
    """Where the reply came from."""
    purpose: Purpose = "app"
    """`judge` calls are counted apart from those of the application."""
    model_asked: str | None = None
    model_answered: str | None = None
    """The name in the reply; a dated or substituted model shows here."""
    status: int | None = None
    """HTTP status; None where the transport failed."""
    error: str | None = None
    """Why there was no reply, one line; None when there was one."""
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
    """US dollars; None is unknown, never free."""
    latency: float | None = None
    """Seconds from sending to the last byte, as measured when the call was made live."""
    first_token: float | None = None
    """Seconds to the first chunk of a stream; None for what is not streamed."""
    prompt_text: str = ""
    """What was asked, as text: the messages with their roles."""
    reply_text: str = ""
    """What was answered, as text; tool calls as `name(arguments)` lines."""
    tool_calls: tuple[dict[str, Any], ...] = ()
    """`{"name": ..., "arguments": ...}` in order."""
