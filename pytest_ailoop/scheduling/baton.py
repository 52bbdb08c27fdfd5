"""Sync bodies side by side: each in a thread of its own, and only one of them runs at a time.

The loop's thread hands the baton to a body's thread and waits. It gets it back when the body is
over, or waits for the network; so what user code sees is one thread at work, as ever.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import math
import queue
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any

from pytest_ailoop import recorder
from pytest_ailoop.scheduling.seats import BodyCut, Seat, Seats

__all__ = ["Baton"]


class Baton:
    """Runs *work* in a thread by turns with the thread of *loop*; *done* is called in the latter.

    *steps* are called around each stretch. *lost* is called with what was raised while the loop's
    thread waited for this one: a signal's doing. The body's thread then has the baton still, and is
    on its own.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        seats: Seats,
        work: Callable[[], None],
        done: Callable[[], None],
        lost: Callable[[BaseException], None],
        steps: tuple[Callable[[], None], Callable[[], None]],
    ) -> None:
        self._loop, self._seats = loop, seats
        self._work, self._done, self._lost = work, done, lost
        self._begins, self._ends = steps
        # Semaphores in C: those of `threading` take the lock of a condition for each step.
        self._go: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._back: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._seat: Seat | None = None
        self._over = self._cut = self._is_lost = False
        self._held_up, self._ready = 0.0, loop.time()
        #: Whether the body runs at this moment, and the loop's thread waits for it.
        self.runs = False

    def start(self, context: contextvars.Context) -> None:
        """Run the body's first stretch, up to where it waits; call it in the loop's thread."""
        if self._cut:
            self._done()
            return
        self._seat = seat = self._seats.take()
        self._stretch(functools.partial(seat.give, functools.partial(context.run, self._body)))

    def cut(self) -> None:
        """Let the body end where it is: where it waits, after that; a Python loop at once."""
        self._cut = True
        if self.runs and self._seat is not None and self._seat.ident is not None:
            import ctypes  # for those that are cut alone

            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._seat.ident), ctypes.py_object(BodyCut)
            )

    @property
    def held_up(self) -> float:
        """Seconds by the loop's clock in which it could have run, but others had the baton."""
        return self._held_up + (0.0 if self.runs else max(0.0, self._loop.time() - self._ready))

    def where(self) -> TracebackType | None:
        """Return where the body's code is at this moment, like a traceback from its start."""
        ident = None if self._seat is None else self._seat.ident
        frame = None if ident is None else sys._current_frames().get(ident)
        found = None
        while frame is not None and frame.f_code is not Baton._body.__code__:
            found = TracebackType(found, frame, frame.f_lasti, frame.f_lineno or 0)
            frame = frame.f_back
        return found if frame is not None else None

    def _body(self) -> None:
        recorder.take_turns(self.away)
        try:
            self._work()
        finally:
            recorder.take_turns(None)
            self._over = True
            self._back.put(None)

    def _wake(self) -> None:
        self._go.put(None)

    def _stretch(self, wake: Callable[[], None]) -> None:
        self._held_up, self.runs = self.held_up, True
        self._begins()
        wake()
        try:
            self._back.get()
        except BaseException as fault:
            # What a signal's handler raised hits this thread, not the body's, which goes on.
            self._is_lost = True
            if self._seat is not None:
                self._seat.leave()
            self._lost(fault)
            if isinstance(fault, (KeyboardInterrupt, SystemExit)):
                raise
            return
        finally:
            self._ends()
        self._ready, self.runs = math.inf, False
        if self._over:
            self._leave()
            self._done()

    def _leave(self) -> None:
        """Give the thread back; where a cut may still come to it, it ends instead."""
        seat, self._seat = self._seat, None
        assert seat is not None
        if self._cut:
            seat.leave()
        else:
            self._seats.give_back(seat)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Give the baton back while the code inside waits; to be used in the body's thread."""
        self._back.put(None)
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        if self._is_lost:
            raise BodyCut
        self._ready = self._loop.time()
        try:
            self._loop.call_soon_threadsafe(self._stretch, self._wake)
        except RuntimeError:  # The loop is closed: the session is over.
            raise BodyCut from None
        self._go.get()
        if self._cut:
            raise BodyCut

    def run_coroutine(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Return what *coroutine* returns, run on the loop; to be called in the body's thread."""
        __tracebackhide__ = True
        context = contextvars.copy_context()
        ended = threading.Event()
        tasks: list[asyncio.Task[Any]] = []

        def begin() -> None:
            task = self._loop.create_task(coroutine, context=context)
            task.add_done_callback(lambda _: ended.set())
            tasks.append(task)

        with self.away():
            self._loop.call_soon_threadsafe(begin)
            ended.wait()
        return tasks[0].result()
