"""What an item asks for, and whether its body can do without its own turn.

pytest's public side tells fixtures only while an item is set up, so `_fixtureinfo` and
`cached_result` are read here (pytest-asyncio and anyio do so, too) and nowhere else. Where they are
not as expected, the item runs in its turn. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.frozen import dataclass
from pytest_ailoop.plugin.ahead.asyncio_items import asyncio_runner, is_asyncios
from pytest_ailoop.plugin.fixtures import HOME

__all__ = ["Needs", "Unready", "loop_of", "needs_of", "skipped", "value_of"]

_PACKAGE = Path(__file__).parents[2]
#: Fixtures that other plugins give to every test, and the mark without which they do nothing.
_ASLEEP = {
    ("pytest_recording.plugin", "vcr"): "vcr",
    ("pytest_recording.plugin", "vcr_markers"): "vcr",
    ("pytest_recording.plugin", "block_network"): "block_network",
    ("pytest_recording.plugin", "block_network_mode"): "block_network",
}


class Unready(Exception):
    """A fixture of a wider scope is not set up as the item needs it."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What all items of one test function ask for."""

    inline: str | None
    """Why they run in their own turn, in words; None where nothing of theirs stands against it."""
    wider: tuple[Any, ...] = ()
    """Fixture definitions of class scope and wider, directly or indirectly asked for."""
    arguments: tuple[str, ...] = ()
    """Names that the test function takes."""
    own: tuple[str, ...] = ()
    """Those of them that are fixtures of ours."""
    watched: bool = False
    """Whether somebody looks at each fixture as it is set up."""
    runner: Any = None
    """The wider fixture that gives the `asyncio.Runner` to run on; None where any loop will do."""


_NEEDS = pytest.StashKey[dict[int, Needs]]()


def needs_of(item: pytest.Item) -> Needs:
    """Return what *item* asks for; looked up once for each test function."""
    known = item.session.stash.setdefault(_NEEDS, {})
    info = getattr(item, "_fixtureinfo", None)
    # The session's items keep their fixture information alive, so ids stay unique.
    found = known.get(id(info))
    if found is None or info is None:
        try:
            found = _needs(item)
        except (AttributeError, TypeError):
            found = Needs("this version of pytest does not say what the item asks for")
        known[id(info)] = found
    return found


def _needs(item: pytest.Item) -> Needs:
    info = item._fixtureinfo  # type: ignore[attr-defined]
    wider, why = [], _why_by_kind(item)
    for definition in _closure(info):
        if definition.scope != "function":
            wider.append(definition)
        elif why is None and not _is_harmless(item, definition):
            why = f"function-scoped fixture `{definition.argname}`"
    if why is None and "request" in info.argnames:
        why = "fixture `request`"
    if why is not None:
        # It takes none of them before its turn, and to set up pytest's own changes nothing for
        # others (`tmp_path_factory`): they may pass.
        wider = [one for one in wider if not _is_pytests(one)]
    runner = asyncio_runner(item)
    if runner is not None:
        wider.append(runner)
    own = tuple(name for name in info.argnames if _is_own(info, name))
    return Needs(
        inline=why,
        wider=tuple(wider),
        arguments=tuple(info.argnames),
        own=own,
        watched=_is_watched(item),
        runner=runner,
    )


def _is_own(info: Any, name: str) -> bool:
    definitions = info.name2fixturedefs.get(name, ())
    return bool(definitions) and definitions[-1].func.__module__ == HOME


def _is_pytests(definition: Any) -> bool:
    # Those of a narrower scope call the project's own `setup_module` and the like.
    module: str = definition.func.__module__
    return definition.scope == "session" and module.startswith("_pytest.")


def _closure(info: Any) -> Iterator[Any]:
    """Yield the fixture definitions that a test needs, each once, as far as they are not ours."""
    waiting, seen = list(info.initialnames), set()
    while waiting:
        name = waiting.pop(0)
        definitions = info.name2fixturedefs.get(name, ())
        if name in seen or not definitions:
            continue
        seen.add(name)
        # One that overrides another of its name may ask for that, too.
        used = [definitions[-1]]
        for earlier in reversed(definitions[:-1]):
            if name in used[-1].argnames:
                used.append(earlier)
        yield from used
        for definition in used:
            if definition.func.__module__ != HOME:
                waiting.extend(definition.argnames)


def _is_harmless(item: pytest.Item, definition: Any) -> bool:
    """Return whether a function-scoped fixture is ours, a mere parameter, or does nothing here."""
    module = definition.func.__module__
    if module == HOME:
        return True
    callspec = getattr(item, "callspec", None)
    if callspec and definition.argname in callspec.params and module.startswith("_pytest."):
        return True
    mark = _ASLEEP.get((module, definition.argname))
    return mark is not None and item.get_closest_marker(mark) is None


def _why_by_kind(item: pytest.Item) -> str | None:
    """Return what about the item itself, or its marks, asks for its own turn."""
    if type(item).runtest is not pytest.Function.runtest and not is_asyncios(item):
        return f"{type(item).__module__.partition('.')[0]} runs it"
    function = getattr(item, "obj", None)
    if getattr(function, "is_hypothesis_test", False):
        return "hypothesis runs it"
    is_async = inspect.iscoroutinefunction(function)
    if is_async and "anyio_backend" in item.fixturenames:  # type: ignore[attr-defined]
        return "anyio runs it"
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return "a generator is no test"
    if item.get_closest_marker("filterwarnings") is not None:
        return "mark filterwarnings"
    return _why_by_hooks(item)


def _why_by_hooks(item: pytest.Item) -> str | None:
    """Return which hook of the project may do something around each body; None without one."""
    for name in ("pytest_runtest_setup", "pytest_runtest_call", "pytest_pyfunc_call"):
        file = _answered_by(item, name)
        if file is not None:
            return f"{name} in {file.name}"
    passing = item.ihook.pytest_assertion_pass.get_hookimpls()
    if passing and item.config.getini("enable_assertion_pass_hook"):
        return "pytest_assertion_pass"
    return None


def _answered_by(item: pytest.Item, hook: str) -> Path | None:
    """Return the file of the project that answers *hook* for *item*; None where none does."""
    for one in getattr(item.ihook, hook).get_hookimpls():
        file = Path(getattr(inspect.getmodule(one.function), "__file__", None) or "/")
        foreign = file.is_relative_to(_PACKAGE) or "site-packages" in file.parts
        if file.is_relative_to(item.config.rootpath) and not foreign:
            return file
    return None


def _is_watched(item: pytest.Item) -> bool:
    """Return whether somebody looks at each fixture as it is set up."""
    shown = item.config.getoption("setupshow", False)
    return bool(shown) or _answered_by(item, "pytest_fixture_setup") is not None


def loop_of(item: pytest.Item) -> Any:
    """Return the event loop that the fixtures of *item* live on; None where any will do."""
    needs = needs_of(item)
    if needs.inline is not None or needs.runner is None:
        return None
    try:
        return value_of(item, needs.runner).get_loop()
    except Unready:
        return None


def value_of(item: Any, definition: Any) -> Any:
    """Return what a wider fixture gave, as *item* would get it; raises `Unready`."""
    result = definition.cached_result
    if result is None or result[2] is not None:
        raise Unready
    callspec = getattr(item, "callspec", None)  # An ordinary test may have none.
    if result[1] is not (callspec.params.get(definition.argname) if callspec else None):
        raise Unready
    return result[0]


def skipped(item: pytest.Item) -> bool:
    """Return whether a mark keeps the body from running, or may do so."""
    marks = {mark.name for mark in item.iter_markers()}
    if not marks & {"skip", "skipif", "xfail"}:
        return False
    try:
        from _pytest.skipping import evaluate_skip_marks, evaluate_xfail_marks

        heeds = not item.config.getoption("runxfail", False)
        xfail = evaluate_xfail_marks(item) if heeds else None
        return bool(evaluate_skip_marks(item)) or (xfail is not None and not xfail.run)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return True  # pytest says what is wrong with the mark, in the item's turn.
