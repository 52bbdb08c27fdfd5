"""Items in the room of what is theirs alone: what pytest gives each is there when asked for.

pytest keeps dicts for each item of which ours tell nothing but its name and its cell. A folded item
makes them anew for whoever looks, and has them as pytest would as soon as somebody writes to one.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from pytest_ailoop.data.cell import Cell
from pytest_ailoop.plugin.spent import spend

__all__ = ["Folding"]

#: What pytest's class of keywords has, as this module knows it.
_SLOTS = {"_markers", "node", "parent"}
_NO_WORDS: frozenset[str] = frozenset()
#: Items whose keywords differ in more than their names are left as they are from here on.
_KNOWN = 1000


class Folding:
    """Folds the items of a session; knows what many of them have in common."""

    def __init__(self) -> None:
        #: Keywords of an item but for its names, by what they are.
        self._shared: dict[tuple[tuple[str, int], ...], dict[str, Any]] = {}
        #: Names of functions and classes, each once.
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}
        #: File, line and the words before an item's own name, by parent and function.
        self._locations: dict[tuple[Any, str], tuple[str, int | None, str]] = {}

    def fold(self, item: Any, cell: Cell) -> None:
        """Take from *item*, which is of *cell*, what can be made anew."""
        spend(item)
        self._fold_id(item, cell)
        self._fold_keywords(item)
        _fold_stash(item.stash)

    def rest(self, item: Any, cell: Cell) -> None:
        """Fold *item* while it does not run: nobody selects it by further words any more."""
        self.fold(item, cell)
        if getattr(item, "extra_keyword_matches", None) == set():
            item.extra_keyword_matches = _NO_WORDS

    def wake(self, item: Any) -> None:
        """Give *item* words of its own again: pytest asks for them often, plugins may add some."""
        unfold = getattr(item.keywords, "_unfold", None)
        if unfold is not None:
            unfold()
        if getattr(item, "extra_keyword_matches", None) is _NO_WORDS:
            item.extra_keyword_matches = set()
        self._locate(item)

    def _locate(self, item: Any) -> None:
        """Spare pytest the look for a file and line that all cases of a test have in common."""
        if not isinstance(item, pytest.Function) or not _tells_place_alike(type(item)):
            return
        if "location" in item.__dict__ or "reportinfo" in item.__dict__:
            return
        place = item.parent, item.originalname
        known = self._locations.get(place)
        if known is not None:
            path, line, words = known
            item.__dict__["location"] = path, line, words + item.name
        else:
            path, line, words = item.location
            if words.endswith(item.name):
                self._locations[place] = path, line, words.removesuffix(item.name)

    def _fold_id(self, item: Any, cell: Cell) -> None:
        """Share what pytest's newer node ids are made of; one tells itself as text when asked."""
        found: Any = getattr(item, "id", None)
        names, params = getattr(found, "names", None), getattr(found, "params", None)
        if type(names) is tuple and params == cell.id:
            cell.id = params  # pytest's is an equal text, but another one.
            with contextlib.suppress(AttributeError):
                object.__setattr__(found, "names", self._names.setdefault(names, names))
                if found._str_cache is not None:
                    object.__setattr__(found, "_str_cache", None)

    def _fold_keywords(self, item: Any) -> None:
        keywords = item.keywords
        kind: Any = type(keywords)
        if not _is_known(kind):
            return
        markers = keywords._markers
        first, *others = markers.items()
        last = others.pop() if others else first
        if keywords.node is item and [first, last] == [(item.name, True), (item.callspec.id, True)]:
            shared = self._common(dict(others))
            if shared is not None:
                keywords._markers = shared
                keywords.__class__ = _folded(kind)

    def _common(self, others: dict[str, Any]) -> dict[str, Any] | None:
        # Their values are held below, so no other object takes their place in memory.
        name = tuple((word, id(value)) for word, value in others.items())
        if name not in self._shared and len(self._shared) >= _KNOWN:
            return None
        return self._shared.setdefault(name, others)


@functools.cache
def _tells_place_alike(kind: Any) -> bool:
    """Return whether items of *kind* say as pytest's own do where they stand."""
    names = ("location", "reportinfo", "getmodpath", "obj")
    return all(getattr(kind, one, None) is getattr(pytest.Function, one, kind) for one in names)


@functools.cache
def _is_known(kind: Any) -> bool:
    slots = getattr(kind, "__slots__", ())
    return kind.__module__.startswith("_pytest.") and set(slots) == _SLOTS


@functools.cache
def _folded(kind: Any) -> Any:
    """Return a class below *kind*, whose slot holds what many items share."""
    shared = kind._markers

    class Folded(kind):  # type: ignore[misc]
        __slots__ = ()

        @property
        def _markers(self) -> dict[str, Any]:
            node = self.node
            return {node.name: True, **shared.__get__(self), node.callspec.id: True}

        def __setitem__(self, key: str, value: Any) -> None:
            self._unfold()[key] = value

        def update(self, *given: Any, **named: Any) -> None:
            self._unfold().update(*given, **named)

        def _unfold(self) -> Any:
            markers = self._markers
            self.__class__ = kind
            shared.__set__(self, markers)
            return self

    Folded.__name__ = Folded.__qualname__ = kind.__name__
    return Folded


class _Unused(pytest.Stash):
    """A stash without a dict, until something is put there."""

    __slots__ = ()
    _storage: Mapping[Any, Any] = MappingProxyType({})  # type: ignore[assignment]

    def __setitem__(self, key: pytest.StashKey[Any], value: Any) -> None:
        self.__class__ = pytest.Stash  # type: ignore[assignment]
        self._storage = {}
        self[key] = value

    def __delitem__(self, key: pytest.StashKey[Any]) -> None:
        raise KeyError(key)


def _fold_stash(stash: pytest.Stash) -> None:
    if type(stash) is pytest.Stash and not len(stash) and pytest.Stash.__slots__ == ("_storage",):
        del stash._storage
        stash.__class__ = _Unused
