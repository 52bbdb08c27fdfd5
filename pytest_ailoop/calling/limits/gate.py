"""Who may send now: the session's slots, and the lanes that its calls queue in.

Waiters are told through their tickets, so that async and sync ones stand in one queue, and a clock
that only counts can drive all of it. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from pytest_ailoop.calling.limits.lane import Lane, Ticket
from pytest_ailoop.calling.limits.lanes import Lanes
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import LimitError
from pytest_ailoop.settings import Settings

__all__ = ["Limits"]

# Seconds between two looks for what nobody tells: slots of other processes, loops that stand still.
_LOOK, _POLL = 0.1, 0.02
# Seconds without any call ending, after which streams that nobody reads do not count.
_STALE = 5.0


class Limits:
    """Limits of one session in this process; safe for several threads.

    *clock* is steady, *wall* the time of day, both in seconds; *jitter* spreads retries. Once
    *is_stopped*, nobody is let go any more.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        jitter: random.Random | None = None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.clock, self._wall = clock, wall
        self._is_stopped = is_stopped
        self._lock = threading.RLock()
        self._lanes = Lanes(settings, jitter or random.Random())
        self._waiting: dict[Lane, None] = {}
        self._held: dict[Ticket, None] = {}
        self._numbers = itertools.count()
        self._changed = clock()
        self._slots = self._lanes.slots

    def lane(self, host: str, model: str, key: str = "", spec: ModelSpec | None = None) -> Lane:
        """Return the lane of *model* at *host* for *key* (a digest), with the limits of *spec*."""
        found = self._lanes.known((host, model, key))
        if found is None:
            with self._lock:
                found = self._lanes.made((host, model, key), spec, self.clock())
        return found

    @property
    def lanes(self) -> list[Lane]:
        """All lanes so far."""
        return list(self._lanes)

    @property
    def in_flight(self) -> int:
        """Calls of this process that are out now."""
        return self._slots.in_use

    @property
    def waiting(self) -> int:
        """Calls of this process that wait for their turn."""
        with self._lock:
            return sum(len(lane.queue) for lane in self._waiting)

    def check(self, lane: Lane) -> None:
        """Raise `LimitError` where asking *lane*'s model is of no use."""
        with self._lock:
            self._check(lane, self.clock())

    def _check(self, lane: Lane, now: float) -> None:
        if self._is_stopped():
            raise LimitError("the run is being stopped: no call goes out any more")
        lane.check(now)

    def ask(
        self,
        lane: Lane,
        wake: Callable[[], None],
        is_live: Callable[[], bool] = lambda: True,
        *,
        tokens: float = 0.0,
        number: int | None = None,
        item: object = None,
    ) -> Ticket:
        """Return a ticket, granted at once where all is free; otherwise it waits in line.

        *number* is that of the ticket of an earlier try, *item* for whom the call is made: who
        holds a stream half read goes at once. Raises `LimitError` where asking is of no use. A
        ticket is given back by `leave`, granted or not.
        """
        with self._lock:
            now = self.clock()
            self._check(lane, now)
            if number is None:
                number = next(self._numbers)
                lane.calls += 1
            ticket = Ticket(lane, number, wake, is_live, tokens, item)
            if not lane.queue and self._is_open(lane, now, tokens) and self._take(lane):
                self._grant(ticket, now)
            else:
                lane.put(ticket)
                self._waiting[lane] = None
                self.pump()
            return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give *ticket* back, in whatever state; once is enough. Others may go then."""
        with self._lock:
            lane = ticket.lane
            if ticket in self._held:
                del self._held[ticket]
                lane.left(ticket)
                self._give(lane)
                self._changed = self.clock()
            elif ticket in lane.queue:
                lane.queue.remove(ticket)
            if self._waiting:
                self.pump()

    def told(
        self, ticket: Ticket, status: int | None, headers: Mapping[str, str], said: bytes
    ) -> None:
        """Learn from how *ticket*'s call ended, before it is given back.

        *status* None says that the connection failed, *said* is the start of an error's body.
        """
        with self._lock:
            now = self.clock()
            ticket.lane.told(ticket, status, headers, said, now=now, wall=self._wall())

    def used(self, ticket: Ticket, tokens: int, output: int) -> None:
        """Count the tokens that *ticket*'s call really used, *output* of them by the model."""
        with self._lock:
            ticket.lane.used(ticket, tokens, output)

    def may_retry(self, ticket: Ticket, tries: int, *, unconnected: bool = False) -> bool:
        """Return whether *ticket*'s call, tried *tries* times, may be once more, and count it."""
        with self._lock:
            return ticket.lane.may_retry(ticket, tries, unconnected=unconnected)

    def force(self, ticket: Ticket) -> float:
        """Let *ticket* go out though no slot is free; returns the seconds to wait before that.

        For who must not wait for others to end. 0 says that it went out. Raises `LimitError`.
        """
        with self._lock:
            if ticket.fault is not None:
                raise ticket.fault
            if ticket.granted:
                return 0.0
            now, lane = self.clock(), ticket.lane
            wait = lane.wait(now, ticket.tokens)
            if not wait:
                self._take(lane, over=True)
                self._send(ticket, now)
            return wait

    def pump(self) -> float:
        """Let go who may; returns the seconds after which to look again, should nobody leave."""
        with self._lock:
            now = self.clock()
            self._refuse(now)
            full: set[Lane] = set()
            while (found := self._next(now, full)) is not None:
                if self._take(found.lane):
                    self._send(found, now)
                else:
                    full.add(found.lane)
            for waits in (*self._behind_themselves(now), *self._stuck(now)):
                self._take(waits.lane, over=True)
                self._send(waits, now)
            return self._look_in(now)

    def _send(self, ticket: Ticket, now: float) -> None:
        lane = ticket.lane
        lane.queue.remove(ticket)
        if not lane.queue:
            self._waiting.pop(lane, None)
        self._grant(ticket, now)
        ticket.wake()

    def _grant(self, ticket: Ticket, now: float) -> None:
        ticket.lane.go(ticket, now)
        self._held[ticket] = None
        self._changed = now

    def _take(self, lane: Lane, *, over: bool = False) -> bool:
        if not self._slots.take(over=over):
            return False
        if lane.slots is None or lane.slots.take(over=over):
            return True
        self._slots.give()
        return False

    def _give(self, lane: Lane) -> None:
        self._slots.give()
        if lane.slots is not None:
            lane.slots.give()

    def _is_open(self, lane: Lane, now: float, tokens: float) -> bool:
        return lane.has_room(now) and not lane.wait(now, tokens)

    def _next(self, now: float, full: set[Lane]) -> Ticket | None:
        """Return who is first in the order of arrival, of those whose lane lets them go."""
        if self._slots.is_full:
            return None
        heads = (self._head(lane) for lane in self._waiting if lane not in full)
        open_ones = (
            head
            for head in heads
            if head is not None and self._is_open(head.lane, now, head.tokens)
        )
        return min(open_ones, default=None)

    def _head(self, lane: Lane) -> Ticket | None:
        """Return the first of *lane* that can go on; a loop that stands still keeps its place."""
        return next((one for one in lane.queue if one.is_live()), None)

    def _refuse(self, now: float) -> None:
        """Tell all who wait in a lane in which asking is of no use any more."""
        for lane in list(self._waiting):
            try:
                self._check(lane, now)
            except LimitError as fault:
                for ticket in lane.queue:
                    ticket.fault = LimitError(str(fault))
                    ticket.wake()
                lane.queue.clear()
            if not lane.queue:
                self._waiting.pop(lane, None)

    def _behind_themselves(self, now: float) -> list[Ticket]:
        """Return who must go out lest they wait for themselves.

        Their own item holds a stream half read, and goes on with it after this call.
        """
        holders = {one.item for one in self._held if one.parked and not one.is_read()} - {None}
        if not holders:
            return []
        waiting = (one for lane in self._waiting for one in lane.queue if one.item in holders)
        return [one for one in waiting if one.is_live() and not one.lane.wait(now, one.tokens)]

    def _stuck(self, now: float) -> list[Ticket]:
        """Return who must go out lest all stand still: nobody in flight can come back.

        Calls of a loop that is not driven end when it is driven again, which may be after the
        call that waits here.
        """
        stale = now - self._changed >= _STALE
        if not self._held or any(
            one.is_live() and not (stale and one.parked) for one in self._held
        ):
            return []
        heads = (self._head(lane) for lane in self._waiting)
        ready = (one for one in heads if one and not one.lane.wait(now, one.tokens))
        return sorted(ready)[:1]

    def _look_in(self, now: float) -> float:
        polls = self._slots.polls or any(lane.slots for lane in self._waiting)
        look = _POLL if polls else _LOOK
        for lane in self._waiting:
            times = [lane.wait(now, lane.queue[0].tokens), lane.cools_in(now) or 0.0]
            look = min([look, *(one for one in times if one > 0)])
        return max(look, 0.001)

    def warnings(self) -> Iterator[str]:
        """Yield what a person should know at the end: who was refused how often."""
        return self._lanes.warnings()

    def close(self) -> None:
        """Give back what other processes may wait for."""
        self._slots.close()
        for lane in self.lanes:
            if lane.slots is not None:
                lane.slots.close()
