"""Which items come next, and how far the view goes. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from pytest_ailoop.plugin.ahead.needs import Unready, needs_of, value_of
from pytest_ailoop.plugin.resume import is_kept

__all__ = ["Window"]

#: Items of a worker's queue that are looked at in one go.
_BLOCK = 64


class Window:
    """Gives out the items after the current one, each once.

    It ends at the first item before which a fixture of class scope or wider would be set up or
    torn down: what bodies beyond it would see is not there yet, or there no longer; and at the
    first for which *fits* is false.
    """

    def __init__(self, session: pytest.Session, fits: Callable[[pytest.Item], bool]) -> None:
        self._session, self._fits = session, fits
        self._worker = _xdist_worker(session.config)
        self._places: dict[pytest.Item, int] = {}
        self._queue: Sequence[pytest.Item] = ()
        self._at = 0
        self._is_whole = False
        self._before: pytest.Item | None = None
        #: Nodes of which fixtures are set up, from the current item to the last that was passed.
        self._owners: set[Any] = set()
        self._given: set[pytest.Item] = set()

    def move(self, item: pytest.Item) -> None:
        """Look from *item* on, which is set up now."""
        self._given.discard(item)
        if self._worker is not None:
            # As far as it was looked at before: what was given out is there, or was taken away.
            self._queue, self._at = self._queued(self._at + _BLOCK), 0
            self._given &= set(self._queue)
        elif self._place(item) >= self._at:
            self._at = self._place(item) + 1
        else:
            return
        self._before = item
        self._owners &= set(item.listchain())
        self._own(item)

    @property
    def may_shrink(self) -> bool:
        """Whether items may be taken away again: xdist moves them from process to process."""
        return self._worker is not None

    @property
    def given(self) -> set[pytest.Item]:
        """The items that were given out and are still to come."""
        return self._given

    def _own(self, item: pytest.Item) -> None:
        for definition in needs_of(item).wider:
            node = item.getparent(_CLASSES[definition.scope])
            if node is not None:
                self._owners.add(node)

    def _place(self, item: pytest.Item) -> int:
        if not self._places:
            self._queue = self._session.items
            self._places = {one: place for place, one in enumerate(self._queue)}
        return self._places.get(item, len(self._queue))

    def _queued(self, most: int) -> list[pytest.Item]:
        """Return the first of what xdist has queued here; all of it would be too much each time."""
        worker, items = self._worker, self._session.items
        with worker.torun.lock() as queue:
            coming = [worker.nextitem_index, *itertools.islice(queue, most - 1)]
        self._is_whole = len(coming) < most
        return [items[place] for place in coming if isinstance(place, int)]

    def _reads_on(self) -> bool:
        """Look further; return whether there is more."""
        known = len(self._queue)
        if self._worker is not None and not self._is_whole:
            self._queue = self._queued(known + _BLOCK)
        return len(self._queue) > known

    def __iter__(self) -> Iterator[pytest.Item]:
        return self

    def __next__(self) -> pytest.Item:
        """Return the next item that may be looked at; `StopIteration` where none may now."""
        while self._at < len(self._queue) or self._reads_on():
            item = self._queue[self._at]
            if not self._may_pass(item):
                break
            self._at += 1
            self._before = item
            if item not in self._given:
                self._given.add(item)
                return item
        raise StopIteration

    def _may_pass(self, item: pytest.Item) -> bool:
        before = self._before
        if before is not None and before.parent is not item.parent and self._owners:
            chain = set(item.listchain())
            if not self._owners <= chain:
                return False
        if is_kept(item):
            return True  # Nothing is set up for it.
        try:
            for definition in needs_of(item).wider:
                value_of(item, definition)
        except Unready:
            return False
        if not self._fits(item):
            return False
        self._own(item)
        return True


_CLASSES: dict[str, Any] = {
    "class": pytest.Class,
    "module": pytest.Module,
    "package": pytest.Package,
    "session": pytest.Session,
}


def _xdist_worker(config: pytest.Config) -> Any:
    """Return xdist's part in this worker process, which knows what comes; None in one process."""
    if not hasattr(config, "workerinput"):
        return None
    for plugin in config.pluginmanager.get_plugins():
        if hasattr(plugin, "torun") and hasattr(plugin, "nextitem_index"):
            return plugin
    return None
