"""Learning of the secrets that a request bears, before anything of it is stored.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote

from pytest_ailoop import redaction

__all__ = ["Learner"]

_NAME = re.compile(rb"(?i)(key|token|secret|passw|credential|auth|cookie)")
_QUERY_NAME = re.compile(r"(?i)(key|token|secret|passw|credential|auth|sig)")
# Made anew for each request, and no secret: they would pile up.
_HARMLESS = frozenset({b"idempotency-key", b"x-idempotency-key", b"sec-websocket-key"})
# What people write where a local server wants any key; they are words that replies use.
_PLACEHOLDERS = frozenset(
    {
        "anything",
        "dummy-key",
        "fake-key",
        "lm-studio",
        "no-api-key",
        "no-key-required",
        "not-needed",
        "not_needed",
        "placeholder",
        "sk-no-key-required",
        "test-key",
        "unused-key",
        "your-api-key",
    }
)
_RANDOM = re.compile(r"(?=.*\d)((?=.*[a-z])(?=.*[A-Z])[\w.~-]{20,}|[0-9a-f]{32,})")


class Learner:
    """Teaches `redaction` what each request bears; remembers what it has seen, to be quick."""

    def __init__(self) -> None:
        self._seen: set[object] = set()

    def learn(self, headers: Iterable[tuple[bytes, bytes]], url: Any, prefix: str) -> None:
        """Learn the keys in *headers*, in *url*'s user part and query, and in its path's *prefix*.

        *prefix* is what stands before the endpoint, where gateways put account keys.
        """
        for name, value in headers:
            if value not in self._seen and _NAME.search(name) and name.lower() not in _HARMLESS:
                self._remember(value)
                _learn_header(value.decode("latin-1"))
        if url.userinfo:
            _learn_user(url.userinfo.decode("ascii", "replace"))
        if url.query and url.query not in self._seen:
            self._remember(url.query)
            _learn_query(url.query.decode("ascii", "replace"))
        if prefix and prefix not in self._seen:
            self._remember(prefix)
            _learn_path(prefix)

    def _remember(self, value: object) -> None:
        if len(self._seen) > 10_000:  # It only saves work: to forget costs nothing but that.
            self._seen.clear()
        self._seen.add(value)


def _learn_header(value: str) -> None:
    scheme, _, token = value.strip().partition(" ")
    if scheme.upper().startswith("AWS4-"):  # A signature of this one request.
        return
    if scheme.lower() == "basic" and token:
        with contextlib.suppress(binascii.Error, UnicodeDecodeError):
            _learn_user(base64.b64decode(token).decode("utf-8"))
    _learn((token or scheme).strip())


def _learn_query(query: str) -> None:
    for name, value in parse_qsl(query):
        if _QUERY_NAME.search(name):
            _learn(value)


def _learn_path(prefix: str) -> None:
    for part in prefix.split("/"):
        if part.startswith("sk-") or _RANDOM.fullmatch(part):
            _learn(unquote(part))


def _learn_user(userinfo: str) -> None:
    for part in userinfo.split(":", 1):
        _learn(unquote(part))


def _learn(value: str) -> None:
    if value.lower() not in _PLACEHOLDERS:
        redaction.learn(value)
