"""Installs and removes what sees an application's calls: patches and, in replay, the guard.

Sessions may nest (pytester runs one inside another): the store installed last decides, and
removing it gives the seam back to the one before.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import threading

from pytest_ailoop.calling.guard import Guard
from pytest_ailoop.calling.imports import Watch
from pytest_ailoop.calling.limits.deadlines import end_watch
from pytest_ailoop.calling.store import Store
from pytest_ailoop.calling.transports import Patches

__all__ = ["current_store", "install", "uninstall"]

_lock = threading.RLock()
_installed: list[Store] = []


def current_store() -> Store | None:
    """Return the store that decides, or None while no session has one."""
    return _installed[-1] if _installed else None


_patches = Patches(current_store)
_guard = Guard(current_store)
_watch = Watch({**_patches.watched, **_guard.watched})


def install(store: Store) -> None:
    """Let *store* see the calls of all items from now on.

    Installing the same store again only looks for transports that were imported or unpatched
    since. Nothing is imported for it.
    """
    with _lock:
        if store not in _installed:
            _installed.append(store)
            store.on_item.append(functools.partial(refresh, store))
        refresh(store)


def refresh(store: Store) -> None:
    """Patch what was imported, or unpatched by another patch's end, since the last look."""
    with _lock:
        if current_store() is not store:
            return
        _watch.start()
        _patches.apply()
        if store.settings.replies == "replay":
            _guard.apply()
        else:
            _guard.undo()


def uninstall(store: Store | None = None) -> None:
    """Take *store* (the last one where None) out; without any left, all is as it was before."""
    with _lock:
        leaving = current_store() if store is None else store
        if leaving is None or leaving not in _installed:
            return
        _installed.remove(leaving)
        leaving.on_item.clear()
        remaining = current_store()
        if remaining is not None:
            refresh(remaining)
            return
        _watch.stop()
        _patches.undo()
        _guard.undo()
    end_watch()
