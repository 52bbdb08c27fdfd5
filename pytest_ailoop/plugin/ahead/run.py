"""Bodies of evals: started before their turn where they may be, waited for in it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import recorder
from pytest_ailoop.calling.client import close_clients
from pytest_ailoop.plugin import stolen
from pytest_ailoop.plugin.ahead import given
from pytest_ailoop.plugin.ahead.alarm import guarded, paused
from pytest_ailoop.plugin.ahead.needs import loop_of, needs_of, skipped
from pytest_ailoop.plugin.ahead.presses import Presses
from pytest_ailoop.plugin.ahead.reach import reach_of
from pytest_ailoop.plugin.ahead.window import Window
from pytest_ailoop.plugin.naming import cell_of
from pytest_ailoop.plugin.resume import is_kept
from pytest_ailoop.plugin.settling import settler_of
from pytest_ailoop.scheduling.body import Body
from pytest_ailoop.scheduling.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.recorder import Recorder

__all__ = ["Ahead"]

#: Seconds that calls under way get to come to their end, where the run stops early.
SETTLE = 4.0

# xdist blames the item whose turn it was, and gives the others to the next worker. What crashed it
# may have been begun before its turn: there it would be again, and so on until no worker is left.
_CRASHED = "a worker crashed before"


class Ahead:
    """Runs the bodies of one session's evals; made by the first one that runs."""

    def __init__(
        self, evaluation: Evaluation, open_notebook: Callable[[pytest.Item], Recorder]
    ) -> None:
        reach = reach_of(evaluation, evaluation.settings.workers)
        self._evaluation, self._open = evaluation, open_notebook
        self._window: Window | None = None
        self._bodies: dict[pytest.Item, Body] = {}
        self.engine = Engine(
            gate=reach.share,
            lookahead=reach.lookahead,
            most=reach.most,
            upcoming=self._upcoming,
            last=close_clients,
        )
        #: The items of bodies that are at work or done, and not reported.
        self._items: dict[Recorder, pytest.Item] = {}
        self._asking = False
        self._presses = Presses()
        #: Why no body runs before its turn any more, in words; empty while they do.
        self.distrust = _CRASHED if evaluation.settings.stands_in else ""
        #: Bodies that ran beside a call that nobody can tell the item of.
        self._doubted: set[Recorder] = set()
        #: What those were answered live: paid in this session, for whichever item it was.
        self._paid: set[str] | None = None
        evaluation.store.on_unattributed.append(self.doubt)
        settler = settler_of(evaluation)
        if settler is not None:
            settler.has_begun = self._bodies.__contains__

    def started(self, item: pytest.Item) -> Body | None:
        """Return the body that was started for *item* and not taken yet, if there is one."""
        return self._bodies.get(item)

    def lend(self, item: pytest.Function, notebook: Recorder) -> None:
        """Give *item* our fixtures, so that pytest need not set them up."""
        needs = needs_of(item)
        if needs.inline is None and not needs.watched and not given.lacks_axis(item):
            body = self._bodies.get(item)
            made = {} if body is None else body.arguments
            given.lend(self._evaluation, item, notebook, made)

    def run(
        self, item: pytest.Function, function: Callable[..., Any], notebook: Recorder
    ) -> Body | None:
        """Run the body of *item*, which is set up, to its end; how that was is written on it.

        *function* is the test function, bound, as it was before any plugin laid its own over it.
        None where it must run in its own turn (`needs_of` says why): then no other is at work.
        Raises what cut it off.
        """
        __tracebackhide__ = True
        self._look_from(item)
        if needs_of(item).inline is not None:
            self.engine.drain()
            return None
        if self.distrust:
            self.engine.drain()
        self._choose_loop(item)
        body = self._bodies.pop(item, None)
        if body is None:
            names = needs_of(item).arguments
            arguments = {name: item.funcargs[name] for name in names}
            body = self._body(function, notebook, arguments)
        if body.notebook not in self._doubted:
            self._wait(item, body)
        if body.notebook in self._doubted:
            body = self._again(item, body)
        return body

    def _wait(self, item: pytest.Item, body: Body) -> None:
        __tracebackhide__ = True
        self._items[body.notebook] = item
        self._presses.listen()
        try:
            with guarded(self.engine, item, body, self._items):
                self.engine.wait(body)
            self._presses.rest()
        except KeyboardInterrupt:
            self._presses.arrived()
            raise
        except BaseException as fault:
            # Where the body was when it was cut off tells more than where we waited for it.
            shown = self.engine.work.where(body)
            self.engine.end(body)
            self._presses.rest()
            if isinstance(body.fault, asyncio.CancelledError):
                shown = body.fault.__traceback__
            raise fault.with_traceback(shown) from None
        finally:
            del self._items[body.notebook]

    def _again(self, item: pytest.Item, doubted: Body) -> Body:
        """Run the body of *item* anew, alone: what was seen of it may be another item's.

        Its calls are answered from the cache, where the session reads that.
        """
        self.engine.drain()
        # From now on one item is open at a time, and every call is that one's.
        for one in (doubted, *self._bodies.values()):
            recorder.end(one.notebook)
        body = self._prepared(item, doubted.function)
        body.notebook.paid = self._answered_live()
        with recorder.within(body.notebook):
            self._wait(item, body)
        return body

    def _answered_live(self) -> set[str]:
        """Return the addresses of the replies that doubted bodies paid for, and nobody took yet."""
        if self._paid is None:
            calls = (call for one in self._doubted for call in one.calls)
            self._paid = {one.digest for one in calls if one.origin == "live" and not one.error}
        return self._paid

    def doubt(self) -> None:
        """Take it that a call was made for one of the running items, and nobody knows which."""
        self.distrust = "model calls from a task or thread that belongs to no item"
        self._doubted.update(self._items)

    def compared(self, **how: Any) -> Any:
        """Return what the running body's item makes of a failed comparison; None for the awaited.

        pytest asks the conftest files of the item that is awaited.
        """
        notebook = recorder.own()
        item = None if notebook is None or self._asking else self._items.get(notebook)
        if item is None or item not in self._bodies:
            return None
        self._asking = True
        try:
            found = item.ihook.pytest_assertrepr_compare(config=item.config, **how)
        finally:
            self._asking = False
        return next(filter(None, found), None)

    def why_alone(self, item: pytest.Item) -> str:
        """Return why *item* runs while no other does, in words; empty where it need not."""
        return needs_of(item).inline or self.distrust

    def forget(self, item: pytest.Item) -> None:
        """Cut the body of *item*, whose turn ended without it."""
        body = self._bodies.pop(item, None)
        if body is not None:
            self.engine.drop(body)
            del self._items[body.notebook]
            self._leave(body.notebook)

    def _give_away(self, item: pytest.Item) -> None:
        """Let the body of *item*, which another process runs now, end: its calls may be paid.

        That process finds their replies in the cache, but in `live`.
        """
        if self._evaluation.settings.replies == "live":
            self.forget(item)
            return
        body = self._bodies.pop(item)
        del self._items[body.notebook]

        def over() -> None:
            stolen.note(self._evaluation, body.notebook)
            self._leave(body.notebook)

        self.engine.release(body, over)

    def _leave(self, notebook: Recorder) -> None:
        self._evaluation.store.leave(notebook)
        recorder.end(notebook)

    def stop(self) -> None:
        """Let calls under way end, and cut all bodies: their fixtures are about to be torn down."""
        flight, presses = self._evaluation.store.flight, self._presses
        hurries = presses.again
        with paused():
            if self.engine.active and not hurries:
                flight.is_closed = True
                hurries = not self.engine.settle(lambda: presses.again or not flight.calls, SETTLE)
            for item in list(self._bodies):
                self.forget(item)
            self.engine.stop(0.0 if hurries or presses.again else 1.0)
        presses.rest()
        flight.is_closed = False  # Another attempt at the last item may follow.

    def close(self) -> None:
        """End all that is left, and the loop."""
        self.stop()
        self.engine.close()

    def _look_from(self, item: pytest.Item) -> None:
        if self._window is None:
            self._window = Window(item.session, fits=self._fits)
        self._window.move(item)
        if self._window.may_shrink:
            for gone in self._bodies.keys() - self._window.given - {item}:
                self._give_away(gone)

    def _fits(self, item: pytest.Item) -> bool:
        """Return whether *item* may begin now, as far as others know: loop and early stop."""
        settler = settler_of(self._evaluation)
        if settler is not None and not settler.may_pass(item, self._items.values()):
            return False
        return loop_of(item) in (None, self.engine.loop)

    def _choose_loop(self, item: pytest.Item) -> None:
        """Go on with the loop there is, unless *item*'s fixtures live on another."""
        loop = loop_of(item)
        if loop is not None:
            self.engine.use(loop)
        elif self.engine.loop.is_closed():
            self.engine.use(None)

    def _upcoming(self) -> Body | None:
        for item in self._window if self._window and not self.distrust else ():
            if self._may_start(item):
                body = self._bodies[item] = self._prepared(item, item.obj)  # type: ignore[attr-defined]
                self._items[body.notebook] = item
                return body
        return None

    def _may_start(self, item: pytest.Item) -> bool:
        return (
            isinstance(item, pytest.Function)
            and cell_of(item) is not None
            and not is_kept(item)
            and not self._is_settled(item)
            and needs_of(item).inline is None
            and not skipped(item)
            and not given.lacks_axis(item)
        )

    def _is_settled(self, item: pytest.Item) -> bool:
        settler = settler_of(self._evaluation)
        if settler is None:
            return False
        # What may still be spared waits for its turn; others go by.
        return settler.may_be_spared(item) or bool(settler.words(item))

    def _prepared(self, item: Any, function: Callable[..., Any]) -> Body:
        """Return the body of *item* with all it takes, made without setting the item up."""
        notebook = self._open(item)
        arguments = given.arguments_of(self._evaluation, item, notebook)
        recorder.begin(notebook)
        return self._body(function, notebook, arguments)

    @staticmethod
    def _body(function: Callable[..., Any], notebook: Recorder, arguments: dict[str, Any]) -> Body:
        return Body(
            function=function,
            arguments=arguments,
            is_async=inspect.iscoroutinefunction(function),
            notebook=notebook,
        )
