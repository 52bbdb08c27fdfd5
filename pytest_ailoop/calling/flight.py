"""Which live calls are under way at this moment. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pytest_ailoop.errors import ReplyError
from pytest_ailoop.frozen import dataclass

__all__ = ["Flight", "Live"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """A call that went out and has not come back."""

    model: str | None
    """Name of the model that was asked, where the request has one."""
    since: float
    """When it went out, by `time.monotonic()`."""
    owner: object = None
    """The item it was made for."""
    on_end: Callable[[], None] | None = None
    """Called when it is over."""


class Flight:
    """Keeps the calls under way, for whoever wants to show them; safe for several threads."""

    def __init__(self) -> None:
        #: Called when a call went out, and when the last one came back; each in the thread that
        #: made the call.
        self.on_start: list[Callable[[], None]] = []
        self.on_rest: list[Callable[[], None]] = []
        #: Whether no call may go out any more: the run is being stopped.
        self.is_closed = False
        self._calls: dict[int, Live] = {}
        self._lock = threading.Lock()

    def begin(
        self,
        call: object,
        model: str | None,
        owner: object = None,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """Note that *call* goes out, for the item *owner*; raises `ReplyError` once closed.

        *on_end* is called once it is over.
        """
        if self.is_closed:
            raise ReplyError("the run is being stopped: no call goes out any more")
        live = Live(model=model, since=time.monotonic(), owner=owner, on_end=on_end)
        with self._lock:
            self._calls[id(call)] = live
        for tell in self.on_start:
            tell()

    def end(self, call: object) -> None:
        """Note that *call* came back, in whatever way; once is enough."""
        with self._lock:
            known = self._calls.pop(id(call), None)
            resting = known is not None and not self._calls
        if known is not None and known.on_end is not None:
            known.on_end()
        for tell in self.on_rest if resting else ():
            tell()

    def end_of(self, owner: object) -> None:
        """Forget those of *owner*: an item is over, and streams that nobody read to their end."""
        with self._lock:
            left = [name for name, call in self._calls.items() if call.owner is owner]
            ended = [self._calls.pop(name) for name in left]
            resting = bool(left) and not self._calls
        for one in ended:
            if one.on_end is not None:
                one.on_end()
        for tell in self.on_rest if resting else ():
            tell()

    @property
    def calls(self) -> tuple[Live, ...]:
        """The calls under way, the oldest first."""
        with self._lock:
            return tuple(self._calls.values())
