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
from types import TracebackType
from typing import Any, NoReturn

from pytest_ailoop import recorder
from pytest_ailoop.scheduling.baton import Baton
from pytest_ailoop.scheduling.body import Body
from pytest_ailoop.scheduling.carry import CarryPatch
from pytest_ailoop.scheduling.clock import Clock
from pytest_ailoop.scheduling.output import LogPatch, released, routed
from pytest_ailoop.scheduling.steps import Stepping, Steps

__all__ = ["Engine"]

#: How many turns of the loop an item that needs no waiting gives to the others.
_TURNS = 4
#: Seconds for a body that was told to end.
_PATIENCE = 1.0


def _nothing() -> None:
    """Nobody asked to be told."""


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
        self._own = self.loop = asyncio.new_event_loop()
        self._clock = Clock(self._own)
        self._gate, self._lookahead, self._upcoming = gate, lookahead, upcoming
        self._most = max(lookahead, most or 0)
        self._last = last
        self._active: dict[Body, Baton | None] = {}
        self._ahead: set[Body] = set()
        self._released: dict[Body, Callable[[], None]] = {}
        self._until: Callable[[], bool] | None = None
        self._draining = self._pumping = self._filling = False
        self._interruption: BaseException | None = None
        self._failing: Body | None = None
        self._steps = Steps()
        self._base = contextvars.copy_context()
        self._patches = (LogPatch(), CarryPatch())

    @property
    def active(self) -> int:
        """How many bodies have begun and not ended."""
        return len(self._active)

    def use(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Run bodies on *loop* from now on, or on the engine's own; those at work end before."""
        __tracebackhide__ = True
        loop = loop or self._own
        if loop is self.loop:
            return
        self.drain()
        if self.loop is not self._own:
            self._leave()
        self.loop = loop
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
        released(body.notebook)
        with routed():
            if not body.is_done and body not in self._active:
                self._drive(lambda: self.active < self._gate)
                self._begin(body)
            self._fill()
            if body.is_done:
                self._pump()
            self._drive(lambda: body.is_done)

    def drain(self) -> None:
        """Return when no body is at work any more; none is begun meanwhile."""
        __tracebackhide__ = True
        if not self._active:
            return
        self._draining = True
        try:
            with routed():
                self._drive(lambda: not self._active)
        finally:
            self._draining = False

    def interrupt(self, fault: BaseException) -> None:
        """Let `wait` raise *fault* as soon as the step that runs is over; for signal handlers."""
        self._interruption = fault
        self.loop.call_soon_threadsafe(self.loop.stop)

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

    def release(self, body: Body, on_end: Callable[[], None]) -> None:
        """Let *body*, which nobody will wait for, go on to its end, and call *on_end* then."""
        self._ahead.discard(body)
        if body in self._active:
            self._released[body] = on_end
        else:
            on_end()

    def drop(self, body: Body) -> None:
        """Cut *body*, which nobody will wait for."""
        self._ahead.discard(body)
        self._cut(body)

    def end(self, body: Body) -> None:
        """Cut *body* and let it end, so far as it does so by itself."""
        self.drop(body)
        baton = self._active.get(body)
        end = time.monotonic() + _PATIENCE
        # A thread that waits for the network cannot be told before it is back.
        while body in self._active and time.monotonic() < end and (baton is None or baton.runs):
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
                while self._active and not is_quiet() and time.monotonic() < end:
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
        for body in list(self._active):
            self._cut(body)
        end = time.monotonic() + patience
        with contextlib.suppress(KeyboardInterrupt), routed():
            while self._active and time.monotonic() < end:
                self._run_for(0.02)
        self._draining = False

    def close(self) -> None:
        """Stop, and close the loop."""
        self.stop()
        self.use(None)
        for patch in self._patches:
            patch.undo()
        with contextlib.suppress(Exception, KeyboardInterrupt):
            self._finish()
            self._cancel_left()
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
            self._begin(body)
            self._fill()

    def _may_begin(self) -> bool:
        waits = self._until is not None and not self._until()
        limit = self._most if waits else self._lookahead
        return (
            (waits or self._pumping)
            and not self._draining
            and len(self._active) < self._gate
            and len(self._ahead) < limit
        )

    def _begin(self, body: Body) -> None:
        context = self._base.copy()
        context.run(recorder.adopt, body.notebook)
        body.begins(self.loop.time())
        self._steps.mark(body)
        if body.is_async:
            self._active[body] = None
            stepping = Stepping(self._steps, body, self._contained(body))
            body.task = self.loop.create_task(stepping, context=context)
            # One that is cancelled before its first step never gets there.
            body.task.add_done_callback(lambda _: self._ended(body))
        else:
            baton = Baton(
                self.loop,
                work=lambda: self._contained_sync(body),
                done=lambda: self._ended(body),
                lost=lambda fault: self._lost(body, fault),
                steps=(lambda: self._steps.begin(body), self._steps.end),
            )
            self._active[body] = baton
            body.notebook.run_async = baton.run_coroutine
            # Not at once: a body's begin would run inside whatever asked for it.
            self.loop.call_soon(baton.start, context)

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

    def _ended(self, body: Body) -> None:
        if body not in self._active:
            return
        baton, spent = self._active[body], self.spent(body)
        del self._active[body]
        held_up = 0.0 if baton is None else baton.held_up
        body.ends(body.runs_for(self.loop.time(), held_up), spent)
        self._released.pop(body, _nothing)()
        if self._until is not None and self._until():
            self.loop.stop()
        self._fill()

    def _lost(self, body: Body, fault: BaseException) -> None:
        """Give up a sync body that a signal took the baton from."""
        self._cut(body)
        if self._failing is body:
            baton = self._active[body]
            body.fault = fault.with_traceback(baton.where() if baton is not None else None)
        # Those two leave the loop by themselves.
        elif not isinstance(fault, (KeyboardInterrupt, SystemExit)):
            self._interruption = fault
            self.loop.stop()
        self._ended(body)

    def _cut(self, body: Body) -> None:
        if body not in self._active:
            return
        body.is_cut = True
        baton = self._active[body]
        if baton is not None:
            baton.cut()
        elif body.task is not None:
            body.task.cancel()

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
        """Let the others go on for a few turns of the loop."""
        left = _TURNS

        def turn() -> None:
            nonlocal left
            left -= 1
            if left:
                self.loop.call_soon(turn)
            else:
                self.loop.stop()

        self.loop.call_soon(turn)
        self._pumping = True
        try:
            self.loop.run_forever()
        finally:
            self._pumping = False

    def _run_for(self, seconds: float) -> None:
        handle = self.loop.call_later(seconds, self.loop.stop)
        try:
            self.loop.run_forever()
        finally:
            handle.cancel()
