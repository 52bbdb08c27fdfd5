"""A stand-in for keys that are missing in replay: clients want one although nothing is sent.

Loaded in every pytest run: nothing of this package is imported here but what is as light.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ailoop.plugin import options

__all__: list[str] = []

STAND_IN = "no-key-needed-in-replay"
_stood_in = pytest.StashKey[list[str]]()


def _set_keys(config: pytest.Config, names: tuple[str, ...]) -> list[str]:
    missing = [name for name in names if not os.environ.get(name)]
    for name in missing:
        os.environ[name] = STAND_IN
    return missing


def for_missing_keys(config: pytest.Config) -> None:
    """Set a stand-in key for the whole session where replay was asked for in so many words.

    `OpenAI()` raises without a key even if nothing is ever sent. Where replay is only CI's
    default, the environment of other tests stays as it is; see `for_import`.
    """
    option = getattr(config.known_args_namespace, "ailoop_replies", None)
    asked = option or os.environ.get("AILOOP_REPLIES") or config.getini("ailoop_replies")
    if asked == "replay":
        config.stash[_stood_in] = _set_keys(config, ("OPENAI_API_KEY",))


def give_back(config: pytest.Config) -> None:
    """Undo `for_missing_keys`."""
    for name in config.stash.get(_stood_in, []):
        if os.environ.get(name) == STAND_IN:
            del os.environ[name]


@contextlib.contextmanager
def keys(config: pytest.Config, names: tuple[str, ...]) -> Iterator[None]:
    """Set a stand-in for each missing key while the code inside runs."""
    missing = _set_keys(config, names)
    try:
        yield
    finally:
        for name in missing:
            if os.environ.get(name) == STAND_IN:
                del os.environ[name]


def for_import(collector: pytest.Collector) -> contextlib.AbstractContextManager[None]:
    """Return what gives a module that mentions ailoop a key while it is imported in replay."""
    if not isinstance(collector, pytest.Module) or os.environ.get("OPENAI_API_KEY"):
        return contextlib.nullcontext()
    if options.replies(collector.config) != "replay" or not mentions_us(collector.path):
        return contextlib.nullcontext()
    return keys(collector.config, ("OPENAI_API_KEY",))


def mentions_us(module: Path) -> bool:
    """Return whether a module may hold evals; none does without this word."""
    try:
        return b"ailoop" in module.read_bytes()
    except OSError:
        return False
