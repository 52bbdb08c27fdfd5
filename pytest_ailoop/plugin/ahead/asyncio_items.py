"""Items that pytest-asyncio runs: they run ahead on the loop that it keeps for them.

It tells its loops by private names only; where those are not there, its items run in their turn.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["asyncio_runner", "is_asyncios"]


def is_asyncios(item: pytest.Item) -> bool:
    """Return whether *item* is a coroutine that pytest-asyncio runs, on a loop that is known.

    A loop of each item's own may be any loop, unless somebody chose its kind.
    """
    if not _is_coroutine(item):
        return False
    scope = getattr(item, "_loop_scope", None)
    if scope == "function":
        return not _chooses_loops(item)
    return scope is not None and _definition(item, f"_{scope}_scoped_runner") is not None


def asyncio_runner(item: pytest.Item) -> Any:
    """Return the fixture that holds the runner of *item*'s loop; None where any loop will do."""
    scope = getattr(item, "_loop_scope", None) if _is_coroutine(item) else None
    return None if scope in (None, "function") else _definition(item, f"_{scope}_scoped_runner")


def _is_coroutine(item: pytest.Item) -> bool:
    kind = type(item)
    return (kind.__module__, kind.__name__) == ("pytest_asyncio.plugin", "Coroutine")


def _chooses_loops(item: Any) -> bool:
    hook = getattr(item.config.hook, "pytest_asyncio_loop_factories", None)
    policy = _definition(item, "event_loop_policy")
    own = policy is not None and policy.func.__module__ != "pytest_asyncio.plugin"
    return own or bool(hook is not None and hook.get_hookimpls())


def _definition(item: Any, name: str) -> Any:
    found = item.session._fixturemanager.getfixturedefs(name, item)
    return found[-1] if found else None
