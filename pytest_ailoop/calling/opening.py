"""Which requests open an exchange: those that clients send, and those made without a client.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pytest_ailoop import recorder
from pytest_ailoop.calling.credentials import key_of
from pytest_ailoop.calling.exchange import Exchange
from pytest_ailoop.calling.identity import endpoint_of, is_loopback
from pytest_ailoop.calling.store import Store
from pytest_ailoop.errors import BypassError

__all__ = ["begin", "concerns", "prepare"]

# As clients write bodies; a wide object's keys keep their order, which models follow.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_UNATTRIBUTED = (
    "a model call to {host} was made while several items ran, in a thread that belongs to none of "
    "them; give the thread its item: pool.submit(pytest_ailoop.wrap_context(function), ...)"
)


def concerns(store: Store, request: Any) -> bool:
    """Return whether *request* (of httpx or httpx2) is one that the store must see.

    Raises `BypassError` in replay where it cannot be told to which item the request belongs.
    """
    if recorder.current() is None and not recorder.unattributed():
        return False
    url = request.url
    host = url.host
    if _passes(store, host, url.port):
        return False
    if is_loopback(host) and endpoint_of(url.raw_path.decode("ascii")) is None:
        return False  # A local database or service: part of what is tested.
    if recorder.current() is not None:
        return True
    message = _UNATTRIBUTED.format(host=host)
    if store.settings.replies == "replay":
        raise BypassError(message)
    for tell in store.on_unattributed:
        tell()
    if not store.on_unattributed:
        store.warn(message)
    return bool(store.on_unattributed)


def _passes(store: Store, host: str, port: int | None) -> bool:
    passing = store.settings.config.passthrough
    return bool(passing) and (host in passing or f"{host}:{port}" in passing)


def begin(store: Store, request: Any, body: bytes) -> Exchange | None:
    """Return the exchange that *request* with *body* opens; None where it goes unseen."""
    notebook = recorder.current() or (recorder.oldest() if store.on_unattributed else None)
    if notebook is None:
        return None
    url = request.url
    target = url.raw_path.decode("ascii")
    netloc = url.netloc.decode("ascii")
    content_type = request.headers.get("content-type", "")
    asked = store.identity.request_of(
        request.method, netloc, target, body, content_type=content_type, url=str(url)
    )
    if not asked.is_model and is_loopback(url.host):
        return None
    path = target.partition("?")[0].rstrip("/")
    prefix = path.removesuffix(asked.endpoint) if asked.is_model else ""
    store.learner.learn(request.headers.raw, url, prefix)
    found = Exchange(store, notebook, asked, base_url=f"{url.scheme}://{netloc}{prefix}")
    found.key, found.size = key_of(request.headers.raw), len(body)
    return found


def prepare(
    store: Store, base_url: str, endpoint: str, body: Mapping[str, Any], query: str = ""
) -> tuple[Exchange, bytes] | None:
    """Return the exchange for a POST that no client has built, and the bytes of its body.

    Its address is the one that the ordinary client's request would get. None where it goes unseen,
    or cannot be told from here: the request then takes the ordinary way. A client spends ten times
    as long on building a request and reading its reply as the look-up takes.
    """
    notebook = recorder.current()
    host, port, netloc, path = _place(base_url)
    if notebook is None or path is None or _passes(store, host, port):
        return None
    try:
        sent = _ENCODER.encode(body).encode()
    except (TypeError, ValueError, RecursionError):
        return None
    asked = store.identity.request_of(
        "POST",
        netloc,
        f"{path}{endpoint}?{query}" if query else f"{path}{endpoint}",
        sent,
        content_type="application/json",
        url=base_url.rstrip("/") + endpoint,
    )
    if not asked.is_model:
        return None
    found = Exchange(store, notebook, asked, base_url=base_url.rstrip("/"))
    found.size = len(sent)
    return found, sent


@functools.lru_cache(maxsize=256)
def _place(base_url: str) -> tuple[str, int | None, str, str | None]:
    """Return host, port, both as they are written, and path; None for the path is no place."""
    try:
        url = urlsplit(base_url)
        port = url.port
    except ValueError:
        return "", None, "", None
    path = None if url.query else url.path.rstrip("/")
    return url.hostname or "", port, url.netloc.rpartition("@")[2], path
