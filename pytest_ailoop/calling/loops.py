"""Connections leave with the event loop they were opened on.

An application builds its async client once, but test runners like to give each test a loop of its
own. A connection that stays in the client's pool is tried again on the next loop and fails there
("Event loop is closed"), or warns when it is collected. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections.abc import AsyncGenerator
from typing import Any

__all__ = ["on_asyncio", "use"]

_lock = threading.Lock()
_used: dict[asyncio.AbstractEventLoop, _Used] = {}
_last: weakref.WeakKeyDictionary[Any, weakref.ref[asyncio.AbstractEventLoop]] = (
    weakref.WeakKeyDictionary()
)


class _Used:
    """The transports that one loop opened connections for."""

    def __init__(self) -> None:
        self.transports: weakref.WeakSet[Any] = weakref.WeakSet()
        # A loop closes its async generators as its last work, whoever runs it. It knows them
        # weakly: this one is kept here.
        self._end = self._give_back()
        with contextlib.suppress(StopIteration):
            self._end.asend(None).send(None)

    async def _give_back(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            for transport in list(self.transports):
                await close(transport)


def on_asyncio() -> bool:
    """Return whether the code that asks runs on a loop of asyncio, and not of another library."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def use(transport: Any) -> None:
    """Note that *transport* sends on the running loop; what it holds of another is closed."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # Not asyncio.
        return
    reference = _last.get(transport)
    before = None if reference is None else reference()
    if before is loop:
        return
    if before is not None and not before.is_closed() and not before.is_running():
        # It cannot run in this thread, where a loop runs.
        await asyncio.to_thread(before.run_until_complete, close(transport))
    _last[transport] = weakref.ref(loop)
    _of(loop).transports.add(transport)


def _of(loop: asyncio.AbstractEventLoop) -> _Used:
    with _lock:
        if loop not in _used:
            for gone in [one for one in _used if one.is_closed()]:
                del _used[gone]
            _used[loop] = _Used()
        return _used[loop]


async def close(transport: Any) -> None:
    """Close what *transport* holds open; it opens anew when it is used again."""
    with contextlib.suppress(Exception):
        await transport.aclose()
    # openai's transport for aiohttp keeps a closed session, which is of no more use.
    if getattr(getattr(transport, "client", None), "closed", False) is True:
        transport.client = None
