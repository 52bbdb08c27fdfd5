"""In replay, nothing of an item reaches the network past the seam: what tries fails by name.

Two nets. Sockets: connecting to, or resolving, any host but this machine. Requests: a model's
endpoint asked through `http.client` (urllib, requests, botocore) or aiohttp, at any host, also
this machine, where a local model server would answer unseen. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import socket
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from pytest_ailoop import recorder
from pytest_ailoop.calling.identity import endpoint_of, is_loopback
from pytest_ailoop.calling.store import Store
from pytest_ailoop.errors import BypassError

__all__ = ["Guard"]

_MISSING = object()


class Guard:
    """Bars the ways round the seam while it is applied and an item is running."""

    def __init__(self, store_of: Callable[[], Store | None]) -> None:
        self._store_of = store_of
        self._done: list[tuple[Any, str, Any, Any]] = []
        #: Addresses that hosts let through were resolved to, each with its port or None for all.
        self._resolved: set[tuple[str, int | None]] = set()
        self.watched: dict[str, Callable[[ModuleType], None]] = {
            "http.client": self._bar_http,
            "aiohttp.client": self._bar_aiohttp,
            "asyncio.base_events": self._bar_asyncio,
        }
        self._applied = False

    def apply(self) -> None:
        """Set up the bars; what is not imported yet is barred when it is."""
        self._applied = True
        self._replace(socket.socket, "connect", self._connect)
        self._replace(socket.socket, "connect_ex", self._connect)
        self._replace(socket, "getaddrinfo", self._resolve)
        for name, bar in self.watched.items():
            module = sys.modules.get(name)
            if module is not None:
                bar(module)

    def undo(self) -> None:
        """Take the bars down; one below another patch stays and bars nothing."""
        self._applied = False
        self._resolved.clear()
        left = []
        for owner, name, original, patched in reversed(self._done):
            if vars(owner).get(name) is not patched:
                left.append((owner, name, original, patched))
            elif original is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
        self._done = left[::-1]

    def _replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        if any(vars(owner).get(name) is patched for *_, patched in self._done):
            return  # Elsewhere it may lie below another's patch, or be gone with it: then anew.
        own = vars(owner).get(name, _MISSING)
        patched = functools.wraps(getattr(owner, name))(make(getattr(owner, name)))
        self._done.append((owner, name, own, patched))
        setattr(owner, name, patched)

    def _bar_http(self, module: ModuleType) -> None:
        if self._applied:
            self._replace(module.HTTPConnection, "putrequest", self._put_request)

    def _bar_aiohttp(self, module: ModuleType) -> None:
        if self._applied:
            self._replace(module.ClientSession, "_request", self._aiohttp_request)

    def _bar_asyncio(self, module: ModuleType) -> None:
        if self._applied:
            self._replace(module.BaseEventLoop, "getaddrinfo", self._resolve_async)

    def _connect(self, original: Any) -> Any:
        def connect(sock: socket.socket, address: Any) -> Any:
            __tracebackhide__ = True
            # AF_UNIX stays; a datagram socket sends nothing by connecting.
            if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM:
                self._check_host(address[0], address[1])
            return original(sock, address)

        return connect

    def _resolve(self, original: Any) -> Any:
        def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            name = host.decode("idna") if isinstance(host, bytes) else host
            if name is not None:
                self._check_host(name, port)
            found = original(host, port, *args, **options)
            if name is not None and self._passes(name, port):
                every = self._passes(name, None)
                self._resolved.update((one[4][0], None if every else one[4][1]) for one in found)
            return found

        return getaddrinfo

    def _resolve_async(self, original: Any) -> Any:
        """Check before a thread resolves the name, where nobody can tell who asked."""

        async def getaddrinfo(loop: Any, host: Any, port: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            if host is not None:
                self._check_host(host.decode("idna") if isinstance(host, bytes) else host, port)
            return await original(loop, host, port, **options)

        return getaddrinfo

    def _put_request(self, original: Any) -> Any:
        def putrequest(connection: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            self._check_request(connection.host, connection.port, url)
            return original(connection, method, url, *args, **options)

        return putrequest

    def _aiohttp_request(self, original: Any) -> Any:
        async def _request(session: Any, method: str, url: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            try:
                parts = urlsplit(str(url))
                host, port = parts.hostname or "", parts.port
            except ValueError:  # Not a URL: aiohttp says so better.
                return await original(session, method, url, **options)
            self._check_request(host, port, parts.path)
            return await original(session, method, url, **options)

        return _request

    def _check_host(self, host: str, port: Any) -> None:
        __tracebackhide__ = True
        if not self._inside() or is_loopback(host) or host == socket.gethostname():
            return
        if not self._passes(host, port):
            self._fail(_place(host, port))

    def _check_request(self, host: str, port: Any, target: str) -> None:
        __tracebackhide__ = True
        if not self._inside() or self._passes(host, port):
            return
        endpoint = endpoint_of(urlsplit(target).path)
        if endpoint is not None:
            self._fail(f"the model endpoint {endpoint[0]} at {_place(host, port)}")

    def _inside(self) -> bool:
        """Return whether an item is running; a thread that lost its context counts as inside."""
        return self._applied and (recorder.current() is not None or recorder.unattributed())

    def _passes(self, host: str, port: Any) -> bool:
        store = self._store_of()
        passing = () if store is None else store.settings.config.passthrough
        spelled = f"[{host}]" if ":" in host else host
        if {host, spelled, f"{spelled}:{port}"} & set(passing):
            return True
        return not self._resolved.isdisjoint({(host, None), (host, port)})

    def _fail(self, what: str) -> None:
        __tracebackhide__ = True
        fault = BypassError(
            f"call not seen by ailoop: library {_library()} tried to reach {what} during replay. "
            "Only calls through httpx, httpx2 or openai's aiohttp client are recorded; let others "
            'pass by passthrough = ["host"] under [tool.ailoop], or replace them in the test'
        )
        notebook = recorder.current()
        store = self._store_of()
        if notebook is not None:
            notebook.faults.append(fault)
        elif store is not None:
            store.warn(str(fault))
        raise fault


def _place(host: str, port: Any) -> str:
    return f"host {host}" + (f":{port}" if port else "")


def _library() -> str:
    """Return the top package of the innermost caller that is not the standard library."""
    frame = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if name and name != "pytest_ailoop" and name not in sys.stdlib_module_names:
            return name if name != "__main__" else "(the main script)"
        frame = frame.f_back  # type: ignore[assignment]
    return "(in a thread of the standard library)"
