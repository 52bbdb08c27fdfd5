"""Why a call brought no usable reply, in words that name the next step and no key.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pytest_ailoop.calling.client.connections import base_url_of, key_name, needs_key
from pytest_ailoop.calling.client.http1 import NoAnswer, NoConnection
from pytest_ailoop.calling.parse.shapes import decoded
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import AiloopError, ReplyError
from pytest_ailoop.redaction import redact
from pytest_ailoop.text import one_line

__all__ = ["Refused", "client_errors", "failure", "own_fault", "unusable"]

_EXCERPT = 300


class Refused(Exception):
    """The server answered with an error status."""

    def __init__(self, status: int, reply: bytes) -> None:
        self.status_code = status
        text = reply.decode("utf-8", "replace").strip()
        whole = decoded(text)
        self.body: Any = whole.get("error", whole) if isinstance(whole, dict) else text
        told = self.body.get("message") if isinstance(self.body, dict) else None
        super().__init__(f"Error code: {status}" + (f" - {told}" if told else ""))


def client_errors() -> tuple[type[Exception], ...]:
    """Return what a call raises, on either way, where the server or the way to it is at fault.

    Faults of ours come up from below the client by themselves, or inside one of its own.
    """
    ours = (AiloopError, Refused, NoAnswer, NoConnection, json.JSONDecodeError)
    # Without the client, nothing raised one of its own.
    openai = sys.modules.get("openai")
    return ours if openai is None else (*ours, openai.OpenAIError)


def own_fault(error: BaseException) -> AiloopError | None:
    """Return the fault of ours that *error* was made from: a replay miss, a barred bypass."""
    return next((one for one in _causes(error) if isinstance(one, AiloopError)), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        yield one
        seen.add(id(one))
        one = one.__cause__ or one.__context__


def failure(spec: ModelSpec, error: Exception) -> ReplyError:
    """Return the fault for an error of the client: model, address, status, message, next step."""
    status = getattr(error, "status_code", None)
    if isinstance(error, NoAnswer) or _is_openai(error, "APITimeoutError"):
        what, step = "no answer in time", "the server is slow or hangs; give timeout= more seconds"
    elif isinstance(error, NoConnection) or _is_openai(error, "APIConnectionError"):
        what = f"no connection ({_deepest(error)})"
        step = f"is the server running, and is base_url right?{_keyless(spec)}"
    elif isinstance(status, int):
        what, step = f"HTTP {status}: {_message(error)}", _step(spec, status)
    else:
        what, step = _message(error), "the server's reply could not be read; ask it directly"
    return ReplyError(f"{_where(spec)}: {what}\n  next: {step}")


def _is_openai(error: Exception, name: str) -> bool:
    kind = getattr(sys.modules.get("openai"), name, None)
    return isinstance(kind, type) and isinstance(error, kind)


def unusable(
    spec: ModelSpec,
    problem: str,
    reply: object,
    step: str = "does base_url point at an OpenAI-compatible API (it often ends in /v1)?",
) -> ReplyError:
    """Return the fault for a reply that came but is none, with the start of it."""
    excerpt = one_line(redact(str(reply)), _EXCERPT)
    return ReplyError(f"{_where(spec)}: {problem}; got {excerpt}\n  next: {step}")


def _where(spec: ModelSpec) -> str:
    named = "" if spec.alias == spec.model else f" ({spec.model})"
    return one_line(redact(f"model {spec.alias!r}{named} at {_plain(base_url_of(spec))}"), 200)


def _plain(url: str) -> str:
    """Return *url* without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _message(error: Exception) -> str:
    body = getattr(error, "body", None)
    found = body.get("message") if isinstance(body, dict) else None
    return one_line(redact(str(found or error)), _EXCERPT)


def _deepest(error: Exception) -> str:
    *_, last = _causes(error)
    return one_line(redact(str(last) or type(last).__name__), _EXCERPT)


def _keyless(spec: ModelSpec) -> str:
    """Return that the key is missing too, where the server is one that wants a key."""
    name = key_name(spec)
    if os.environ.get(name) or not needs_key(spec):
        return ""
    return f" It will also want a key: the environment variable {name} is not set"


def _step(spec: ModelSpec, status: int) -> str:
    name = key_name(spec)
    if status in (401, 403):
        known = "check it" if os.environ.get(name) else "it is not set"
        return f"the key comes from the environment variable {name}; {known}"
    if status == 404:
        return f"does this server have a model named {spec.model!r}, and is base_url right?"
    if status == 429:
        return "the server's rate or quota is used up; wait, or run fewer cases at once"
    if status >= 500 or status in (408, 409):
        return "the fault is the server's; run again, what was answered is kept"
    return "the server refuses this request; compare its parameters with what the model takes"
