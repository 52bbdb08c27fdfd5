"""The underlying openai clients: built when first needed, shared, closed with their event loop.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_ailoop import redaction
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.digest import digest_text
from pytest_ailoop.errors import ReplyError

if TYPE_CHECKING:
    import asyncio

    from openai import AsyncOpenAI, OpenAI

__all__ = [
    "OPTIONS",
    "Key",
    "async_client",
    "base_url_of",
    "close_async",
    "close_sync",
    "key_name",
    "key_of",
    "needs_key",
    "sync_client",
    "tls",
]

_DEFAULT_KEY = "OPENAI_API_KEY"
_DEFAULT_URL = "https://api.openai.com/v1"
_NO_KEY = "no-key-needed"
OPTIONS: dict[str, Any] = {"max_retries": 2, "timeout": 600.0}
"""How clients are built; the time is the longest silence, in seconds."""

_lock = threading.Lock()
_sync: dict[tuple[str, str], OpenAI] = {}
# A client's connections belong to the loop they were opened on.
_async: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], AsyncOpenAI]] = (
    weakref.WeakKeyDictionary()
)


class Key:
    """A key that tracebacks with locals do not show."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return redaction.MASK


def base_url_of(spec: ModelSpec) -> str:
    """Return where the model is served: the configuration's word, else the client's default."""
    return spec.base_url or os.environ.get("OPENAI_BASE_URL") or _DEFAULT_URL


def key_name(spec: ModelSpec) -> str:
    """Return the name of the environment variable that the model's key is read from."""
    return spec.api_key_env or _DEFAULT_KEY


def needs_key(spec: ModelSpec) -> bool:
    """Return whether the model's server wants a key: those on this machine want none unasked."""
    return spec.api_key_env is not None or not _is_here(base_url_of(spec))


def sync_client(spec: ModelSpec, *, allow_no_key: bool) -> OpenAI:
    """Return the process's blocking client for *spec*; raises `ReplyError` without a key."""
    key = key_of(spec, allow_no_key)
    name = (base_url_of(spec), digest_text(key.value))
    with _lock:
        if name not in _sync:
            import openai

            http = openai.DefaultHttpx2Client(verify=tls())
            _sync[name] = openai.OpenAI(
                base_url=name[0], api_key=key.value, http_client=http, **OPTIONS
            )
        return _sync[name]


def async_client(spec: ModelSpec, *, allow_no_key: bool) -> AsyncOpenAI:
    """Return the running loop's client for *spec*; one that is not shared where no loop runs."""
    key = key_of(spec, allow_no_key)
    name = (base_url_of(spec), digest_text(key.value))
    shared = _of_loop()
    if name not in shared:
        import openai

        http = openai.DefaultAsyncHttpx2Client(verify=tls())
        shared[name] = openai.AsyncOpenAI(
            base_url=name[0], api_key=key.value, http_client=http, **OPTIONS
        )
    return shared[name]


async def close_async() -> None:
    """Close what the running loop's clients have open; the next call builds new ones."""
    found = _of_loop()
    clients = list(found.values())
    found.clear()
    for client in clients:
        await client.close()


def close_sync() -> None:
    """Close what all sync clients have open; the next call builds new ones."""
    with _lock:
        clients = list(_sync.values())
        _sync.clear()
    for client in clients:
        client.close()


def _of_loop() -> dict[tuple[str, str], AsyncOpenAI]:
    import asyncio

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return {}
    return _async.setdefault(loop, {})


def key_of(spec: ModelSpec, allow_no_key: bool) -> Key:
    """Return the key for *spec*; raises `ReplyError` where it needs one that is not set."""
    found = os.environ.get(key_name(spec))
    if found:
        redaction.learn(found)
        return Key(found)
    if allow_no_key or not needs_key(spec):
        return Key(_NO_KEY)
    raise ReplyError(
        f"model {spec.alias!r} ({spec.model}): environment variable {key_name(spec)} is not set; "
        "set it to the key of that server, or use recorded replies alone: --ailoop-replies=replay"
    )


def _is_here(base_url: str) -> bool:
    """Return whether the server runs on this machine, where none asks for a key."""
    host = urlsplit(base_url).hostname or ""
    return host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.")


@functools.cache
def tls() -> Any:
    """Return one TLS context for all clients: making it is most of the cost of a client."""
    import httpx2

    return httpx2.create_ssl_context()
