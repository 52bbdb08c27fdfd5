"""Whether an item stands, once its body is over: what was missed, what was not measured.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import errors, text
from pytest_ailoop.plugin.items import RUNNING, Running
from pytest_ailoop.plugin.naming import source_of

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.recorder import Recorder

__all__ = ["NotMeasured", "is_infrastructure", "judged"]


class NotMeasured(pytest.fail.Exception, errors.CheckError):  # type: ignore[misc, name-defined]
    """The item ended without what it is there for. Shown like `pytest.fail`: by words alone."""


@contextlib.contextmanager
def judged(evaluation: Evaluation, item: pytest.Item) -> Iterator[None]:
    """Make the item red after its body for all that the body left open or missed.

    A missed expectation is a failure; what could not be measured is an error, and an error only
    where nothing was missed: a known miss stays a miss.
    """
    __tracebackhide__ = True
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
            if running.alone and _waited(running):
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


def _waited(running: Running) -> bool:
    """Return whether an item that ran alone kept others waiting for its model.

    One that ran anew found in the cache what its first attempt had waited for.
    """
    calls = running.notebook.calls
    return bool(calls) and (running.is_anew or any(one.origin == "live" for one in calls))


def _overrule(running: Running, raised: BaseException) -> None:
    """Raise what weighs more than what the body ended with.

    An answer that the application made up for a missing reply says nothing on quality, whatever
    the test thinks of it; nor does what broke a check off (a timeout, `pytest.fail` inside it);
    and a skip takes no missed expectation back.
    """
    __tracebackhide__ = True
    if isinstance(raised, pytest.exit.Exception):
        return
    if is_infrastructure(raised):
        # Why it was not tried again, the client does not know.
        for fault in running.notebook.faults:
            if isinstance(fault, errors.LimitError) and fault is not raised:
                raise fault from raised
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
