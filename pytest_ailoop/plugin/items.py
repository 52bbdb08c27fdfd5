"""One attempt at an item: opened in setup, judged after the body, closed in teardown.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import errors, recorder, text
from pytest_ailoop.plugin import options
from pytest_ailoop.plugin.evaluation import Evaluation
from pytest_ailoop.plugin.naming import cell_of, key_of, source_of

if TYPE_CHECKING:
    from pytest_ailoop.data.record import ItemKey
    from pytest_ailoop.matrix import Cell
    from pytest_ailoop.plugin.ahead.run import Ahead
    from pytest_ailoop.recorder import Recorder
    from pytest_ailoop.scheduling.body import Body

__all__ = [
    "RUNNING",
    "NotMeasured",
    "Running",
    "ahead_of",
    "begin",
    "end",
    "is_infrastructure",
    "judged",
    "open_notebook",
    "run_body",
]


class NotMeasured(pytest.fail.Exception, errors.CheckError):  # type: ignore[misc, name-defined]
    """The item ended without what it is there for. Shown like `pytest.fail`: by words alone."""


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
    exits: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def take(self, evaluation: Evaluation, notebook: Recorder) -> None:
        """Go on with *notebook*: that of the body, where it ran anew."""
        if notebook is not self.notebook:
            self.notebook = notebook
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
    store = evaluation.store
    function = item.obj  # type: ignore[attr-defined]
    running = Running(key_of(evaluation, item, cell), cell, notebook, store.refresh, function)
    if evaluation.settings.replies == "replay":
        running.exits.enter_context(
            options.stand_in_keys(evaluation.config, evaluation.keys_needed())
        )
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


@contextlib.contextmanager
def judged(evaluation: Evaluation, item: pytest.Item) -> Iterator[None]:
    """Make the item red after its body for all that the body left open or missed.

    A missed expectation is a failure; what could not be measured is an error, and an error only
    where nothing was missed: a known miss stays a miss.
    """
    running = item.stash.get(RUNNING, None)
    if running is not None:
        running.look_again()
        running.in_body = True
    try:
        yield
    except (Exception, SystemExit, *_SAID) as raised:
        if running is not None:
            _overrule(running, raised)
        raise
    finally:
        if running is not None:
            running.in_body = False
            if running.alone and any(one.origin == "live" for one in running.notebook.calls):
                evaluation.inline[running.alone] += 1
    if running is None:
        return
    _raise_faults(running.notebook)
    missed, unmeasured = _missed(running), _unmeasured(running, item)
    running.verdict = [*missed, *unmeasured]
    if missed:
        pytest.fail("\n".join(running.verdict), pytrace=False)
    if unmeasured:
        raise NotMeasured("\n".join(running.verdict), pytrace=False)  # type: ignore[call-arg]


def _overrule(running: Running, raised: BaseException) -> None:
    """Raise what weighs more than what the body ended with.

    An answer that the application made up for a missing reply says nothing on quality, whatever
    the test thinks of it; nor does what broke a check off (a timeout, `pytest.fail` inside it);
    and a skip takes no missed expectation back.
    """
    __tracebackhide__ = True
    if isinstance(raised, pytest.exit.Exception) or is_infrastructure(raised):
        return
    _raise_faults(running.notebook)
    broken_off = "\n".join(running.notebook.broken_off)
    if broken_off and isinstance(raised, pytest.skip.Exception):
        raise NotMeasured(f"{broken_off}: {raised}", pytrace=False)  # type: ignore[call-arg]
    if broken_off:
        raised.__cause__ = errors.CheckError(broken_off)
        return
    if isinstance(raised, pytest.skip.Exception):
        running.verdict = _missed(running)
        if running.verdict:
            pytest.fail("\n".join(running.verdict), pytrace=False)


#: What pytest itself raises in a body for `fail`, `xfail` and `skip`.
_SAID = (pytest.fail.Exception, pytest.skip.Exception)

#: Base classes, by name, of what client libraries raise where a call brought no reply. By name:
#: the libraries are not imported for this.
_CALL_FAULTS = {
    ("openai", "APIError"),
    ("httpx", "TransportError"),
    ("httpx2", "TransportError"),
    ("anthropic", "APIError"),
}


def _name_of(kind: type) -> tuple[str, str]:
    return kind.__module__.partition(".")[0], kind.__name__


def is_infrastructure(fault: BaseException | None) -> bool:
    """Return whether *fault*, or one it was raised from, says that nothing could be measured."""
    seen: set[int] = set()
    while fault is not None and id(fault) not in seen:
        seen.add(id(fault))
        if isinstance(fault, errors.AiloopError):
            return True
        if errors.is_unanswered(fault):
            return True
        # The class itself is a client without a key; classes below it may tell of bad answers.
        if _name_of(type(fault)) == ("openai", "OpenAIError"):
            return True
        if any(_name_of(base) in _CALL_FAULTS for base in type(fault).__mro__):
            return True
        fault = fault.__cause__
    return False


def _raise_faults(notebook: Recorder) -> None:
    """Raise what kept a call from its reply, also where the application swallowed it."""
    __tracebackhide__ = True
    for fault in notebook.all_faults:
        raise fault


def _missed(running: Running) -> list[str]:
    expectations = running.notebook.expectations
    missed = sum(one.standing == "missed" for one in expectations)
    found = [f"{missed} of {len(expectations)} expectations missed"] if missed else []
    return [*found, *_subtests(running, "failed")]


def _subtests(running: Running, outcome: str) -> list[str]:
    count = running.subtests.count(outcome)
    words = "failed" if outcome == "failed" else "could not be measured"
    return [f"{text.plural(count, 'subtest')} {words}"] if count else []


def _unmeasured(running: Running, item: pytest.Item) -> list[str]:
    notebook = running.notebook
    found = [*notebook.unfinished, *_subtests(running, "error")]
    unknown = sum(one.standing == "unknown" for one in notebook.expectations)
    if unknown:
        found.append(f"{unknown} of {len(notebook.expectations)} expectations could not be scored")
    if not found and not notebook.scores and not notebook.expectations:
        found.extend(_nothing_measured(item))
    return found


def _nothing_measured(item: pytest.Item) -> Iterator[str]:
    """Yield why an item without a score says nothing; unreadable source holds no assert."""
    if not _holds_assert(source_of(item) or ""):
        yield (
            "nothing was measured: the test ran, but it neither recorded a score nor contains an "
            "assert. Write expect(value).to(check), record(name, value) or an assert."
        )
    elif not _runs_asserts(getattr(item, "function", None)):
        yield (
            "nothing was measured: python -O leaves the test's asserts out, and pytest did not "
            "rewrite them (--assert=plain). Leave out one of the two."
        )


def _runs_asserts(function: Any) -> bool:
    """Return whether asserts in *function* are run: `-O` drops those that pytest left as they are.

    Rewriting imports pytest's helpers into the module, under names that no source can have.
    """
    return __debug__ or "@pytest_ar" in getattr(inspect.unwrap(function), "__globals__", ())


@functools.lru_cache(maxsize=256)
def _holds_assert(source: str) -> bool:
    import ast

    try:
        tree = ast.parse(source)
    except SyntaxError:
        return False
    return any(isinstance(node, ast.Assert) for node in ast.walk(tree))
