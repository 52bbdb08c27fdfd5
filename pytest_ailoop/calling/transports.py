"""The patch on the transports that clients send by: httpx2, httpx, and openai's own for aiohttp.

Transport classes are the seam because each client ends there, whoever built it and when, while
the client's own work (auth, redirects, decoding, retries) stays as it is. What is patched is the
class, once, whatever names lead to it (`httpx2.alias_httpx()` makes two names one class); what
stood there before is called for each live request. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextvars
import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pytest_ailoop.calling.conduct import Answer, conduct, conduct_async
from pytest_ailoop.calling.exchange import Exchange
from pytest_ailoop.calling.opening import begin, concerns
from pytest_ailoop.calling.replies import Wire
from pytest_ailoop.calling.store import Store
from pytest_ailoop.errors import LimitError

__all__ = ["Patches"]

_SYNC, _ASYNC = "handle_request", "handle_async_request"
_TRANSPORTS: dict[str, tuple[tuple[str, str], ...]] = {
    "httpx2": (("HTTPTransport", _SYNC), ("AsyncHTTPTransport", _ASYNC)),
    "httpx": (("HTTPTransport", _SYNC), ("AsyncHTTPTransport", _ASYNC)),
    "openai._vendor.httpx_aiohttp.transport": (("AiohttpTransport", _ASYNC),),
}
# Set while a live request goes down: patches may lie in several layers over one another.
_below: contextvars.ContextVar[bool] = contextvars.ContextVar("pytest_ailoop_below", default=False)


class Patches:
    """The patched methods, and how to put them back."""

    def __init__(self, store_of: Callable[[], Store | None]) -> None:
        self._store_of = store_of
        self._done: list[tuple[Any, str, Any, Any]] = []
        self.watched: dict[str, Callable[[ModuleType], None]] = {
            name: functools.partial(self._patch_module, name) for name in _TRANSPORTS
        }

    def apply(self) -> None:
        """Patch what is imported by now and not patched, or no longer."""
        for name in _TRANSPORTS:
            module = sys.modules.get(name)
            if module is not None:
                self._patch_module(name, module)

    def undo(self) -> None:
        """Put back what stood there; below another patch, ours stays and does nothing."""
        left = []
        for owner, method, original, patched in reversed(self._done):
            if owner.__dict__.get(method) is patched:
                setattr(owner, method, original)
            else:
                left.append((owner, method, original, patched))
        self._done = left[::-1]

    def _patch_module(self, name: str, module: ModuleType) -> None:
        wire: Wire | None = None
        for class_name, method in _TRANSPORTS[name]:
            owner = getattr(module, class_name, None)
            # Half imported, or a stand-in of the user's: looked at again at the next item.
            original = None if owner is None else owner.__dict__.get(method)
            if original is None or self._is_on_top(owner, method, original):
                continue
            wire = wire or Wire(_client_module(name))
            wrap = _sync if method == _SYNC else _async
            patched = wrap(original, wire, self._store_of)
            self._done.append((owner, method, original, patched))
            setattr(owner, method, patched)

    def _is_on_top(self, owner: Any, method: str, standing: Any) -> bool:
        """Return whether *standing* is a patch of ours; what lay over it is gone, then."""
        ours = [one for one in self._done if one[:2] == (owner, method)]
        layers = [one[3] for one in ours]
        if not any(standing is layer for layer in layers):
            return False
        for gone in ours[layers.index(standing) + 1 :]:
            self._done.remove(gone)
        return True


def _client_module(name: str) -> ModuleType:
    return sys.modules[name if name == "httpx" else "httpx2"]


def _sync(original: Callable[..., Any], wire: Wire, store_of: Callable[[], Store | None]) -> Any:
    @functools.wraps(original)
    def handle_request(transport: Any, request: Any) -> Any:
        store = store_of()
        if store is None or _below.get() or not concerns(store, request):
            return original(transport, request)
        exchange = begin(store, request, request.read())
        if exchange is None:
            return original(transport, request)
        stored = exchange.found()
        if stored is not None:
            return wire.replay(stored)

        timeouts = _timed(exchange, request, wire)

        def send() -> Answer:
            _clamp(request, timeouts, exchange)
            return wire.answer(wire.watch(original(transport, request), exchange))

        token = _below.set(True)
        try:
            return wire.response(conduct(exchange, send))
        except LimitError as fault:
            return wire.barred(fault)
        finally:
            _below.reset(token)

    return handle_request


def _async(original: Callable[..., Any], wire: Wire, store_of: Callable[[], Store | None]) -> Any:
    @functools.wraps(original)
    async def handle_async_request(transport: Any, request: Any) -> Any:
        store = store_of()
        if store is None or _below.get() or not concerns(store, request):
            return await original(transport, request)
        from pytest_ailoop.calling import loops  # asyncio is there: an async transport runs

        exchange = begin(store, request, await request.aread())
        if exchange is None:
            return await original(transport, request)
        stored = exchange.found()
        if stored is not None:
            return wire.replay(stored)

        _timed(exchange, request, wire)

        async def send() -> Answer:
            await loops.use(transport)
            return wire.answer(await wire.watch_async(await original(transport, request), exchange))

        token = _below.set(True)
        try:
            return wire.response(await conduct_async(exchange, send))
        except LimitError as fault:
            return wire.barred(fault)
        finally:
            _below.reset(token)

    return handle_async_request


def _timed(exchange: Exchange, request: Any, wire: Wire) -> dict[str, float | None]:
    """Let a cut be raised as the client's own timeout; returns the timeouts it was given."""
    exchange.timed_out = lambda words: wire.module.ReadTimeout(words, request=request)
    return dict(request.extensions.get("timeout") or {})


def _clamp(request: Any, timeouts: dict[str, float | None], exchange: Exchange) -> None:
    """Let no step of a blocking attempt take longer than the whole may."""
    if exchange.deadline is None:
        return
    left = exchange.deadline.left
    steps = dict.fromkeys(("connect", "read", "write", "pool")) | timeouts
    request.extensions["timeout"] = {
        step: left if seconds is None else min(left, seconds) for step, seconds in steps.items()
    }
