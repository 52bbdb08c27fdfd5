"""To which item the running code belongs, and how it hands control on. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pytest_ailoop.data.call import Purpose
from pytest_ailoop.recorder.notebook import Recorder

__all__ = [
    "active",
    "adopt",
    "away",
    "begin",
    "carried",
    "current",
    "end",
    "judging",
    "oldest",
    "own",
    "purpose",
    "take_turns",
    "unattributed",
    "within",
    "wrap_context",
]

F = TypeVar("F", bound=Callable[..., Any])

_current: contextvars.ContextVar[Recorder | None] = contextvars.ContextVar(
    "pytest_ailoop_item", default=None
)
_purpose: contextvars.ContextVar[Purpose] = contextvars.ContextVar(
    "pytest_ailoop_purpose", default="app"
)
_open: list[Recorder] = []
_open_lock = threading.Lock()


def current() -> Recorder | None:
    """Return the notebook of the item this code runs for, or None outside of items.

    A context variable follows tasks and `asyncio.to_thread`. A thread that the application
    started by itself has lost it, and a task that outlives its item (started in a fixture of the
    module or session) still has that one's: there the only open item is taken, if it is the only
    one.
    """
    found = _current.get()
    if found is not None and found.is_open:
        return found
    with _open_lock:
        return _open[0] if len(_open) == 1 else None


def oldest() -> Recorder | None:
    """Return the item that is open longest, or None."""
    with _open_lock:
        return _open[0] if _open else None


def unattributed() -> bool:
    """Return whether items are running but this code cannot be told to belong to one of them."""
    return current() is None and len(_open) > 1


def own() -> Recorder | None:
    """Return the notebook that this code's context bears, open or not, and no other."""
    return _current.get()


def adopt(recorder: Recorder) -> None:
    """Let all code of this context, and what it starts, belong to *recorder*'s item."""
    _current.set(recorder)


def carried(function: F) -> F:
    """Return *function* bound to the running item, and to nothing else of this context."""
    notebook, whom = _current.get(), _purpose.get()
    if notebook is None:
        return function

    def bound(*args: Any, **kwargs: Any) -> Any:
        before = _current.set(notebook), _purpose.set(whom)
        try:
            return function(*args, **kwargs)
        finally:
            _current.reset(before[0])
            _purpose.reset(before[1])

    return bound  # type: ignore[return-value]


def begin(recorder: Recorder) -> None:
    """Open *recorder*: its item runs from now on. Opening an open one does nothing."""
    with _open_lock:
        if not recorder.is_open:
            recorder.is_open = True
            _open.append(recorder)


def end(recorder: Recorder) -> None:
    """Close *recorder*: what code of its item still does is not written down any more."""
    with _open_lock:
        if recorder.is_open:
            recorder.is_open = False
            _open.remove(recorder)


@contextlib.contextmanager
def within(recorder: Recorder) -> Iterator[None]:
    """Let the code inside, and what it starts, belong to *recorder*'s item."""
    token = _current.set(recorder)
    try:
        yield
    finally:
        _current.reset(token)


@contextlib.contextmanager
def active(recorder: Recorder) -> Iterator[Recorder]:
    """Open *recorder*, make it the current one for the code inside, and close it."""
    begin(recorder)
    try:
        with within(recorder):
            yield recorder
    finally:
        end(recorder)


class _Hands(threading.local):
    """How this thread hands control on; None where it is not one of several that take turns."""

    away: Callable[[], contextlib.AbstractContextManager[None]] | None = None


_hands = _Hands()


def take_turns(away: Callable[[], contextlib.AbstractContextManager[None]] | None) -> None:
    """Say how this thread lets others run while it waits; None where it holds nobody up."""
    _hands.away = away


def away() -> contextlib.AbstractContextManager[None]:
    """Return what to wait inside of: other items run on meanwhile, where this thread may let them.

    The code inside must be ours or a library's that waits; nothing of a user's may run there.
    """
    return contextlib.nullcontext() if _hands.away is None else _hands.away()


def takes_turns() -> bool:
    """Return whether this thread lets other items run on while it waits inside of `away`."""
    return _hands.away is not None


@contextlib.contextmanager
def judging() -> Iterator[None]:
    """Count the calls made inside as those of a judge."""
    token = _purpose.set("judge")
    try:
        yield
    finally:
        _purpose.reset(token)


def purpose() -> Purpose:
    """Return for whom a call made here is counted."""
    return _purpose.get()


def wrap_context(function: F) -> F:
    """Return *function* bound to the running item, for threads that the application starts itself.

    `ThreadPoolExecutor.submit` does not carry context variables: `pool.submit(wrap_context(f), x)`.
    """
    context = contextvars.copy_context()

    def bound(*args: Any, **kwargs: Any) -> Any:
        return context.copy().run(function, *args, **kwargs)

    return bound  # type: ignore[return-value]
