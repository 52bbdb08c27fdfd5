"""How long one attempt may take: its whole reply, and the first byte of a stream.

Only time spent waiting for the server counts, by the clock of whoever waits: an event loop's stands
still while nobody drives it. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

__all__ = ["Deadline", "end_watch", "plug_of"]


class Deadline:
    """The seconds that one attempt has left.

    *make* turns words into what is raised where they are spent. A cut that is not ours (the
    application's own timeout, a broken connection) goes up as it is.
    """

    def __init__(
        self,
        model: str,
        *,
        timeout: float,
        first_byte: float,
        clock: Callable[[], float],
        make: Callable[[str], Exception],
    ) -> None:
        """*first_byte* counts for streams alone; infinite otherwise."""
        self._model, self._timeout, self._first_byte = model, timeout, first_byte
        self._clock, self._make = clock, make
        self._spent = 0.0
        self._since: float | None = None
        self._begun = False

    def begun(self) -> None:
        """Note that the first byte is there."""
        self._begun = True

    @property
    def runs(self) -> bool:
        """Whether somebody waits for the server at this moment."""
        return self._since is not None

    @property
    def spent(self) -> float:
        """Seconds of waiting so far."""
        return self._spent + (0.0 if self._since is None else self._clock() - self._since)

    @property
    def left(self) -> float:
        """Seconds until the cut; never below a millisecond, which a timeout of 0 would not be."""
        most = self._timeout if self._begun else min(self._timeout, self._first_byte)
        return max(0.001, most - self.spent)

    @contextlib.asynccontextmanager
    async def awaited(self) -> AsyncIterator[None]:
        """Cut what is awaited inside, on the running loop of asyncio; elsewhere only count."""
        import asyncio

        from pytest_ailoop.calling.loops import on_asyncio

        if self._since is not None:
            yield
            return
        cut = asyncio.timeout(self.left) if on_asyncio() else contextlib.nullcontext()
        self._since = self._clock()
        try:
            async with cut:
                yield
        except TimeoutError as error:
            if not (isinstance(cut, asyncio.Timeout) and cut.expired()):
                raise
            raise self._fault() from error
        finally:
            self._spent, self._since = self.spent, None

    @contextlib.contextmanager
    def waited(self, plug: socket.socket | None = None) -> Iterator[None]:
        """Cut what waits inside by shutting *plug*, the connection's socket.

        Without one it only counts: whoever waits keeps to `left` by itself. What is raised inside
        once all is spent becomes the fault that says so. One may lie inside another.
        """
        entry = None if plug is None else _watch.add(self.left, plug)
        is_outer = self._since is None
        if is_outer:
            self._since = self._clock()
        try:
            yield
        except Exception as error:
            # Timeouts of sockets are rounded, and may come a little early.
            if not is_outer or self.left > 0.02:
                raise
            raise self._fault() from error
        finally:
            if entry is not None:
                _watch.remove(entry)
            if is_outer:
                self._spent, self._since = self.spent, None

    def _fault(self) -> Exception:
        if self._begun or self._timeout <= self._first_byte:
            return self._make(
                f"cut: model {self._model} had not answered in full after {self._timeout:g} s"
                " (timeout of its table)"
            )
        return self._make(
            f"cut: the stream of model {self._model} had not begun after {self._first_byte:g} s"
            " (first_byte_timeout of its table)"
        )


#: Entries of the past that are not worth a look at all.
_FEW = 64


class _Entry:
    __slots__ = ("done", "plug")

    def __init__(self, plug: socket.socket) -> None:
        self.plug, self.done = plug, False


class _Watch:
    """One thread that shuts sockets whose time is up; there is none before the first."""

    def __init__(self) -> None:
        self._wakes = threading.Condition()
        self._entries: list[tuple[float, int, _Entry]] = []
        self._numbers = itertools.count()
        #: How many entries nobody waits for any more.
        self._idle = 0
        self._thread: threading.Thread | None = None

    def add(self, seconds: float, plug: socket.socket) -> _Entry:
        entry = _Entry(plug)
        with self._wakes:
            when = time.monotonic() + seconds
            heapq.heappush(self._entries, (when, next(self._numbers), entry))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="ailoop-deadlines", daemon=True
                )
                self._thread.start()
            elif self._entries[0][2] is entry:
                self._wakes.notify()
        return entry

    def remove(self, entry: _Entry) -> None:
        with self._wakes:
            entry.done = True
            self._idle += 1
            # Else each waits for its time, which is minutes away, and there may be thousands.
            if self._idle > _FEW and self._idle > len(self._entries) // 2:
                self._entries = [one for one in self._entries if not one[2].done]
                heapq.heapify(self._entries)
                self._idle = 0

    def end(self) -> None:
        """End the thread, and cut what is left; a later `add` begins anew."""
        with self._wakes:
            thread, self._thread = self._thread, None
            left, self._entries, self._idle = self._entries, [], 0
            self._wakes.notify_all()
        for _, _, entry in left:
            if not entry.done:
                _shut(entry.plug)
        if thread is not None:
            thread.join(1.0)

    def _run(self) -> None:
        with self._wakes:
            while self._thread is threading.current_thread():
                while self._entries and self._entries[0][2].done:
                    heapq.heappop(self._entries)
                    self._idle -= 1
                if not self._entries:
                    # Else it would be told of what comes, or to end.
                    if not self._wakes.wait(timeout=30.0) and not self._entries:
                        self._thread = None
                    continue
                left = self._entries[0][0] - time.monotonic()
                if left > 0:
                    self._wakes.wait(left)
                else:
                    _shut(heapq.heappop(self._entries)[2].plug)


def _shut(plug: socket.socket) -> None:
    # The socket's own way: that of TLS would wait for the other thread's read.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(plug, socket.SHUT_RDWR)


_watch = _Watch()


def end_watch() -> None:
    """End the thread that cuts blocking calls, and cut those: no session waits for any."""
    _watch.end()


def plug_of(response: Any) -> socket.socket | None:
    """Return the socket that *response* (of httpx or httpx2) comes by; None where it is shared."""
    extensions = response.extensions
    if extensions.get("http_version") == b"HTTP/2":
        return None
    stream = extensions.get("network_stream")
    found = None if stream is None else stream.get_extra_info("socket")
    return found if isinstance(found, socket.socket) else None
