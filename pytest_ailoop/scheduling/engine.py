"""Drives bodies: starts as many as may run, and lets them go on while one of them is waited for.

All runs in one thread, which is pytest's own, and only while `wait` or `drain` does: between items,
in fixtures and in ordinary tests no body moves. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from collections.abc import Callable, Coroutine
from typing import Any

from pytest_ailoop.scheduling.body import Body
from pytest_ailoop.scheduling.carry import CarryPatch
from pytest_ailoop.scheduling.clock import Clock
from pytest_ailoop.scheduling.output import LogPatch, released, routed
from pytest_ailoop.scheduling.work import Work

__all__ = ["Engine"]

#: How many turns of the loop an item that needs no waiting gives to the others; where reports lag
#: behind: one in which another body begins, one for its first step.
_TURNS, _FEW_TURNS = 4, 2
#: Seconds for a body that was told to end.
_PATIENCE = 1.0


class Engine:
    """Keeps at most *gate* bodies at work, and at most *lookahead* started and not waited for.

    While one body is waited for long, up to *most* are started: those behind it shall not wait for
    it as well.

    *upcoming* returns the next body to start before its turn, or None where there is none now.
    *last* is what each loop runs before bodies leave it: it closes what they opened there.
    """

    def __init__(
        self,
        *,
        gate: int,
        lookahead: int,
        most: int | None = None,
        upcoming: Callable[[], Body | None],
        last: Callable[[], Coroutine[Any, Any, object]] | None = None,
    ) -> None:
        self._own = asyncio.new_event_loop()
        self._clock = Clock(self._own)
        self.work = Work(self._own, over=self._one_is_over, broken=self._break)
        self._gate, self._lookahead, self._upcoming = gate, lookahead, upcoming
        self._most = max(lookahead, most or 0)
        #: What *lookahead* is at this moment.
        self._room = lookahead
        self._last = last
        self._ahead: set[Body] = set()
        self._until: Callable[[], bool] | None = None
        self._draining = self._pumping = self._filling = False
        self._interruption: BaseException | None = None
        self._base = contextvars.copy_context()
        self._patches = (LogPatch(), CarryPatch())

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that bodies run on."""
        return self.work.loop

    @property
    def active(self) -> int:
        """How many bodies have begun and not ended."""
        return len(self.work)

    def use(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Run bodies on *loop* from now on, or on the engine's own; those at work end before."""
        __tracebackhide__ = True
        loop = loop or self._own
        if loop is self.loop:
            return
        self.drain()
        if self.loop is not self._own:
            self._leave()
        self.work.loop = loop
        if loop is not self._own:
            self._clock = Clock(loop)

    def _leave(self) -> None:
        """Give a loop back that is another's; it may be closed by now."""
        self._clock.undo()
        if not self.loop.is_closed():
            self._finish()

    def _finish(self) -> None:
        if self._last is not None:
            with contextlib.suppress(Exception):
                self.loop.run_until_complete(self._last())

    def wait(self, body: Body) -> None:
        """Return when *body* is over, which is begun where it was not; others go on meanwhile.

        What it put out before is shown first. Raises what `interrupt` was given, and
        `KeyboardInterrupt`; how the body ended is written on it.
        """
        __tracebackhide__ = True
        self._base = contextvars.copy_context()
        self._ahead.discard(body)
        # Behind one that took long many are done: for each that is taken now another may begin,
        # else nothing would be asked until all of them are reported.
        self._room = max(self._lookahead, len(self._ahead) + 1)
        released(body.notebook)
        with routed():
            if not body.is_done and body not in self.work:
                self._drive(lambda: self.active < self._gate)
                self.work.begin(body, self._base.copy())
            self._fill()
            if body.is_done:
                self._pump()
            self._drive(lambda: body.is_done)

    def drain(self) -> None:
        """Return when no body is at work any more; none is begun meanwhile."""
        __tracebackhide__ = True
        if not self.work:
            return
        self._draining = True
        try:
            with routed():
                self._drive(lambda: not self.work)
        finally:
            self._draining = False

    def interrupt(self, fault: BaseException) -> None:
        """Let `wait` raise *fault* as soon as the step that runs is over; for signal handlers."""
        self._interruption = fault
        self.loop.call_soon_threadsafe(self.loop.stop)

    def release(self, body: Body, on_end: Callable[[], None]) -> None:
        """Let *body*, which nobody will wait for, go on to its end, and call *on_end* then."""
        self._ahead.discard(body)
        self.work.release(body, on_end)

    def drop(self, body: Body) -> None:
        """Cut *body*, which nobody will wait for."""
        self._ahead.discard(body)
        self.work.cut(body)

    def end(self, body: Body) -> None:
        """Cut *body* and let it end, so far as it does so by itself."""
        self.drop(body)
        end = time.monotonic() + _PATIENCE
        while body in self.work and time.monotonic() < end and not self.work.waits(body):
            with routed():
                self._run_for(0.02)

    def settle(self, is_quiet: Callable[[], bool], seconds: float) -> bool:
        """Let calls under way come to their end, until *is_quiet* or for so many seconds.

        No body is begun any more. A `KeyboardInterrupt` ends it at once; returns whether none came.
        """
        self._draining = True
        end = time.monotonic() + seconds
        try:
            with routed():
                while self.work and not is_quiet() and time.monotonic() < end:
                    self._run_for(0.02)
        except KeyboardInterrupt:
            return False
        return True

    def stop(self, patience: float = _PATIENCE) -> None:
        """Cut all bodies that are at work, before fixtures they may use are torn down.

        They get *patience* seconds to end.
        """
        self._draining = True
        self._ahead.clear()
        for body in self.work.bodies:
            self.work.cut(body)
        end = time.monotonic() + patience
        with contextlib.suppress(KeyboardInterrupt), routed():
            while self.work and time.monotonic() < end:
                self._run_for(0.02)
        self._draining = False

    def close(self) -> None:
        """Stop, and close the loop."""
        self.stop()
        self.use(None)
        self.work.close()
        for patch in self._patches:
            patch.undo()
        with contextlib.suppress(Exception, KeyboardInterrupt):
            self._finish()
            self._cancel_left()
            self.loop.run_until_complete(self._end_generators())
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def _cancel_left(self) -> None:
        """End tasks that bodies started and left behind."""
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.wait(left, timeout=_PATIENCE))

    async def _end_generators(self) -> None:
        """End the async generators that bodies left half-way, such as streams.

        The loop itself would end all at the same time, and so one twice at a time where another
        iterates over it.
        """
        for one in list(getattr(self.loop, "_asyncgens", ())):
            try:
                await one.aclose()
            except Exception as error:
                told = {"message": f"{one!r} did not end", "exception": error, "asyncgen": one}
                self.loop.call_exception_handler(told)

    def _fill(self) -> None:
        """See to it that bodies begin before their turn, one with each turn of the loop.

        Not all at once: the awaited one may be over after its first step, and others that block
        would keep it from its report.
        """
        if not self._filling and not self.loop.is_closed():
            self._filling = True
            self.loop.call_soon(self._begin_next)

    def _begin_next(self) -> None:
        self._filling = False
        if not self._may_begin():
            return
        # A body's end leads here, in that body's context.
        body = self._base.copy().run(self._upcoming)
        if body is not None:
            self._ahead.add(body)
            body.notebook.held = []
            self.work.begin(body, self._base.copy())
            self._fill()

    def _may_begin(self) -> bool:
        waits = self._until is not None and not self._until()
        limit = self._most if waits else min(self._room, self._most)
        return (
            (waits or self._pumping)
            and not self._draining
            and len(self.work) < self._gate
            and len(self._ahead) < limit
        )

    def _one_is_over(self) -> None:
        if self._until is not None and self._until():
            self.loop.stop()
        self._fill()

    def _break(self, fault: BaseException) -> None:
        self._interruption = fault
        self.loop.stop()

    def _drive(self, is_reached: Callable[[], bool]) -> None:
        __tracebackhide__ = True
        self._until = is_reached
        try:
            while not is_reached():
                self.loop.run_forever()
                self._raise_interruption()
        finally:
            self._until = None

    def _raise_interruption(self) -> None:
        __tracebackhide__ = True
        fault, self._interruption = self._interruption, None
        if fault is not None:
            raise fault

    def _pump(self) -> None:
        """Let the others go on for a few turns of the loop; fewer where reports lag behind.

        Bodies that are done and not reported keep others from their begin, in the end.
        """
        lag = len(self._ahead) - len(self.work)
        self.loop.call_soon(self._turn, _FEW_TURNS if lag > self._gate else _TURNS)
        self._pumping = True
        try:
            self.loop.run_forever()
        finally:
            self._pumping = False

    def _turn(self, left: int) -> None:
        if left > 1:
            self.loop.call_soon(self._turn, left - 1)
        else:
            self.loop.stop()

    def _run_for(self, seconds: float) -> None:
        handle = self.loop.call_later(seconds, self.loop.stop)
        try:
            self.loop.run_forever()
        finally:
            handle.cancel()
