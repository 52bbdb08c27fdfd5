"""What a call holds while it is tried: its address among all calls, its number in its item.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from pytest_ailoop import recorder
from pytest_ailoop.calling.identity import Request, address_of
from pytest_ailoop.calling.store import Store
from pytest_ailoop.calling.stored import StoredReply
from pytest_ailoop.data.call import Purpose

__all__ = ["Hold"]


class Hold:
    """The address of a call; whoever asks for the same waits, until the call needs it no more.

    What is given back while another try may follow is given back by `settle`.
    """

    def __init__(
        self, store: Store, item: recorder.Recorder, request: Request, purpose: Purpose
    ) -> None:
        self._single, self._item, self._digest = store.single, item, request.digest
        # The same text is judged once, whichever trial it comes from.
        self._is_shared = purpose == "judge"
        self.trial = 1 if self._is_shared else item.trial
        self.occurrence = 0 if self._is_shared else item.claim(request.digest)
        self.address = address_of(request.digest, self.trial, self.occurrence)
        #: Whether another try may follow.
        self.may_try = False
        self._lost = False
        # Whether the last try failed; None while it may succeed.
        self._fruitless: bool | None = None

    async def join_async(self) -> StoredReply | None:
        """Return the reply that the same call brought meanwhile; None lets this one be tried."""
        found = await self._single.join_async(self.address, self, self._item)
        self.may_try = found is None
        return found

    def join(self, *, may_wait: bool) -> StoredReply | None:
        """Do as `join_async` in sync code, which waits for others only if it *may_wait*."""
        found = self._single.join(self.address, self, self._item, may_wait=may_wait)
        self.may_try = found is None
        return found

    def starts(self) -> None:
        """Note that a try is about to begin, which may succeed."""
        self._fruitless = None

    def goes(self) -> None:
        """Note that a try goes out now, which needs the number."""
        self._lost = False

    def release(self) -> None:
        """Let the next one of the item ask for the same reply."""
        self._lost = self.may_try
        if not self.may_try and not self._is_shared:
            self._item.release(self._digest, self.occurrence)

    def leave(self, *, failed: bool) -> None:
        """Let others try: this one has no reply; *failed* says that the server gave none."""
        self._fruitless = failed
        if not self.may_try:
            self._single.leave(self.address, self, failed=failed)

    def settle(self) -> None:
        """Give back what the last try gave back: none follows."""
        self.may_try = False
        if self._lost:
            self.release()
        if self._fruitless is not None:
            self.leave(failed=self._fruitless)
