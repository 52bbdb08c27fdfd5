"""Rates: at most so many requests or tokens a minute, by our word or by the server's.

Both are asked how long to wait, and told what went out. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import deque

from pytest_ailoop.calling.limits.headers import Quota

__all__ = ["Meter", "Rate"]

_MINUTE = 60.0


class Rate:
    """At most *most* units in any minute; times are seconds of one steady clock.

    A share of several processes may be less than one unit: then there is one in a longer time,
    from *offset* (0 to 1) of it on, so that the processes take turns.
    """

    def __init__(self, most: float, *, now: float, offset: float = 0.0) -> None:
        self._most, self._period = max(most, 1.0), _MINUTE
        self._from = now
        if most < 1:
            self._period = _MINUTE / most
            self._from = now + offset * self._period
        self._gone: deque[list[float]] = deque()
        self._sum = 0.0

    def wait(self, now: float, units: float = 1.0) -> float:
        """Return the seconds until *units* may go out; more than all of a minute's go alone."""
        self._forget(now)
        over = self._sum + min(units, self._most) - self._most
        wait = self._from - now
        for moment, gone in self._gone if over > 0 else ():
            over -= gone
            if over <= 1e-9:
                wait = max(wait, moment + self._period - now)
                break
        return max(0.0, wait)

    def take(self, now: float, units: float = 1.0) -> list[float]:
        """Note that *units* go out; the entry that comes back can be given to `correct`."""
        entry = [now, units]
        self._gone.append(entry)
        self._sum += units
        return entry

    def correct(self, entry: list[float], units: float) -> None:
        """Put what was really used in the place of an estimate."""
        if self._gone and entry[0] >= self._gone[0][0]:
            self._sum += units - entry[1]
            entry[1] = units

    def _forget(self, now: float) -> None:
        while self._gone and self._gone[0][0] + self._period <= now:
            self._sum -= self._gone.popleft()[1]


class Meter:
    """What a server says is left of a limit, as it fills up again."""

    def __init__(self) -> None:
        self._left = self._limit = self._speed = self._heard = 0.0
        self._full_at: float | None = None

    def heard(self, quota: Quota, now: float) -> None:
        """Believe the newest word."""
        self._left, self._limit, self._heard = quota.remaining, quota.limit, now
        self._full_at = now + quota.reset
        self._speed = (quota.limit - quota.remaining) / quota.reset if quota.reset else 0.0

    def wait(self, now: float, units: float = 1.0) -> float:
        """Return the seconds until *units* are there; 0 where nothing is known."""
        if self._full_at is None or now >= self._full_at:
            self._full_at = None
            return 0.0
        missing = min(units, self._limit) - self._left - self._speed * (now - self._heard)
        if missing <= 0:
            return 0.0
        rest = self._full_at - now
        return min(rest, missing / self._speed) if self._speed else rest

    def take(self, units: float = 1.0) -> None:
        """Note that *units* go out."""
        self._left -= units
