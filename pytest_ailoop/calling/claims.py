"""Which calls other processes make at this moment: a table of the cache that all of them write to.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from pytest_ailoop.calling.database import Database
from pytest_ailoop.calling.processes import Others, me

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Claims", "Taken"]

Taken = Literal["ours", "kept", "held"]

#: Seconds between the beats that say that a claim is meant still.
BEAT = 1.0
#: Seconds for which the loop that a call depends on may stand still and the call be waited for:
#: two processes could each wait, at such a time, for what the other's loop has under way.
STILL = 10.0
#: Seconds for which any call is waited for.
MOST = 600.0
#: Seconds between looks at what is waited for: at first, and when nothing has come for long.
SOON, LATE = 0.02, 0.2

_TAKE = (
    "INSERT INTO claims (address, owner, beat) SELECT :address, :owner, :beat WHERE NOT EXISTS"
    " (SELECT 1 FROM replies WHERE address = :address AND created >= :since)"
    " ON CONFLICT (address) DO NOTHING"
)
_TAKE_OVER = "UPDATE claims SET owner = ?, beat = ? WHERE address = ? AND owner = ?"
_BEAT = "UPDATE claims SET beat = ? WHERE address = ? AND owner = ?"
_DROP = "DELETE FROM claims WHERE address = ? AND owner = ?"
_DROP_ALL = "DELETE FROM claims WHERE owner = ?"
_ONE = "SELECT owner, beat FROM claims WHERE address = ?"
_SOME = "SELECT address, owner, beat FROM claims WHERE address IN ({})"
_AT_ONCE = 500


class Claims:
    """Takes addresses for this process, and tells when those that others hold are free.

    One thread serves all of them, and is there only while something is held or waited for.
    """

    def __init__(
        self, database: Database, *, others: Others | None = None, beat: float = BEAT
    ) -> None:
        self._database, self._pause = database, beat
        self._others = others or Others()
        self._process = 0
        self._renew()

    def _renew(self) -> None:
        """Begin anew, in a forked process: with what it claims itself and with locks that are open.

        To be called before any lock is asked for.
        """
        if self._process == os.getpid():
            return
        self._changed = threading.Condition()
        self._owner, self._process = me(), os.getpid()
        self._beat = 0
        self._held: dict[str, tuple[Any, float]] = {}
        self._waiting: dict[str, Callable[[], None]] = {}
        self._loops = _Loops()
        self._looks, self._look_at = SOON, 0.0
        self._thread: threading.Thread | None = None

    def take(self, address: str, *, since: float = 0.0, loop: Any = None) -> Taken:
        """Claim *address* for a call that is about to go out.

        `kept`: there is a reply, made at *since* (Unix time) or later. `held`: another process
        makes the call. `ours`: go on, also where the database is of no use. *loop* is the event
        loop that the call depends on.
        """
        self._renew()
        row = {"address": address, "owner": self._owner, "beat": self._beat, "since": since}
        taken = self._database.run(lambda one: self._taken(one, row), writing=True)
        if taken == "ours":
            with self._changed:
                self._held[address] = loop, time.monotonic()
                self._serve()
        return taken or "ours"

    def _taken(self, connection: sqlite3.Connection, row: dict[str, Any]) -> Taken:
        if connection.execute(_TAKE, row).rowcount == 1:
            return "ours"
        found = connection.execute(_ONE, (row["address"],)).fetchone()
        if found is None:
            return "kept"
        owner, beat = _text(found[0]), found[1]
        if owner == row["owner"]:
            return "ours"
        if not self._is_gone(owner, beat):
            return "held"
        change = (row["owner"], row["beat"], row["address"], owner)
        return "ours" if connection.execute(_TAKE_OVER, change).rowcount == 1 else "held"

    def _is_gone(self, owner: str, beat: Any) -> bool:
        return not isinstance(beat, int) or self._others.is_gone(owner, beat)

    @property
    def holds_any(self) -> bool:
        """Whether other processes may be waiting for this one."""
        return bool(self._held)

    def drop(self, address: str) -> None:
        """Give a claim of ours back: there will be no reply."""
        self._renew()
        with self._changed:
            held = self._held.pop(address, None)
        if held is not None:
            values = (address, self._owner)
            self._database.run(lambda one: one.execute(_DROP, values), writing=True)

    def kept(self, address: str) -> None:
        """Forget a claim of ours; the database did so when the reply was written."""
        self._renew()
        with self._changed:
            self._held.pop(address, None)

    def watch(self, address: str, wake: Callable[[], None]) -> None:
        """Call *wake* in another thread as soon as no other process holds *address*."""
        with self._changed:
            self._waiting[address] = wake
            self._looks = SOON
            self._look_at = min(self._look_at, time.monotonic() + SOON)
            self._serve()
            self._changed.notify()

    def unwatch(self, address: str) -> None:
        """Take back `watch`."""
        with self._changed:
            self._waiting.pop(address, None)

    def close(self) -> None:
        """Give all claims back; a later use begins anew."""
        self._renew()
        with self._changed:
            held = bool(self._held)
            self._held.clear()
            self._waiting.clear()
            self._changed.notify()
        if held:
            self._database.run(lambda one: one.execute(_DROP_ALL, (self._owner,)), writing=True)

    def _serve(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="ailoop-claims", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        beat = time.monotonic() + self._pause
        while self._goes_on(beat):
            now = time.monotonic()
            if now >= beat:
                self._send_beat()
                self._database.tidy()
                beat = now + self._pause
            if self._waiting and now >= self._look_at:
                self._look()

    def _goes_on(self, beat: float) -> bool:
        """Wait, and return whether there is anything to do; a pause between two calls is waited
        out, for a thread costs more than a claim."""
        with self._changed:
            if self._held or self._waiting:
                due = min(beat, self._look_at) if self._waiting else beat
                self._changed.wait(max(0.0, due - time.monotonic()))
            else:
                self._changed.wait(self._pause)
            if not self._held and not self._waiting:
                self._thread = None
            return self._thread is not None

    def _send_beat(self) -> None:
        with self._changed:
            self._beat += 1
            now = time.monotonic()
            turning = self._loops.turning({loop for loop, _ in self._held.values()}, now)
            meant = [
                (self._beat, address, self._owner)
                for address, (loop, since) in self._held.items()
                if loop in turning and now - since < MOST
            ]
        if meant:
            self._database.run(lambda one: one.executemany(_BEAT, meant), writing=True)

    def _look(self) -> None:
        with self._changed:
            waiting = list(self._waiting)
        free = set(waiting)
        for start in range(0, len(waiting), _AT_ONCE):
            free -= self._not_free(waiting[start : start + _AT_ONCE])
        with self._changed:
            calls = [self._waiting.pop(one, None) for one in free]
            self._looks = SOON if free else min(self._looks * 1.2, LATE)
            self._look_at = time.monotonic() + self._looks
        for wake in calls:
            if wake is not None:
                wake()

    def _not_free(self, addresses: list[str]) -> set[str]:
        query = _SOME.format(",".join("?" * len(addresses)))
        rows = self._database.run(lambda one: one.execute(query, addresses).fetchall())
        return {
            _text(address)
            for address, owner, beat in rows or ()
            if not self._is_gone(_text(owner), beat)
        }


class _Loops:
    """Which event loops turn; None stands for a thread, which needs none."""

    def __init__(self) -> None:
        self._turned: dict[Any, float] = {}
        self._asked: set[Any] = set()

    def turning(self, loops: set[Any], now: float) -> set[Any]:
        """Return those of *loops* that have turned within `STILL` seconds, and ask all again."""
        self._turned = {one: self._turned.get(one, now) for one in loops}
        self._asked &= loops
        for one in loops - self._asked - {None}:
            try:
                one.call_soon_threadsafe(self._mark, one)
            except RuntimeError:  # Closed: nothing will come of it.
                self._turned[one] = now - STILL
            else:
                self._asked.add(one)
        return {one for one in loops if one is None or now - self._turned[one] < STILL}

    def _mark(self, loop: Any) -> None:
        self._turned[loop] = time.monotonic()
        self._asked.discard(loop)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
