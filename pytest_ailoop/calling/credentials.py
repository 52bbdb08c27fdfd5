"""Learning of the secrets that a request bears, before anything of it is stored.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import functools
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from pytest_ailoop import redaction

__all__ = ["Learner", "key_of", "learn_client"]

_HEADER = re.compile("(?i)(key|token|secret|passw|credential|auth|cookie)")
_NAME = re.compile(_HEADER.pattern.encode())
_QUERY_NAME = re.compile(r"(?i)(key|token|secret|passw|credential|auth|sig)")
# Made anew for each request, and no secret: they would pile up.
_HARMLESS = frozenset({b"idempotency-key", b"x-idempotency-key", b"sec-websocket-key"})
_RANDOM = re.compile(r"(?=.*\d)((?=.*[a-z])(?=.*[A-Z])[\w.~-]{20,}|[0-9a-f]{32,})")

# What APIs of models are keyed by.
_KEYS = frozenset({b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"})


def key_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return a digest of the key in *headers*, to tell accounts apart; empty where there is none.

    It is kept in memory alone.
    """
    return next((_digest(value) for name, value in headers if name.lower() in _KEYS), "")


@functools.lru_cache(maxsize=64)
def _digest(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()[:16]


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
    redaction.learn((token or scheme).strip())


def _learn_query(query: str) -> None:
    for name, value in parse_qsl(query):
        if _QUERY_NAME.search(name):
            redaction.learn(value)


def _learn_path(prefix: str) -> None:
    for part in prefix.split("/"):
        if part.startswith("sk-") or _RANDOM.fullmatch(part):
            redaction.learn(unquote(part))


def _learn_user(userinfo: str) -> None:
    for part in userinfo.split(":", 1):
        redaction.learn(unquote(part))


def learn_client(found: object) -> None:
    """Learn the keys that *found* was built with, where it is a client of openai's kind.

    A request that could not even be built has taught nothing.
    """
    try:
        fields = object.__getattribute__(found, "__dict__")
    except AttributeError:
        return
    if not isinstance(fields, dict) or "api_key" not in fields:
        return
    if isinstance(fields["api_key"], str):
        redaction.learn(fields["api_key"])
    for name, wanted in (("_custom_headers", _HEADER), ("_custom_query", _QUERY_NAME)):
        held = fields.get(name)
        for key, value in held.items() if isinstance(held, Mapping) else ():
            if isinstance(value, str) and wanted.search(str(key)):
                _learn_header(value)
    url: Any = fields.get("_base_url")
    if isinstance(getattr(url, "userinfo", None), bytes):
        _learn_user(url.userinfo.decode("ascii", "replace"))
        _learn_path(url.path)
