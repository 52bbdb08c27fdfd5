"""Where a call waits for news of the same call, made elsewhere. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import threading
from typing import Any, Literal

from pytest_ailoop import recorder

__all__ = ["AsyncBell", "Bell", "News", "SyncBell"]

#: What a call is told: it `leads` and is made for all, a reply was `kept` meanwhile, or it goes
#: `alone`, with nobody waiting for it.
News = Literal["leads", "kept", "alone"]


class Bell:
    """Where one call waits for news, and what it may wait for."""

    loop: Any = None
    takes_turns = False

    def __init__(self, call: object, item: object, may_wait: bool = True) -> None:
        self.call, self.item, self.may_wait = call, item, may_wait
        self.news: News | None = None

    def may_wait_for(self, leader: Bell) -> bool:
        """Return whether *leader* is sure to go on while this one waits."""
        raise NotImplementedError

    def hang(self) -> None:
        """Get ready to be rung."""
        raise NotImplementedError

    def ring(self, news: News) -> bool:
        """Wake the call, from any thread; return whether there is anyone to hear it."""
        raise NotImplementedError

    def call_again(self) -> None:
        """Wake the call, which leads."""
        self.ring("leads")


class AsyncBell(Bell):
    def __init__(self, call: object, item: object) -> None:
        import asyncio

        super().__init__(call, item)
        self.loop = asyncio.get_running_loop()

    def may_wait_for(self, leader: Bell) -> bool:
        return leader.loop is self.loop

    def hang(self) -> None:
        self._future = self.loop.create_future()

    def ring(self, news: News) -> bool:
        self.news = news
        try:
            self.loop.call_soon_threadsafe(_resolve, self._future)
        except RuntimeError:  # The loop is closed.
            return False
        return True

    async def heard(self) -> None:
        await self._future


def _resolve(future: Any) -> None:
    if not future.done():
        future.set_result(None)


class SyncBell(Bell):
    def __init__(self, call: object, item: object, may_wait: bool) -> None:
        super().__init__(call, item, may_wait)
        self.takes_turns = recorder.takes_turns()

    def may_wait_for(self, leader: Bell) -> bool:
        if not self.may_wait:
            return False
        # A thread that a body started and waits for keeps that body from letting others go on.
        return self.takes_turns or (leader.loop is None and not leader.takes_turns)

    def hang(self) -> None:
        self._event = threading.Event()

    def ring(self, news: News) -> bool:
        self.news = news
        self._event.set()
        return True

    def heard(self) -> None:
        # On Windows, Ctrl-C ends no wait that has no end.
        while not self._event.wait(1.0):
            pass
