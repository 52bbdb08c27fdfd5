"""Whether one more live call may start: the session's limits of calls, cost and time.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Literal

from pytest_ailoop.calling.ledger import Book, Ledger, SharedLedger, ledger_of
from pytest_ailoop.errors import BudgetError
from pytest_ailoop.settings import Settings
from pytest_ailoop.text import plural

__all__ = ["Budget", "Price"]

Price = Literal["known", "free", "unknown"]
"""What is known of a call's cost before it is made; `free` is known to be 0."""

_NO_PRICE = (
    "the price of model {model!r} is not known, so its calls cannot be kept within "
    "--ailoop-max-cost; give it one: price = {{ input = 0.25, output = 2.0 }}, in US dollars per "
    "million tokens, under [tool.ailoop.models.NAME] with model = {model!r}"
)
_NO_USAGE = (
    "a reply of model {model!r} did not say how many tokens it took, so its calls cannot be kept "
    "within --ailoop-max-cost; a stream says it where it is asked with "
    "stream_options={{'include_usage': True}} and read to its end"
)
_GO_ON = "run the same command again to go on (replies so far are kept), or raise the limit"
_ANEW = "raise the limit; --ailoop-replies={mode} asks everything anew in each run"


class Budget:
    """Counts live calls against the limits of a session, over all its workers together.

    Costs that are not known yet count: a call in flight, or one that never came back, at the mean
    of its kind. So what is spent passes the limit by no more than the calls that were in flight
    before the first of their kind told its cost.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_calls, self.max_cost = settings.max_calls, settings.max_cost
        self.max_time = settings.max_time
        anew = settings.replies in ("live", "record")
        self._next = _ANEW.format(mode=settings.replies) if anew else _GO_ON
        self._clock = clock
        now = clock()
        # The controller's clock is that of its workers: they run on one machine.
        self._began = now if settings.began is None else min(settings.began, now)
        self._ledger: Ledger = ledger_of(settings)

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return not (self.max_calls is None and self.max_cost is None and self.max_time is None)

    @property
    def needs_price(self) -> bool:
        """Whether `start` must be told if the price is known."""
        return self.max_cost is not None

    def start(self, model: str | None, purpose: str = "app", price: Price = "known") -> None:
        """Count one live call, a retry too, that is about to be made.

        Raises `BudgetError`, and counts nothing, where it may not start.
        """
        __tracebackhide__ = True
        if not self.limited:
            return
        kind = _kind(model, purpose)
        why = self._ledger.change(lambda book: self._take(book, kind, model, price))
        if why:
            raise BudgetError(why)

    def check(self) -> None:
        """Raise `BudgetError` where no call can start any more, so that none waits for its turn."""
        __tracebackhide__ = True
        if self.limited:
            why = self._ledger.change(self._over)
            if why:
                raise BudgetError(why)

    def _over(self, book: Book) -> str:
        limit = self._reached(book, "", "free")
        return self._refusal(book, limit) if limit else ""

    def _refusal(self, book: Book, limit: str) -> str:
        book.stopped = book.stopped or limit
        return f"not asked: {self.words(limit)} is reached, {self.made(book)}; {self._next}"

    def spent(self, model: str | None, purpose: str, cost: float | None) -> None:
        """Note what a call that `start` counted turned out to cost; None is not to be known.

        A call that brought no answer at all is not noted: it may have cost something, and goes on
        counting at the mean of its kind. One answered with an error status cost 0.
        """
        if self.limited:
            self._ledger.change(lambda book: _settle(book, _kind(model, purpose), cost))

    def _take(self, book: Book, kind: str, model: str | None, price: Price) -> str:
        """Return why no call of *kind* may start; empty where it may, and is counted now."""
        if self.max_cost is not None:
            if price == "unknown":
                return f"not asked: {_NO_PRICE.format(model=model)}"
            if price != "free" and book.of(kind).unpriced:
                return f"not asked: {_NO_USAGE.format(model=model)}"
        limit = self._reached(book, kind, price)
        if limit:
            return self._refusal(book, limit)
        book.of(kind).calls += 1
        return ""

    def _reached(self, book: Book, kind: str, price: Price) -> str:
        if self.max_calls is not None and book.calls >= self.max_calls:
            return "max_calls"
        if self.max_time is not None and self._clock() - self._began >= self.max_time:
            return "max_time"
        if self.max_cost is None or price == "free":
            return ""
        # Once stopped for its cost a run stays so, also where calls in flight come cheaper.
        spent = book.stopped == "max_cost" or book.expected >= self.max_cost
        next_one = book.expected + book.of(kind).mean
        return "max_cost" if spent or next_one > self.max_cost * (1 + 1e-9) else ""

    def words(self, limit: str) -> str:
        """Return `--ailoop-max-calls=100` for the name of a limit."""
        unit = "s" if limit == "max_time" else ""
        return f"--ailoop-{limit.replace('_', '-')}={_short(getattr(self, limit))}{unit}"

    def made(self, book: Book) -> str:
        """Return `100 calls made`, with their cost where that is limited."""
        words = f"{plural(book.calls, 'call')} made"
        if self.max_cost is None:
            return words
        return f"{words} for ${_short(book.cost)}"

    @property
    def stopped(self) -> str:
        """The limit that ended the run early and what was made by then; empty where none did."""
        ledger = self._ledger
        if not self.limited or (isinstance(ledger, SharedLedger) and not ledger.path.exists()):
            return ""
        with contextlib.suppress(BudgetError):
            return ledger.change(self._stop_words)
        return ""

    def _stop_words(self, book: Book) -> str:
        return f"{self.words(book.stopped)}: {self.made(book)}" if book.stopped else ""

    def close(self) -> None:
        """Let go of what is shared; it stays for the other workers."""
        self._ledger.close()

    def remove(self) -> None:
        """Delete what the workers shared; for the controller, at the end."""
        if isinstance(self._ledger, SharedLedger):
            self._ledger.remove()


def _kind(model: str | None, purpose: str) -> str:
    return f"{purpose} {model or ''}"


def _settle(book: Book, kind: str, cost: float | None) -> None:
    entry = book.of(kind)
    if cost is None:
        entry.unpriced += 1
    elif cost == 0:
        entry.free += 1
    else:
        entry.priced += 1
        entry.cost += cost


def _short(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
