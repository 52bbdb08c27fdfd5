"""Identical calls in flight are made once: the first leads, the others wait for its reply.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from pytest_ailoop.calling.bells import AsyncBell, Bell, News, SyncBell
from pytest_ailoop.calling.claims import Claims
from pytest_ailoop.calling.stored import StoredReply

__all__ = ["Single"]

# After that many leaders in a row that got no reply, all who wait try for themselves: one after the
# other, a server that is down would keep the last one waiting for hours.
_PATIENCE = 2


class Single:
    """Finds out, for each call that is about to go out, whether the same is under way.

    *read* returns the reply at an address once it was kept; one made before *since* (Unix time)
    does not count. Without *claims* nothing is shared: each call goes out. A call that was let go
    stays the one of its address until `kept`, `leave` or `end_of`.
    """

    def __init__(
        self,
        claims: Claims | None,
        read: Callable[[str], StoredReply | None],
        *,
        since: float = 0.0,
    ) -> None:
        self._claims, self._read, self._since = claims, read, since
        self._process = 0
        self._renew()

    def _renew(self) -> None:
        """Begin anew in a forked process: those who lead went on in the other one.

        To be called before the lock is asked for, which may be shut for good there.
        """
        if self._process != os.getpid():
            self._process, self._lock = os.getpid(), threading.Lock()
            self._leads: dict[str, _Lead] = {}

    async def join_async(
        self, address: str, call: object, item: object = None
    ) -> StoredReply | None:
        """Return the reply that another call brought meanwhile; None lets *call* go out.

        *item* is for whom the call is made. Calls on the same loop are waited for, and those of
        other processes: another loop of this one may stand still for as long as this one runs.
        """
        if self._claims is None:
            return None
        bell = AsyncBell(call, item)
        steps = self._steps(address, bell, self._claims)
        try:
            while True:
                next(steps)
                await bell.heard()
        except StopIteration as end:
            found: StoredReply | None = end.value
            return found
        finally:
            steps.close()

    def join(
        self, address: str, call: object, item: object = None, *, may_wait: bool = True
    ) -> StoredReply | None:
        """Do as `join_async` in sync code, inside of `recorder.away()`.

        Where it may not wait for others, *call* goes out; those of other processes it waits for
        all the same if none can be waiting for this one.
        """
        if self._claims is None:
            return None
        bell = SyncBell(call, item, may_wait)
        steps = self._steps(address, bell, self._claims)
        try:
            while True:
                next(steps)
                bell.heard()
        except StopIteration as end:
            found: StoredReply | None = end.value
            return found
        finally:
            steps.close()

    def kept(self, address: str) -> None:
        """Tell all who wait for it that the reply at *address* is there."""
        if self._claims is None:
            return
        self._renew()
        with self._lock:
            lead = self._leads.pop(address, None)
            for bell in lead.waiting if lead else ():
                bell.ring("kept")
        self._claims.kept(address)

    def leave(self, address: str, call: object, *, failed: bool = True) -> None:
        """Let the next one try, if *call* leads: it has no reply, or got none in time.

        *failed* says that the server gave none. Nothing happens where the reply was kept.
        """
        self._renew()
        with self._lock:
            lead = self._leads.get(address)
            if lead is not None and lead.bell.call is call:
                self._hand_on(address, lead, failed=failed)

    def end_of(self, item: object) -> None:
        """Let others try in place of what *item* began and did not end: streams it never read."""
        self._renew()
        with self._lock:
            for address, lead in list(self._leads.items()):
                if lead.bell.item is item:
                    self._hand_on(address, lead, failed=False)

    def close(self) -> None:
        """Give back what other processes may wait for."""
        if self._claims is not None:
            self._claims.close()

    def _steps(
        self, address: str, bell: Bell, claims: Claims
    ) -> Generator[None, None, StoredReply | None]:
        """Yield where the caller has to wait for its bell; return as `join` does."""
        try:
            while True:
                news = self._enter(address, bell)
                if news is None:
                    yield
                    news = bell.news
                if news == "leads":
                    return (yield from self._lead(address, bell, claims))
                stored = None if news == "alone" else self._read(address)
                if stored is not None or news == "alone":
                    return stored
        except BaseException:
            self.leave(address, bell.call, failed=False)
            with self._lock:
                lead = self._leads.get(address)
                if lead is not None and bell in lead.waiting:
                    lead.waiting.remove(bell)
            raise

    def _enter(self, address: str, bell: Bell) -> News | None:
        self._renew()
        with self._lock:
            lead = self._leads.get(address)
            if lead is None:
                self._leads[address] = _Lead(bell)
                return "leads"
            if not bell.may_wait_for(lead.bell):
                return "alone"
            bell.hang()
            lead.waiting.append(bell)
            return None

    def _lead(
        self, address: str, bell: Bell, claims: Claims
    ) -> Generator[None, None, StoredReply | None]:
        """Take the address among all processes; yield and return as `_steps`."""
        since = self._since
        while True:
            taken = claims.take(address, since=since, loop=bell.loop)
            if taken == "kept":
                stored = self._read(address)
                if stored is not None:
                    self.kept(address)
                    return stored
                since = math.inf  # What is there cannot be read.
            elif taken == "held" and (bell.may_wait or not claims.holds_any):
                bell.hang()
                claims.watch(address, bell.call_again)
                try:
                    yield
                finally:
                    claims.unwatch(address)
            else:
                return None

    def _hand_on(self, address: str, lead: _Lead, *, failed: bool) -> None:
        lead.failures += failed
        waiting, lead.waiting = lead.waiting, []
        while waiting and lead.failures < _PATIENCE:
            lead.bell = waiting.pop(0)
            if lead.bell.ring("leads"):
                lead.waiting = [one for one in waiting if one.may_wait_for(lead.bell)]
                waiting = [one for one in waiting if one not in lead.waiting]
                break
        else:
            del self._leads[address]
            if self._claims is not None:
                self._claims.drop(address)
        for bell in waiting:
            bell.ring("alone")


@dataclass(eq=False)
class _Lead:
    """The call that is made, and those that wait for it."""

    bell: Bell
    waiting: list[Bell] = field(default_factory=list)
    failures: int = 0
