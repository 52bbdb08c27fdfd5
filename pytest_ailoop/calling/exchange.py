"""One request on its way: found or let go, then kept, and told to the item's notebook.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from pytest_ailoop import recorder
from pytest_ailoop.calling.budget import Price
from pytest_ailoop.calling.hold import Hold
from pytest_ailoop.calling.identity import Request
from pytest_ailoop.calling.limits.deadlines import Deadline
from pytest_ailoop.calling.notes import Notes
from pytest_ailoop.calling.noting import price_of
from pytest_ailoop.calling.store import Store
from pytest_ailoop.calling.stored import StoredReply, pack
from pytest_ailoop.calling.unusable import why_unusable
from pytest_ailoop.data.call import Call
from pytest_ailoop.errors import BudgetError, LimitError, ReplyError, mark_unanswered
from pytest_ailoop.text import one_line

__all__ = ["Exchange"]

# What the server says of the request itself: too long, refused by a filter. Applications answer to
# that in ways that are theirs to be tested.
_ABOUT_THE_REQUEST = frozenset({400, 413, 422, 451})


class Exchange:
    """A request, its address, and what is done once the reply is known."""

    def __init__(
        self, store: Store, notebook: recorder.Recorder, request: Request, *, base_url: str
    ) -> None:
        #: What is asked, for whose item, and where it is sent, up to the endpoint.
        self.store, self.item, self.request = store, notebook, request
        self.base_url = base_url
        #: Digest of the key it is sent with, and the bytes of its body.
        self.key, self.size = "", 0
        #: How long the try that is under way may take, and what is raised where it takes longer.
        self.deadline: Deadline | None = None
        self.timed_out: Callable[[str], Exception] = TimeoutError
        #: Whether the try is over; that of a stream is when it was read. What an error said.
        self.is_over, self.said = True, b""
        self._is_given_up = False
        self._clock: Callable[[], float] = time.perf_counter
        self._purpose = recorder.purpose()
        self._hold = Hold(store, notebook, request, self._purpose)
        self.address = address = self._hold.address
        self._notes = Notes(
            store, notebook, request, base_url=base_url, address=address, purpose=self._purpose
        )
        #: Called with each live call that is noted, a failed try too.
        self.on_call = self._notes.on_call
        self._started = time.perf_counter()

    def found(self) -> StoredReply | None:
        """Return the stored reply to use; None lets the call go live.

        Raises `ReplyError` where replay has none or the recordings are damaged; the notebook
        remembers it, should the application swallow it.
        """
        __tracebackhide__ = True
        try:
            hold = self._hold
            found = self.store.find(
                self.request, self.address, hold.trial, hold.occurrence, self.item
            )
        except ReplyError as fault:
            self.item.faults.append(fault)
            self._notes.note(origin="recording", error=str(fault))
            raise
        if found is not None:
            stored, origin = found
            self._notes.reply(stored, origin)
            return stored
        return None

    async def join_async(self) -> StoredReply | None:
        """Return the reply that the same call, made elsewhere meanwhile, brought.

        None lets this one go out; `settle` must follow.
        """
        try:
            found = await self._hold.join_async()
        except BaseException:
            self.withdraw()
            raise
        return self._joined(found)

    def join(self, *, may_wait: bool) -> StoredReply | None:
        """Do as `join_async` in sync code, which waits for others only if it *may_wait*."""
        try:
            found = self._hold.join(may_wait=may_wait)
        except BaseException:
            self.withdraw()
            raise
        return self._joined(found)

    def _joined(self, found: StoredReply | None) -> StoredReply | None:
        if found is not None:
            self._notes.reply(found, "cache")
        return found

    def settle(self) -> None:
        """Let others try if no try of this call brought a reply: it will not be tried again.

        A stream tells by itself when it is over.
        """
        self._hold.settle()

    def goes(self, clock: Callable[[], float], on_end: Callable[[], None] | None = None) -> None:
        """Note that a try goes out now, timed by *clock*; *on_end* is called once it is over."""
        self._clock, self._started = clock, clock()
        self.is_over, self.said = False, b""
        self._hold.goes()
        try:
            self.store.flight.begin(self, self.request.model, self.item, on_end)
        except BaseException:
            if on_end is not None:
                on_end()
            raise

    def lands(self) -> None:
        """Note that the try is over, and what it held is free."""
        self.is_over = True
        self.store.flight.end(self)

    def _land(self) -> None:
        self.is_over = True
        # While more tries may follow, it is first looked at what this one says of the server.
        if not self._hold.may_try:
            self.store.flight.end(self)

    def add_fault(self, fault: Exception) -> None:
        """Let the item know of *fault*, should the application swallow it."""
        self.item.faults.append(fault)

    @property
    def noted(self) -> Call | None:
        """The call as it was noted last."""
        return self._notes.last

    def start(self) -> None:
        """Count a try that is about to go out; a retry is one more.

        Raises `BudgetError` where the session's budget allows none.
        """
        __tracebackhide__ = True
        self._hold.starts()
        budget, request = self.store.budget, self.request
        if budget.limited and request.is_model:
            price: Price = "known"
            if budget.needs_price:
                price = price_of(self.store.identity, request, self.base_url)
            budget.start(request.model, self._purpose, price)
            self.on_call[:] = [self._settle, *(one for one in self.on_call if one != self._settle)]

    def _settle(self, call: Call) -> None:
        """Tell the budget what a try cost; one without an answer may have cost something, too."""
        if call.error is None or call.cost is not None:
            self.store.budget.spent(self.request.model, self._purpose, call.cost)

    def recalled(self) -> StoredReply | None:
        """Return the stored reply, noted as a call; None, and nothing is noted, without one."""
        found = None
        with contextlib.suppress(ReplyError):  # Told by `found`, on the ordinary way.
            found = self.store.known(self.address, self.item)
        if found is None:
            self._hold.release()
            return None
        self._notes.reply(*found)
        return found[0]

    def withdraw(self) -> None:
        """Take back a call that `found` let go and that was not made: it is made another way."""
        self.lands()
        self._hold.release()
        self._hold.leave(failed=False)

    @property
    def elapsed(self) -> float:
        """Seconds since the call went out, rounded as they are kept."""
        return round(self._clock() - self._started, 4)

    def answered(
        self,
        status: int,
        content_type: str,
        body: bytes,
        first_token: float | None = None,
        *,
        again: bool = False,
    ) -> StoredReply | None:
        """Keep a live reply that is complete, and note the call; an error status is only noted, and
        so is a body that is no reply.

        *again* keeps a reply of which more came after its last event. Returns what was kept.
        """
        self._land()
        if not 200 <= status < 300:
            self._refused(status, body)
            return None
        request, stored = self.request, self._stored(status, content_type, body, first_token)
        why = ""
        if request.is_model:
            known = stored.reply.get("json")
            why = why_unusable(request.endpoint, content_type, body, known=known)
        if why and not again:
            self._hold.release()
            self._notes.note(origin="live", error=f"HTTP {status}, but {why}", status=status)
            self._notes.missed(why)
            self._hold.leave(failed=True)
        if why:
            return None
        self.store.keep(stored)
        self.item.unanswered(self.address, None)
        if not again:
            self._notes.reply(stored, "live")
        return stored

    def abandoned(
        self, status: int, content_type: str, body: bytes, first_token: float | None
    ) -> None:
        """Note a stream that the application did not read to its end; nothing is kept of it."""
        self._land()
        self._notes.reply(self._stored(status, content_type, body, first_token), "live")
        self._hold.leave(failed=False)

    def failed(self, error: BaseException) -> None:
        """Note that no reply came; a retry asks for the same address again."""
        self._land()
        self._hold.release()
        self._hold.leave(failed=isinstance(error, Exception))
        if self._is_given_up:
            return
        if isinstance(error, (BudgetError, LimitError)):  # It never went out.
            self.item.faults.append(error)
            return
        words = f"{type(error).__name__}: {error}"
        # Not where the body itself was cut off, by a timeout of the test or of the application.
        if isinstance(error, Exception):
            mark_unanswered(error)
            self._notes.missed(words)
        self._notes.note(origin="live", error=words, latency=self.elapsed)

    def given_up(self, seconds: float, lane: str, *, alone: bool) -> None:
        """Note that the call was cancelled after so many *seconds* in line for *lane*.

        It never went out, and the item's record counts it. Where it was *alone*, no other call of
        the item came back meanwhile, the application ran out of patience with our limits, which
        says nothing of its model.
        """
        self._is_given_up = True
        self.item.gives_up()
        if alone:
            self._notes.missed(
                f"it was cancelled after {seconds:.1f} s in line, before it went out, by a timeout "
                f"in the application or the test; next: raise that timeout, the limits of model "
                f"{lane} or --ailoop-concurrency"
            )

    def _refused(self, status: int, body: bytes) -> None:
        self.said = body[:2000]
        self._hold.release()
        self._hold.leave(failed=True)
        if not 300 <= status < 400:  # A redirect is followed, and seen where it leads.
            said = one_line(body[:2000].decode("utf-8", "replace"), 300)
            error = f"HTTP {status}: {said}" if said else f"HTTP {status}"
            self._notes.note(origin="live", error=error, status=status, latency=self.elapsed)
        if status >= 400 and status not in _ABOUT_THE_REQUEST:
            self._notes.missed(f"HTTP {status}")

    def _stored(
        self, status: int, content_type: str, body: bytes, first_token: float | None
    ) -> StoredReply:
        request = self.request
        return StoredReply(
            address=self.address,
            method=request.method,
            path=request.path,
            alias=request.alias,
            trial=self._hold.trial,
            occurrence=self._hold.occurrence,
            request=request.body,
            reply=pack(body, content_type),
            status=status,
            content_type=content_type,
            latency=self.elapsed,
            first_token=first_token,
        )
