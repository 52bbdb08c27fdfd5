"""The running item's notebook: the one mutable thing that calls, checks and expectations write in.

It stands below them all, so that the transport seam (floor 4), the judge (5) and `expect` (6) can
find the running item without knowing each other or pytest. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pytest_ailoop.data.call import Call, Purpose
from pytest_ailoop.data.case import Case
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant

__all__ = [
    "Recorder",
    "Trace",
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
    "takes_turns",
    "unattributed",
    "within",
    "wrap_context",
]

F = TypeVar("F", bound=Callable[..., Any])


class Recorder:
    """Gathers what happens inside one item; safe to write from several threads."""

    def __init__(
        self,
        *,
        nodeid: str,
        case: Case,
        variant: Variant,
        trial: int,
        recordings: Path,
        is_async: bool,
        model_client: Callable[[str | None, Purpose], Any] | None = None,
        run_async: Callable[[Any], Any] | None = None,
    ) -> None:
        self.nodeid, self.case, self.variant, self.trial = nodeid, case, variant, trial
        #: The module's file of committed recordings; it need not exist.
        self.recordings = recordings
        #: Whether the test function is a coroutine function: `expect` then gives awaitables.
        self.is_async = is_async
        #: Returns the client for a model alias; judges ask here, None is the configured judge.
        self.model_client = model_client
        #: Runs a coroutine to its end from sync code, also where a loop is running.
        self.run_async = run_async
        self.calls: list[Call] = []
        self.scores: list[Score] = []
        self.expectations: list[Expectation] = []
        #: Prompt of the case's variant, where it has one.
        self.prompt_digest: str | None = None
        #: Whether an assert statement was seen in the test function's source.
        self.has_assert = False
        #: Whether the item is running.
        self.is_open = False
        #: What its code put out before its turn (texts, log records, warnings), in order; None
        #: where that is shown at once.
        self.held: list[Callable[[], None]] | None = None
        #: Warnings that its code gave: text, category, file, line.
        self.warned: set[tuple[str, type[Warning], str, int]] = set()
        #: Seconds that its calls waited for their turn: for a free place, for a rate to allow it.
        self.queued = 0.0
        #: Infrastructure faults seen in this item, also where the application swallowed them.
        self.faults: list[Exception] = []
        self._unanswered: dict[str, Exception] = {}
        self._output: str | None = None
        self._waiting: dict[int, tuple[object, str, bool]] = {}
        # The item's outcome is a score by this name; another one would be counted with it.
        self._names: dict[str, int] = {"passed": 1}
        self._claimed: dict[str, set[int]] = {}
        self._lock = threading.Lock()

    def add_call(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)

    def add_score(self, score: Score) -> None:
        with self._lock:
            self.scores.append(score)

    def add_expectation(self, expectation: Expectation) -> None:
        with self._lock:
            self.expectations.append(expectation)

    def saw_output(self, text: str) -> None:
        """Keep the first value under test as the item's output."""
        with self._lock:
            if self._output is None:
                self._output = text

    @property
    def output(self) -> str | None:
        """The first value given to `expect`, else the application's last reply, else None."""
        if self._output is not None:
            return self._output
        asked = [one for one in self.calls if one.purpose == "app" and not one.error]
        # Embeddings answer with no text; they are not what is under test.
        return next((one.reply_text for one in reversed(asked) if one.reply_text), None)

    def begin(self, token: object, words: str, *, runs: bool = False) -> None:
        """Note what must be finished before the item ends; *words* name it if it is not.

        *runs* says that it is being carried out, and does not wait for the test to go on.
        """
        with self._lock:
            # Kept alive: the id of a token that is gone would name the next one as well.
            self._waiting[id(token)] = (token, words, runs)

    def finish(self, token: object) -> None:
        """Take back what `begin` noted."""
        with self._lock:
            self._waiting.pop(id(token), None)

    @property
    def unfinished(self) -> list[str]:
        """Words of all that was begun and never finished, in order."""
        with self._lock:
            return [words for _, words, _ in self._waiting.values()]

    @property
    def broken_off(self) -> list[str]:
        """Words of all that ran and never finished."""
        with self._lock:
            return [words for _, words, runs in self._waiting.values() if runs]

    def unique(self, name: str) -> str:
        """Return *name* for the first score of that name in this item, `name #2` for the next."""
        with self._lock:
            self._names[name] = count = self._names.get(name, 0) + 1
            return name if count == 1 else f"{name} #{count}"

    def claim(self, request: str) -> int:
        """Return which repeat of this very request starts now: 0 for the first.

        Claimed when it starts, so that repeats in flight together are told apart.
        """
        with self._lock:
            taken = self._claimed.setdefault(request, set())
            number = next(count for count in range(len(taken) + 1) if count not in taken)
            taken.add(number)
            return number

    def unanswered(self, address: str, fault: Exception | None) -> None:
        """Note that the call at *address* got no reply; None takes it back, for a retry did."""
        with self._lock:
            if fault is None:
                self._unanswered.pop(address, None)
            else:
                self._unanswered[address] = fault

    @property
    def all_faults(self) -> list[Exception]:
        """What kept calls from their replies, for good: no retry brought one."""
        with self._lock:
            return [*self.faults, *self._unanswered.values()]

    def release(self, request: str, number: int) -> None:
        """Give a claim back after a failure: the retry asks for the same reply."""
        with self._lock:
            self._claimed.get(request, set()).discard(number)


class Trace:
    """What happened in the running item so far, to look at from the test.

    `assert len(trace.calls) <= 3`, `assert trace.cost is None or trace.cost < 0.01`.
    """

    def __init__(self, notebook: Recorder) -> None:
        self._notebook = notebook

    def _app(self) -> list[Call]:
        return [one for one in self._notebook.calls if one.purpose == "app"]

    @property
    def calls(self) -> tuple[Call, ...]:
        """The application's calls, in order; those of judges are left out."""
        return tuple(self._app())

    @property
    def replies(self) -> tuple[str, ...]:
        """The texts that were answered."""
        return tuple(one.reply_text for one in self._app() if one.error is None)

    @property
    def tool_calls(self) -> tuple[dict[str, Any], ...]:
        """The tools that models asked for, `{"name", "arguments"}`, in order."""
        return tuple(tool for one in self._app() for tool in one.tool_calls)

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price of one of the calls is unknown."""
        costs = [one.cost for one in self._app()]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    @property
    def tokens(self) -> int | None:
        """Input and output tokens; None where a server did not count one of the calls."""
        found = [
            count
            for one in self._app()
            for count in (one.usage.input_tokens, one.usage.output_tokens)
        ]
        return None if None in found else sum(count for count in found if count is not None)

    @property
    def latency(self) -> float | None:
        """Seconds, summed over the calls; None where one is unknown."""
        found = [one.latency for one in self._app()]
        return None if None in found else sum(one for one in found if one is not None)


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
