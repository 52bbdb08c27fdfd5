"""Who has the thread, and for how long others had to stand by. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import time
from collections.abc import Coroutine, Generator
from typing import Any

from pytest_ailoop.scheduling.body import Body

__all__ = ["Stepping", "Steps"]

#: Seconds from which on a step of one body is held to keep others up.
LONG = 0.02


class Steps:
    """Counts the long steps of all bodies: of code that computes, or blocks instead of waiting."""

    def __init__(self) -> None:
        self._total = 0.0
        self._body: Body | None = None
        self._since = 0.0

    def begin(self, body: Body) -> None:
        """Note that *body* has the thread from now on."""
        self._body, self._since = body, time.monotonic()

    def end(self) -> None:
        """Note that it gave the thread back."""
        took, body = time.monotonic() - self._since, self._body
        if took >= LONG and body is not None:
            self._total += took
            body.held += took
        self._body = None

    def mark(self, body: Body) -> None:
        """Count for *body* from now on: it begins."""
        body.before = self._total

    def held_up(self, body: Body) -> float:
        """Return the seconds since *body*'s begin in which others did not let it go on."""
        others = self._total - body.before - body.held
        if self._body is not None and self._body is not body:
            others += time.monotonic() - self._since
        return others


class Stepping(Coroutine[Any, Any, None]):
    """A body's coroutine that tells *steps* of each of its steps."""

    def __init__(self, steps: Steps, body: Body, inner: Coroutine[Any, Any, None]) -> None:
        self._steps, self._body, self._inner = steps, body, inner

    def send(self, value: Any, /) -> Any:
        __tracebackhide__ = True
        self._steps.begin(self._body)
        try:
            return self._inner.send(value)
        finally:
            self._steps.end()

    def throw(self, *how: Any) -> Any:
        __tracebackhide__ = True
        self._steps.begin(self._body)
        try:
            return self._inner.throw(*how)
        finally:
            self._steps.end()

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, None]:
        return self._inner.__await__()
