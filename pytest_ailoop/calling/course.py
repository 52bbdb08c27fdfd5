"""The tries of one call: what is asked before each, and what its end means for the next.

All that `conduct` and its async twin share. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_ailoop.calling.limits.deadlines import Deadline
from pytest_ailoop.calling.limits.verdicts import heals, heals_by_itself, no_connection
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import BudgetError, LimitError

if TYPE_CHECKING:
    from pytest_ailoop.calling.exchange import Exchange
    from pytest_ailoop.calling.limits import Lane, Ticket

__all__ = ["Course"]


class Course:
    """Leads one call through its tries; a call of anything but a model has one and no limits."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        store, request = exchange.store, exchange.request
        self._limits, self._given_up = store.limits, store.given_up
        self._ticket: Ticket | None = None
        #: The place in line of the first try, which further ones keep.
        self.number: int | None = None
        self._spent = 0.0
        self._spec = ModelSpec(alias="", model="")
        self.lane: Lane | None = None
        self._tries = 0
        if request.is_model:
            found = store.identity.spec_of(request.model, exchange.base_url + "/")
            name = request.model or ""
            self._spec = found or ModelSpec(alias=name, model=name)
            host = urlsplit(exchange.base_url).netloc
            self.lane = self._limits.lane(host, name, exchange.key, found)
            self._tries, fault = self._given_up.get(exchange.item, exchange.address)
            if fault is not None:
                exchange.withdraw()
                raise fault.with_traceback(None)

    def before(self) -> None:
        """Ask whether a try may go out at all; raises `LimitError` and `BudgetError`."""
        if self.lane is not None:
            self._limits.check(self.lane)
        self._exchange.store.budget.check()

    @property
    def tokens(self) -> float:
        """How many the call may use, where they are counted."""
        return 0.0 if self.lane is None else self.lane.expects(self._exchange.size)

    def goes(self, ticket: Ticket | None, clock: Callable[[], float]) -> Deadline:
        """Note that a try goes out now; returns how long it may take, by *clock*."""
        exchange, limits = self._exchange, self._limits
        try:
            # Here, and not before the wait for a place: who waits is not in flight, and must not be
            # let go by a budget that is spent meanwhile.
            exchange.start()
        except BudgetError:
            if ticket is not None:
                limits.leave(ticket)
            raise
        self._tries += 1
        self._ticket = ticket
        deadline = self._deadline(clock)
        exchange.deadline = None if ticket is None else deadline
        exchange.goes(clock, None if ticket is None else lambda: limits.leave(ticket))
        if ticket is not None:
            self.number = ticket.number
        if ticket is not None and ticket.tokens:
            exchange.on_call[:] = [one for one in exchange.on_call if one != self._used]
            exchange.on_call.append(self._used)
        return deadline

    def _deadline(self, clock: Callable[[], float]) -> Deadline:
        spec = self._spec
        return Deadline(
            repr(spec.alias),
            timeout=spec.timeout,
            first_byte=spec.first_byte_timeout if self._exchange.request.streams else float("inf"),
            clock=clock,
            make=self._exchange.timed_out,
        )

    def _used(self, call: Call) -> None:
        if self._ticket is not None and call.usage.input_tokens is not None:
            output = call.usage.output_tokens or 0
            self._limits.used(self._ticket, call.usage.input_tokens + output, output)

    def answered(self, status: int, headers: Mapping[str, str]) -> float | None:
        """Take what a try brought; returns the seconds until the next one, None where none is.

        *headers* are looked up by names in lower case.
        """
        if self.lane is None or self._ticket is None:
            self._exchange.lands()
            return None
        exchange, ticket = self._exchange, self._ticket
        self._limits.told(ticket, status, headers, exchange.said)
        again = heals(status) and self._may_again() and exchange.is_over
        if exchange.is_over:
            exchange.lands()
        else:
            ticket.parked = True
            if exchange.deadline is not None:
                deadline = exchange.deadline
                ticket.is_read = lambda: deadline.runs
        if status < 400:
            self._given_up.forget(exchange.item, exchange.address)
            return None
        # Pauses that are too long, and quotas, are told with these.
        barred = (status in (402, 403, 429) or status >= 500) and self._is_barred()
        if again and not barred:
            return self.lane.delay(self._tries)
        self._given_up.add(exchange.item, exchange.address, self._tries, None)
        return None

    def failed(self, error: BaseException) -> float | None:
        """Take what a try raised; returns the seconds until the next one, None where none is."""
        exchange = self._exchange
        went = self._ticket is not None and not isinstance(error, (BudgetError, LimitError))
        if went and self._ticket is not None and isinstance(error, Exception):
            self._limits.told(self._ticket, None, {}, b"")
        exchange.failed(error)
        exchange.lands()
        if self.lane is None or not went or not heals_by_itself(error):
            return None
        if self._may_again(unconnected=no_connection(error)) and not self._is_barred():
            return self.lane.delay(self._tries)
        if isinstance(error, Exception):
            self._given_up.add(exchange.item, exchange.address, self._tries, error)
        return None

    def _may_again(self, *, unconnected: bool = False) -> bool:
        """Return whether time and the lane allow one more try."""
        deadline = self._exchange.deadline
        self._spent += 0.0 if deadline is None else deadline.spent
        assert self._ticket is not None
        return self._spent < self._spec.timeout - 0.02 and self._limits.may_retry(
            self._ticket, self._tries, unconnected=unconnected
        )

    def _is_barred(self) -> bool:
        """Return whether asking again is of no use; the item is then told why."""
        assert self.lane is not None
        try:
            self._limits.check(self.lane)
        except LimitError as fault:
            self._exchange.add_fault(fault)
            return True
        return False
