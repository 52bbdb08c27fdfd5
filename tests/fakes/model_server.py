"""A model's server and its callers on a clock that only counts: thousands of calls in no time."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_ailoop.calling.limits import Limits, Ticket
from pytest_ailoop.calling.limits.verdicts import heals
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.settings import Settings

__all__ = ["Clock", "Simulation", "Weather"]


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How the server answers."""

    latency: float = 0.2
    spread: float = 0.0
    """Up to this share more of the latency, drawn for each call."""
    faults: Mapping[str, float] = field(default_factory=dict)
    """Share of the calls that end in a status, or in a `reset`, whatever the load."""
    room: int | None = None
    """Calls that it works on at once; more are refused quickly with 429."""
    quick: float = 0.02
    """Seconds until it refuses."""


class Simulation:
    """So many calls, each tried until it is answered or given up, through real `Limits`."""

    def __init__(
        self,
        weather: Weather,
        *,
        concurrency: int = 50,
        seed: int = 0,
        spec: ModelSpec | None = None,
        headers: Callable[[float], Mapping[str, str]] = lambda now: {},
    ) -> None:
        self.clock = Clock()
        self.random = random.Random(seed)
        self.limits = Limits(
            Settings(root=Path("nowhere"), concurrency=concurrency),
            clock=self.clock,
            wall=lambda: 1.7e9 + self.clock.now,
            jitter=random.Random(seed + 1),
        )
        self.lane = self.limits.lane("host", "m", "", spec)
        self.weather, self.headers = weather, headers
        #: When calls went out, by the clock; how many were answered, refused, and lost for good.
        self.sent: list[float] = []
        self.answered = self.refused = self.lost = 0
        self.most = self.in_flight = self.working = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def run(self, calls: int) -> float:
        """Return the seconds that *calls* took, all wanted at once."""
        begun = self.clock.now
        for _ in range(calls):
            self._ask(0, None)
        while self.answered + self.lost < calls:
            look = self.clock.now + self.limits.pump()
            if self._events and (self._events[0][0] <= look or not self.limits.waiting):
                when, _, happen = heapq.heappop(self._events)
                self.clock.now = max(self.clock.now, when)
                happen()
            else:
                self.clock.now = look
        return self.clock.now - begun

    def _at(self, seconds: float, happen: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (self.clock.now + seconds, self._number, happen))

    def _ask(self, tries: int, number: int | None) -> None:
        woken: list[Ticket] = []
        ticket = self.limits.ask(
            self.lane, lambda: self._at(0.0, lambda: self._wake(woken, tries)), number=number
        )
        if ticket.granted:
            self._send(ticket, tries)
        else:
            woken.append(ticket)

    def _wake(self, woken: list[Ticket], tries: int) -> None:
        if woken:
            self._send(woken.pop(), tries)

    def _send(self, ticket: Ticket, tries: int) -> None:
        self.sent.append(self.clock.now)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        weather = self.weather
        took = weather.latency * (1 + weather.spread * self.random.random())
        works = weather.room is None or self.working < weather.room
        self.working += works
        outcome = self._outcome() if works else "429"
        after = took if works else weather.quick
        self._at(after, lambda: self._ended(ticket, outcome, tries + 1, works=works))

    def _outcome(self) -> str:
        drawn = self.random.random()
        for outcome, share in self.weather.faults.items():
            drawn -= share
            if drawn < 0:
                return outcome
        return "200"

    def _ended(self, ticket: Ticket, outcome: str, tries: int, *, works: bool) -> None:
        self.in_flight -= 1
        self.working -= works
        status = None if outcome == "reset" else int(outcome)
        self.limits.told(ticket, status, self.headers(self.clock.now), b"")
        self.limits.leave(ticket)
        self.refused += outcome in ("429", "503", "529")
        if outcome == "200":
            self.answered += 1
        elif (status is None or heals(status)) and self.limits.may_retry(ticket, tries):
            self._at(self.lane.delay(tries), lambda: self._ask(tries, ticket.number))
        else:
            self.lost += 1
