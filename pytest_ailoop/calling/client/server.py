"""A model's server as the short way knows it: where it is, what each call tells it, connections.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import re
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from pytest_ailoop.calling.client.connections import Key, base_url_of, key_of, tls
from pytest_ailoop.calling.client.http1 import Origin
from pytest_ailoop.calling.client.pool import Pool
from pytest_ailoop.data.variant import ModelSpec

if TYPE_CHECKING:
    import asyncio

    from pytest_ailoop.calling.client.async_pool import AsyncPool

__all__ = ["Server", "close_async_pools", "close_pools", "server_of"]

Header = tuple[bytes, bytes]

_PORTS = {"http": 80, "https": 443}
# Of what needs quoting, the client knows more.
_PLAIN_HOST = re.compile(r"[a-z0-9.:_-]+")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~%@:+=,-]*")

_lock = threading.Lock()
_servers: dict[tuple[str, Key, str | None, str | None], Server | None] = {}


class Server:
    """What all calls with one key to one address have in common."""

    def __init__(self, url: SplitResult, key: Key, organization: str, project: str) -> None:
        scheme, host = url.scheme, (url.hostname or "").lower()
        port = url.port or _PORTS[scheme]
        self.path = url.path.rstrip("/")
        self._tls = tls() if scheme == "https" else None
        self._origin = Origin(host, port)
        self._pool = Pool(self._origin, self._tls)
        self._async: dict[asyncio.AbstractEventLoop, AsyncPool] = {}
        shown = f"[{host}]" if ":" in host else host
        said = (
            ("Host", shown if port == _PORTS[scheme] else f"{shown}:{port}"),
            ("Accept", "application/json"),
            ("Accept-Encoding", "gzip, deflate"),
            ("Content-Type", "application/json"),
            ("User-Agent", "pytest-ailoop"),
            ("Authorization", f"Bearer {key.value}"),
            ("OpenAI-Organization", organization),
            ("OpenAI-Project", project),
        )
        self.headers = tuple((name.encode(), value.encode()) for name, value in said if value)

    @property
    def pool(self) -> Pool:
        """The connections for blocking calls."""
        return self._pool

    async def async_pool(self) -> AsyncPool:
        """Return the connections of the running loop; they leave with it."""
        import asyncio

        loop = asyncio.get_running_loop()
        found = self._async.get(loop)
        return await self._new_pool(loop) if found is None else found

    async def _new_pool(self, loop: asyncio.AbstractEventLoop) -> AsyncPool:
        from pytest_ailoop.calling import loops
        from pytest_ailoop.calling.client.async_pool import AsyncPool

        for gone in [one for one in list(self._async) if one.is_closed()]:
            self._async.pop(gone, None)
        made = self._async[loop] = AsyncPool(self._origin, self._tls)
        await loops.use(made)
        return made

    async def close_async(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the connections of *loop*, the running one."""
        pool = self._async.pop(loop, None)
        if pool is not None:
            await pool.aclose()

    def has_async(self) -> bool:
        """Return whether a loop that is not closed may have connections."""
        return any(not loop.is_closed() for loop in list(self._async))

    def target(self, endpoint: str, query: str) -> bytes:
        """Return path and query of *endpoint* here."""
        return f"{self.path}{endpoint}{'?' if query else ''}{query}".encode("ascii")

    def headers_with(self, own: tuple[Header, ...]) -> tuple[Header, ...]:
        """Return the headers of a call that has *own* ones."""
        if not own:
            return self.headers
        named = {name.lower() for name, _ in own}
        return tuple(one for one in self.headers if one[0].lower() not in named) + own


def server_of(spec: ModelSpec, *, allow_no_key: bool) -> Server | None:
    """Return the server that *spec* is asked at; None where the client is needed to ask there.

    Raises `ReplyError` without a key.
    """
    key = key_of(spec, allow_no_key)
    get = os.environ.get
    if get("OPENAI_CUSTOM_HEADERS") is not None:
        return None
    name = (base_url_of(spec), key, get("OPENAI_ORG_ID"), get("OPENAI_PROJECT_ID"))
    if name not in _servers:
        with _lock:
            if name not in _servers:
                _servers[name] = _made(*name)
    return _servers[name]


def _made(base_url: str, key: Key, *told: str | None) -> Server | None:
    try:
        url = urlsplit(base_url)
        port = url.port
    except ValueError:
        return None
    host = (url.hostname or "").lower()
    plain = _PLAIN_HOST.fullmatch(host) and _PLAIN_PATH.fullmatch(url.path) and port != 0
    if url.scheme not in _PORTS or not plain or url.query or url.fragment or "@" in url.netloc:
        return None
    if not all((one or "").isascii() and (one or "").isprintable() for one in (key.value, *told)):
        return None
    return Server(url, key, *(one or "" for one in told)) if _is_direct(url.scheme, host) else None


def _is_direct(scheme: str, host: str) -> bool:
    """Return whether no proxy stands before *host*, as far as that is plain to see."""
    named = any(name.lower().endswith("_proxy") for name in os.environ)
    if not named and sys.platform not in ("darwin", "win32"):  # There the system may name some.
        return True
    from urllib.request import getproxies

    proxies = getproxies()
    if not (proxies.get(scheme) or proxies.get("all")):
        return True
    for one in proxies.get("no", "").split(","):
        name = one.strip().lower()
        if name in ("*", host) or (name and host.endswith("." + name.lstrip("*").lstrip("."))):
            return True
    return False


def close_pools() -> None:
    """Close the connections for blocking calls; the next call opens new ones.

    A server that no loop has connections to is forgotten: whether a proxy stands before it is
    looked up anew.
    """
    for name, server in list(_servers.items()):
        if server is not None:
            server.pool.close()
        if server is None or not server.has_async():
            _servers.pop(name, None)


async def close_async_pools() -> None:
    """Close the connections of the running loop; the next call opens new ones."""
    import asyncio

    loop = asyncio.get_running_loop()
    for server in list(_servers.values()):
        if server is not None:
            await server.close_async(loop)
