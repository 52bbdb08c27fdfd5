"""What a call sends, told from the arguments of `chat.completions.create` without the client.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from pytest_ailoop.calling.client.connections import OPTIONS
from pytest_ailoop.frozen import dataclass

__all__ = ["Sent", "sent_of"]

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t !-~]*")
# With these the client does more than to send them along.
_MEANT = re.compile(r"(?i)x-stainless-.*|content-.*|transfer-encoding|host|connection|expect|te")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """The parts of a request, before it is one."""

    body: Mapping[str, Any]
    query: str
    """Encoded, without the question mark; empty where there is none."""
    headers: tuple[tuple[bytes, bytes], ...]
    """The call's own, over those that all calls have."""
    timeout: float
    """Seconds of silence after which the call is given up."""


def sent_of(asked: Mapping[str, Any]) -> Sent | None:
    """Return what *asked* sends; None where the client alone can tell."""
    if _OF_THE_CLIENT.isdisjoint(asked):
        return Sent(body=asked, query="", headers=(), timeout=OPTIONS["timeout"])
    body = dict(asked)
    timeout = body.pop("timeout", OPTIONS["timeout"])
    query = _query(body.pop("extra_query", {}))
    headers = _headers(body.pop("extra_headers", {}))
    extra = body.pop("extra_body", {})
    if query is None or headers is None or not isinstance(extra, Mapping):
        return None
    if type(timeout) not in (int, float) or timeout <= 0:
        return None
    return Sent(body=body | dict(extra), query=query, headers=headers, timeout=timeout)


_OF_THE_CLIENT = frozenset({"extra_body", "extra_headers", "extra_query", "timeout"})


def _query(given: Any) -> str | None:
    if not isinstance(given, Mapping):
        return None
    if not all(type(name) is str and type(value) in (str, int) for name, value in given.items()):
        return None
    return urlencode(list(given.items()))


def _headers(given: Any) -> tuple[tuple[bytes, bytes], ...] | None:
    if not isinstance(given, Mapping):
        return None
    for name, value in given.items():
        if type(name) is not str or type(value) is not str or _MEANT.fullmatch(name):
            return None
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or value != value.strip():
            return None
    return tuple((name.encode(), value.encode()) for name, value in given.items())
