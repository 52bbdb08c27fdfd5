"""The bodies that are at work: begun, and not at their end. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from types import TracebackType
from typing import NoReturn

from pytest_ailoop import recorder
from pytest_ailoop.scheduling.baton import Baton
from pytest_ailoop.scheduling.body import Body
from pytest_ailoop.scheduling.seats import Seats
from pytest_ailoop.scheduling.steps import Stepping, Steps

__all__ = ["Work"]


def _nothing() -> None:
    """Nobody asked to be told."""


class Work:
    """Begins bodies on *loop*, async ones as tasks and sync ones in threads, and sees them end.

    *over* is called after each end. *broken* is called with what a signal's handler raised while
    a sync body had the thread.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        over: Callable[[], None],
        broken: Callable[[BaseException], None],
    ) -> None:
        self.loop = loop
        self._over, self._broken = over, broken
        self._active: dict[Body, Baton | None] = {}
        self._released: dict[Body, Callable[[], None]] = {}
        self._failing: Body | None = None
        self._steps, self._seats = Steps(), Seats()

    @property
    def bodies(self) -> list[Body]:
        """The bodies at work, in the order of their begin."""
        return list(self._active)

    def __len__(self) -> int:
        return len(self._active)

    def __contains__(self, body: Body) -> bool:
        return body in self._active

    def begin(self, body: Body, context: contextvars.Context) -> None:
        """Begin *body* in *context*, which is its own from now on."""
        context.run(recorder.adopt, body.notebook)
        body.begins(self.loop.time())
        self._steps.mark(body)
        if body.is_async:
            self._active[body] = None
            stepping = Stepping(self._steps, body, self._contained(body))
            body.task = self.loop.create_task(stepping, context=context)
            body.task.add_done_callback(lambda _: self._left(body))
        else:
            outside = body.notebook.run_async

            def done() -> None:
                # The baton leads back to the body, too.
                body.notebook.run_async = outside
                self._ended(body)

            baton = Baton(
                self.loop,
                self._seats,
                work=lambda: self._contained_sync(body),
                done=done,
                lost=lambda fault: self._lost(body, fault),
                steps=(lambda: self._steps.begin(body), self._steps.end),
            )
            self._active[body] = baton
            body.notebook.run_async = baton.run_coroutine
            # Not at once: a body's begin would run inside whatever asked for it.
            self.loop.call_soon(baton.start, context)

    def close(self) -> None:
        """End the threads that wait for bodies."""
        self._seats.close()

    def release(self, body: Body, on_end: Callable[[], None]) -> None:
        """Call *on_end* once *body* is over."""
        if body in self._active:
            self._released[body] = on_end
        else:
            on_end()

    def waits(self, body: Body) -> bool:
        """Return whether *body* waits in a thread, which cannot be told before it is back."""
        baton = self._active.get(body)
        return baton is not None and not baton.runs

    def cut(self, body: Body) -> None:
        """Let *body* end at once, so far as it does so by itself."""
        if body not in self._active:
            return
        body.is_cut = True
        baton = self._active[body]
        if baton is not None:
            baton.cut()
        elif body.task is not None:
            body.task.cancel()

    def fail(self, body: Body, fault: BaseException) -> NoReturn:
        """Let *body*, whose own code runs at this moment, end with *fault*; for signal handlers."""
        __tracebackhide__ = True
        self._failing = body
        raise fault

    def running(self) -> Body | None:
        """Return the body whose own code runs at this moment, if any does; for signal handlers."""
        holder = next((one for one, baton in self._active.items() if baton and baton.runs), None)
        # Between two steps the context is that of whoever drives.
        if holder is not None or asyncio.current_task(self.loop) is None:
            return holder
        notebook = recorder.own()
        return next((one for one in self._active if one.notebook is notebook), None)

    def spent(self, body: Body) -> float:
        """Return the seconds that *body* had so far to go on: without those others kept it from."""
        if body.is_done:
            return body.spent
        if body not in self._active:
            return 0.0
        return body.runs_for(self.loop.time(), self.held_up(body))

    def held_up(self, body: Body) -> float:
        """Return the seconds in which long steps of others kept *body* from going on."""
        return self._steps.held_up(body)

    def where(self, body: Body) -> TracebackType | None:
        """Return where a sync *body* that is at work is; None for others."""
        baton = self._active.get(body)
        return None if baton is None else baton.where()

    async def _contained(self, body: Body) -> None:
        __tracebackhide__ = True
        body.begins(self.loop.time())  # Others took their first steps before.
        self._steps.mark(body)
        try:
            await body.function(**body.arguments)
        except BaseException as fault:
            body.fault = fault
            if isinstance(fault, KeyboardInterrupt):
                raise
        finally:
            self._ended(body)

    def _contained_sync(self, body: Body) -> None:
        __tracebackhide__ = True
        try:
            body.function(**body.arguments)
        except BaseException as fault:
            if not body.is_done:
                body.fault = fault

    def _left(self, body: Body) -> None:
        """Take the end of the task of *body*: cancelled before its first step, it says nothing."""
        if body in self._active:
            body.fault = asyncio.CancelledError("cancelled before its first step")
            self._ended(body)

    def _ended(self, body: Body) -> None:
        if body not in self._active:
            return
        baton, spent = self._active[body], self.spent(body)
        del self._active[body]
        held_up = 0.0 if baton is None else baton.held_up
        body.ends(body.runs_for(self.loop.time(), held_up), spent)
        # It leads back to the body, which would wait for the garbage collector: that comes rarely.
        body.task = None
        self._released.pop(body, _nothing)()
        self._over()

    def _lost(self, body: Body, fault: BaseException) -> None:
        """Give up a sync body that a signal took the baton from."""
        self.cut(body)
        if self._failing is body:
            baton = self._active[body]
            body.fault = fault.with_traceback(baton.where() if baton is not None else None)
        # Those two leave the loop by themselves.
        elif not isinstance(fault, (KeyboardInterrupt, SystemExit)):
            self._broken(fault)
        self._ended(body)
