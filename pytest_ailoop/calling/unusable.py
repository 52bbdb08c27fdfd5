"""Replies that say "fine" by their status and hold no reply. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pytest_ailoop.calling.stored import is_stream
from pytest_ailoop.text import one_line

__all__ = ["why_unusable"]

_CONTENT = ("choices", "output", "data", "content", "candidates", "embedding")
_CHOICES = ("/chat/completions", "/completions")


def why_unusable(endpoint: str, content_type: str, body: bytes, *, known: Any = None) -> str:
    """Return why *body* is no reply of a model's *endpoint*; empty where it may be one.

    *known* is the JSON value of *body* where it was read before.
    Gateways answer 200 to what went wrong behind them. Kept, such an answer would come back in
    each run. What a model may have said, however odd, is a reply.
    """
    if not body.strip():
        return "the body is empty"
    if is_stream(content_type):
        return next(_error_events(body), "")
    try:
        data = json.loads(body) if known is None else known
    except (ValueError, RecursionError):
        return f"the body is no JSON: {_shown(body)}"
    if isinstance(data, dict) and data.get("error") and not any(map(data.get, _CONTENT)):
        return f"the body is an error: {_shown(body)}"
    if endpoint.endswith(_CHOICES) and not (isinstance(data, dict) and data.get("choices")):
        return f"the body holds no choices: {_shown(body)}"
    return ""


def _error_events(body: bytes) -> Iterator[str]:
    for line in body.splitlines() if b'"error"' in body else ():
        name, _, value = line.partition(b":")
        if name == b"data" and b'"error"' in value and _is_error(_json(value)):
            yield f"the stream holds an error: {_shown(value)}"


def _is_error(event: Any) -> bool:
    if not isinstance(event, dict):
        return False
    # The Responses API tells of it inside the event; there is an `error: null` in each other one.
    inner = event.get("response")
    failed = isinstance(inner, dict) and bool(inner.get("error"))
    return bool(event.get("error")) or event.get("type") == "error" or failed


def _json(value: bytes) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _shown(body: bytes) -> str:
    return one_line(body[:2000].decode("utf-8", "replace"), 300)
