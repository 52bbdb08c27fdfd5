"""One attempt at an item: opened in setup, its body run, closed in teardown.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import recorder
from pytest_ailoop.plugin import stand_in
from pytest_ailoop.plugin.evaluation import Evaluation
from pytest_ailoop.plugin.naming import cell_of, key_of

if TYPE_CHECKING:
    from pytest_ailoop.data.cell import Cell
    from pytest_ailoop.data.record import ItemKey
    from pytest_ailoop.plugin.ahead.run import Ahead
    from pytest_ailoop.recorder import Recorder
    from pytest_ailoop.scheduling.body import Body

__all__ = [
    "RUNNING",
    "Running",
    "ahead_of",
    "begin",
    "end",
    "make_traceable",
    "open_notebook",
    "run_body",
]


@dataclass
class Running:
    """What an attempt holds open."""

    key: ItemKey
    cell: Cell
    notebook: Recorder
    #: Sees what fixtures of the item laid over the seam since it began: cassettes, mocks.
    look_again: Callable[[], None]
    #: The test function, bound to its instance; pytest-asyncio lays its own over it for the call.
    function: Callable[..., Any]
    in_body: bool = False
    #: How the subtests that did not pass ended: "failed" or "error".
    subtests: list[str] = field(default_factory=list)
    #: Why the item is red although its body ended; empty where it is not.
    verdict: list[str] = field(default_factory=list)
    #: The body that the engine ran; None where it ran inline, or has not run.
    body: Body | None = None
    #: Why it ran while no other did, in words; empty where nothing stood against that.
    alone: str = ""
    #: Whether a first attempt was not to be trusted.
    is_anew: bool = False
    exits: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def take(self, evaluation: Evaluation, notebook: Recorder) -> None:
        """Go on with *notebook*: that of the body, where it ran anew."""
        if notebook is not self.notebook:
            self.notebook, self.is_anew = notebook, True
            self.exits.enter_context(recorder.active(notebook))
            self.exits.enter_context(evaluation.store.item(notebook))


RUNNING = pytest.StashKey[Running]()
"""On an item, from setup to teardown."""


def begin(evaluation: Evaluation, item: pytest.Item) -> None:
    """Open the item's notebook; a rerun of the same item gets a fresh one."""
    end(evaluation, item)
    cell = cell_of(item)
    if cell is None:
        return
    ahead = ahead_of(evaluation)
    body = None if ahead is None else ahead.started(item)
    notebook = open_notebook(evaluation, item) if body is None else body.notebook
    if ahead is not None:
        ahead.lend(item, notebook)  # type: ignore[arg-type]
    store = evaluation.store
    function = item.obj  # type: ignore[attr-defined]
    running = Running(key_of(evaluation, item, cell), cell, notebook, store.refresh, function)
    if evaluation.settings.replies == "replay":
        running.exits.enter_context(stand_in.keys(evaluation.config, evaluation.keys_needed()))
    running.exits.enter_context(recorder.active(notebook))
    running.exits.enter_context(store.item(notebook))
    item.stash[RUNNING] = running
    evaluation.last_item = item


def open_notebook(evaluation: Evaluation, item: pytest.Item) -> Recorder:
    """Return a fresh notebook for an attempt at *item*, not open yet."""
    cell = cell_of(item)
    assert cell is not None
    notebook = recorder.Recorder(
        nodeid=item.nodeid,
        case=cell.case,
        variant=cell.variant,
        trial=cell.trial,
        recordings=evaluation.recordings_of(item.path),
        is_async=_is_async(item),
        model_client=evaluation.model_client,
        run_async=evaluation.run_async,
    )
    notebook.prompt_digest = cell.prompt.digest if cell.prompt is not None else None
    return notebook


def _is_async(item: pytest.Item) -> bool:
    """Return whether the test function is `async def`, also below hypothesis' `@given`."""
    function = getattr(item, "function", None)
    inner = getattr(getattr(function, "hypothesis", None), "inner_test", function)
    # What anyio puts there at the first item stays for the next ones.
    return inspect.iscoroutinefunction(getattr(inner, "_anyio_original_func", inner))


def end(evaluation: Evaluation, item: pytest.Item) -> None:
    """Close the attempt, if one is open, with a body of it that was started and never taken."""
    running = item.stash.get(RUNNING, None)
    if running is not None:
        ahead = ahead_of(evaluation)
        if ahead is not None:
            ahead.forget(item)
        running.exits.close()


def run_body(evaluation: Evaluation, item: pytest.Function) -> bool | None:
    """Run the body of an eval: started before its turn, or now; None leaves it to others."""
    __tracebackhide__ = True
    running = item.stash.get(RUNNING, None)
    if running is None:
        return None
    if evaluation.may_run_ahead:
        ahead = ahead_of(evaluation) or _begin_ahead(evaluation)
        running.body = ahead.run(item, running.function, running.notebook)
        running.alone = ahead.why_alone(item)
        if running.body is not None:
            running.take(evaluation, running.body.notebook)
            if running.body.fault is not None:
                raise running.body.fault
            return True
    if not inspect.iscoroutinefunction(item.obj) or _owned_by_anyio(item):
        return None
    arguments = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
    evaluation.run_async(item.obj(**arguments))
    return True


def make_traceable(evaluation: Evaluation, item: pytest.Function) -> None:
    """Let `--trace` run a coroutine function: pytest calls what it finds, and awaits nothing."""
    function = item.obj
    if (
        RUNNING in item.stash
        and inspect.iscoroutinefunction(function)
        and not _owned_by_anyio(item)
    ):

        @functools.wraps(function)
        def awaited(**arguments: Any) -> Any:
            return evaluation.run_async(function(**arguments))

        item.obj = awaited


_AHEAD = pytest.StashKey["Ahead"]()


def ahead_of(evaluation: Evaluation) -> Ahead | None:
    """Return what runs bodies before their turn; None before the first eval has run."""
    return evaluation.config.stash.get(_AHEAD, None)


def _begin_ahead(evaluation: Evaluation) -> Ahead:
    from pytest_ailoop.plugin.ahead.run import Ahead

    found = Ahead(evaluation, functools.partial(open_notebook, evaluation))
    evaluation.config.stash[_AHEAD] = found

    def close() -> None:
        del evaluation.config.stash[_AHEAD]
        found.close()

    evaluation.on_close.append(close)
    return found


def _owned_by_anyio(item: pytest.Function) -> bool:
    return "anyio_backend" in item.fixturenames and item.config.pluginmanager.hasplugin("anyio")
