"""The parameters of an eval, in a fifth of the room; whoever asks gets what was there.

pytest keeps five containers for each item, of which ours tell nothing but its cell.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Any

from pytest_ailoop.data.cell import Cell
from pytest_ailoop.plugin.naming import CELL

__all__ = ["extend", "spend"]

#: What pytest's class has, as this module knows it.
_FIELDS = {"params", "indices", "_arg2scope", "_idlist", "marks"}


def spend(item: Any) -> None:
    """Put in place of *item*'s parameters an object that makes them anew when asked.

    Items with parameters besides our own, or of another pytest, keep what they have.
    """
    spec: Any = item.callspec
    if hasattr(spec, "forget"):
        spec.forget()
    elif _is_ours(spec):
        kind: Any = type(spec)
        cell, index, scope = spec.params[CELL], spec.indices[CELL], spec._arg2scope[CELL]
        item.callspec = _lean(kind)(cell, index, scope)


def extend(metafunc: Any, cells: Sequence[Cell]) -> bool:
    """Add calls of *cells* to the one that *metafunc* has, as pytest would; False if unable.

    pytest has several times the room in use while it makes them.
    """
    calls = getattr(metafunc, "_calls", None)
    if type(calls) is not list or len(calls) != 1 or not _is_ours(calls[0]):
        return False
    (first,) = calls
    kind: Any = type(first)
    scopes = itertools.repeat(first._arg2scope[CELL])
    calls.extend(map(_lean(kind), cells, itertools.count(1), scopes))
    return True


def _is_ours(spec: Any) -> bool:
    """Return whether these parameters are our cell and no more."""
    kind: Any = type(spec)
    if not _is_known(kind) or spec.params.keys() != {CELL} or spec.marks:
        return False
    return spec.indices.keys() == {CELL} and list(spec._idlist) == [spec.params[CELL].id]


@functools.cache
def _is_known(kind: Any) -> bool:
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    return {one.name for one in fields} == _FIELDS and kind.__module__.startswith("_pytest.")


@functools.cache
def _lean(kind: Any) -> Any:
    """Return a class below *kind* whose fields are computed.

    Values that somebody asked for are kept as they are then: plugins put others there.
    """

    class Spent(kind):  # type: ignore[misc]
        __slots__ = (CELL, "_index", "_params", "_scope")

        def __init__(self, cell: Cell, index: int, scope: Any) -> None:
            # The class above is frozen.
            for name, value in ((CELL, cell), ("_index", index), ("_scope", scope)):
                object.__setattr__(self, name, value)
            object.__setattr__(self, "_params", None)

        @property
        def params(self) -> dict[str, object]:
            if self._params is None:
                object.__setattr__(self, "_params", {CELL: self._ailoop_cell})
            found: dict[str, object] = self._params
            return found

        def forget(self) -> None:
            """Let go of values that are no others than they were."""
            if self._params is not None and [*self._params.items()] == [(CELL, self._ailoop_cell)]:
                object.__setattr__(self, "_params", None)

        indices = property(lambda self: {CELL: self._index})
        _arg2scope = property(lambda self: {CELL: self._scope})
        _idlist = property(lambda self: [self._ailoop_cell.id])
        marks = property(lambda self: [])

    Spent.__name__ = Spent.__qualname__ = kind.__name__
    return Spent
