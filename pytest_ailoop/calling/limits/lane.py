"""One model on one server with one key: its window, rates, pause, breaker and retry budget.

Not safe for several threads by itself: the gate that owns the lanes has the lock.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import random
from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pytest_ailoop.calling.limits.headers import quotas, retry_after
from pytest_ailoop.calling.limits.rates import Meter, Rate
from pytest_ailoop.calling.limits.slots import Slots
from pytest_ailoop.calling.limits.verdicts import is_quota, is_refusal
from pytest_ailoop.calling.limits.window import Window
from pytest_ailoop.errors import LimitError
from pytest_ailoop.text import one_line

__all__ = ["LONGEST_PAUSE", "Lane", "Ticket"]

#: Seconds that a server may ask to be left alone; what is longer is a fault, now.
LONGEST_PAUSE = 120.0
# Seconds that a refused call keeps its place, while it is not known how long a call takes.
_UNKNOWN = 1.0
_TRIES = 12
# Where the server was never heard, or never gave an answer, it is rather ours to look.
_TRIES_UNANSWERED, _TRIES_UNHEARD = 5, 3
_SPARE, _SPARE_SHARE = 10, 0.6
_FIRST_DELAY, _LONGEST_DELAY, _HEALTHY_DELAY = 0.25, 8.0, 0.6


@dataclass(eq=False, slots=True)
class Ticket:
    """A call's place in the queue, and then in flight."""

    lane: Lane
    number: int
    """Its place in the order of arrival; a further try keeps it."""
    wake: Callable[[], None]
    """Called once it is granted or refused; quick, and safe from any thread."""
    is_live: Callable[[], bool]
    """Whether whoever waits can go on at once, and whoever holds it may end by itself."""
    tokens: float = 0.0
    """How many it is expected to use."""
    item: object = None
    """For whom the call is made."""
    granted: bool = False
    fault: LimitError | None = None
    parked: bool = False
    """Whether it is a stream that the application reads."""
    is_read: Callable[[], bool] = lambda: False
    """Whether somebody waits for the next bytes of that stream at this moment."""
    epoch: int = 0
    since: float = 0.0
    spent: list[float] | None = field(default=None, repr=False)

    def __lt__(self, other: Ticket) -> bool:
        return self.number < other.number


class Lane:
    """What is known of one model's server."""

    def __init__(
        self,
        name: str,
        *,
        most: int,
        now: float,
        rpm: float | None = None,
        tpm: float | None = None,
        offset: float = 0.0,
        jitter: random.Random | None = None,
        slots: Slots | None = None,
    ) -> None:
        """*rpm* and *tpm* are this process's share; *most* is what may be in flight at all."""
        self.name = name
        #: Places shared with other processes, where there are fewer than processes.
        self.slots = slots
        self.window = Window(most)
        self.queue: list[Ticket] = []
        self.in_use = 0
        #: Calls, tries after the first, and refusals so far.
        self.calls = self.retries = self.refusals = 0
        #: Why nothing is asked any more; empty while all is well.
        self.broken = ""
        #: Seconds that the server asked to be left alone for, where that was too long to wait.
        self.barred = 0.0
        self._heard = self._answered = False
        self._floor = 0.0
        self._health = 1.0
        self._typical: float | None = None
        self._cooling: deque[float] = deque()
        self._rpm = Rate(rpm, now=now, offset=offset) if rpm else None
        self._tpm = Rate(tpm, now=now, offset=offset) if tpm else None
        self._meters: dict[str, Meter] = {}
        self._jitter = jitter or random.Random()
        self._output = 0.0

    def check(self, now: float) -> None:
        """Raise `LimitError` where asking is of no use, in words that say so."""
        if self.broken:
            raise LimitError(
                f"model {self.name} is not asked any more in this run: {self.broken}\n"
                "  next: look at the plan and the billing of that account; other models go on"
            )
        pause = self._floor - now
        if pause > LONGEST_PAUSE:
            raise LimitError(
                f"model {self.name}: the server wants to be left alone for {pause:.0f} s more; "
                f"no more than {LONGEST_PAUSE:.0f} s are waited for\n"
                "  next: run again later, what was answered is kept"
            )

    @property
    def left_alone(self) -> str:
        """Why nothing more was asked in this run, in words for its end; empty where it was."""
        if self.broken or not self.barred:
            return self.broken
        return (
            f"its server wants to be left alone for {_lasting(self.barred)} (retry-after), and no "
            f"more than {LONGEST_PAUSE:.0f} s are waited for; next: run again after that, what was "
            "answered is kept"
        )

    def wait(self, now: float, tokens: float) -> float:
        """Return the seconds of pause and rates until a call may go out; 0 for now."""
        wait = self._floor - now
        if self._rpm is not None:
            wait = max(wait, self._rpm.wait(now))
        if self._tpm is not None:
            wait = max(wait, self._tpm.wait(now, tokens))
        for kind, meter in self._meters.items():
            wait = max(wait, meter.wait(now, tokens if kind == "tokens" else 1.0))
        return max(0.0, wait)

    def has_room(self, now: float) -> bool:
        """Return whether the window lets one more go out."""
        return self.in_use + self._cooling_at(now) < self.window.size

    def cools_in(self, now: float) -> float | None:
        """Return the seconds until a refused call gives its place back."""
        if not self._cooling_at(now):
            return None
        return max(0.0, self._cooling[0] + self._rest - now)

    def _cooling_at(self, now: float) -> int:
        while self._cooling and self._cooling[0] + self._rest <= now:
            self._cooling.popleft()
        return len(self._cooling)

    @property
    def _rest(self) -> float:
        return _UNKNOWN if self._typical is None else self._typical

    def put(self, ticket: Ticket) -> None:
        """Let *ticket* wait for its turn."""
        insort(self.queue, ticket)

    def go(self, ticket: Ticket, now: float) -> None:
        """Let *ticket*'s call go out."""
        ticket.granted, ticket.since, ticket.epoch = True, now, self.window.epoch
        self.in_use += 1
        if self.in_use + len(self._cooling) >= self.window.size:
            self.window.filled()
        if self._rpm is not None:
            self._rpm.take(now)
        if self._tpm is not None:
            ticket.spent = self._tpm.take(now, ticket.tokens)
        for kind, meter in self._meters.items():
            meter.take(ticket.tokens if kind == "tokens" else 1.0)

    def left(self, ticket: Ticket) -> None:
        """Take *ticket*'s call for one that is not in flight any more."""
        ticket.granted = False
        self.in_use -= 1

    def told(
        self,
        ticket: Ticket,
        status: int | None,
        headers: Mapping[str, str],
        said: bytes,
        *,
        now: float,
        wall: float,
    ) -> None:
        """Learn from how *ticket*'s call ended; *status* None says that the connection failed."""
        answered = status is not None and status < 400
        self._health += 0.03 * (answered - self._health)
        refused = status is not None and is_refusal(status)
        self.window.replied(ticket.epoch, refused=refused)
        if status is None:
            return
        self._heard = True
        if answered:
            self._answered = True
            self._time(now - ticket.since)
        if refused:
            self.refusals += 1
            self._cooling.append(ticket.since)
        self._listen(status, headers, said, now, wall)

    def _time(self, seconds: float) -> None:
        known = self._typical
        self._typical = seconds if known is None else known + 0.1 * (seconds - known)

    def _listen(
        self, status: int, headers: Mapping[str, str], said: bytes, now: float, wall: float
    ) -> None:
        if is_quota(status, said):
            told = one_line(said[:2000].decode("utf-8", "replace"), 200)
            self.broken = f"HTTP {status}: {told}" if told else f"HTTP {status}"
            return
        empty = 0.0
        for quota in quotas(headers, wall):
            self._meters.setdefault(quota.kind, Meter()).heard(quota, now)
            if quota.remaining < 1:
                empty = max(empty, quota.reset)
        if status < 400:
            return
        pause = retry_after(headers, wall)
        if pause is None and status == 429 and empty <= LONGEST_PAUSE:
            pause = empty
        if pause:
            self._floor = max(self._floor, now + pause)
            if pause > LONGEST_PAUSE:
                self.barred = max(self.barred, pause)

    def expects(self, size: int) -> float:
        """Return the tokens that a request of *size* bytes may cost; 0 where none are counted."""
        counts = self._tpm is not None or "tokens" in self._meters
        return size / 4 + self._output if counts else 0.0

    def used(self, ticket: Ticket, tokens: int, output: int) -> None:
        """Put the tokens that *ticket*'s call used in the place of what was expected."""
        self._output += 0.1 * (output - self._output) if self._output else output
        if self._tpm is not None and ticket.spent is not None:
            self._tpm.correct(ticket.spent, tokens)

    def may_retry(self, ticket: Ticket, tries: int, *, unconnected: bool = False) -> bool:
        """Return whether *ticket*'s call, tried *tries* times, may be once more, and count it.

        What was in flight when the window was cut is not counted: the cut answers it, and there
        are as many of them as were too many.
        """
        most = _TRIES
        if not self._answered:
            most = _TRIES_UNANSWERED
            if unconnected and not self._heard:
                most = _TRIES_UNHEARD
        counts = ticket.epoch == self.window.epoch
        spent = counts and self.retries >= _SPARE + _SPARE_SHARE * self.calls
        if self.broken or tries >= most or spent:
            return False
        self.retries += counts
        return True

    def delay(self, tries: int) -> float:
        """Return the seconds before another try; few where the server answers other calls."""
        longest = _HEALTHY_DELAY if self._health > 0.4 else _LONGEST_DELAY
        return self._jitter.uniform(0.0, min(longest, _FIRST_DELAY * 2 ** min(tries, 16)))


def _lasting(seconds: float) -> str:
    """Return `130 s`, `45 min`, `24 h`."""
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 3 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"
