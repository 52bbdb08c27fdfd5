"""The parameters of a finished eval, in a fifth of the room; whoever asks gets what was there.

pytest keeps five containers for each item, of which ours tell nothing but its cell.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from pytest_ailoop.data.cell import Cell
from pytest_ailoop.plugin.naming import CELL

__all__ = ["spend"]

#: What pytest's class has, as this module knows it.
_FIELDS = {"params", "indices", "_arg2scope", "_idlist", "marks"}


def spend(item: Any) -> None:
    """Put in place of *item*'s parameters an object that makes them anew when asked.

    Items with parameters besides our own, or of another pytest, keep what they have.
    """
    spec: Any = item.callspec
    kind: Any = type(spec)
    if not _is_known(kind) or spec.params.keys() != {CELL} or spec.marks:
        return
    cell = spec.params[CELL]
    if spec.indices.keys() == {CELL} and list(spec._idlist) == [cell.id]:
        item.callspec = _lean(kind)(cell, spec.indices[CELL], spec._arg2scope[CELL])


@functools.cache
def _is_known(kind: Any) -> bool:
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    return {one.name for one in fields} == _FIELDS and kind.__module__.startswith("_pytest.")


@functools.cache
def _lean(kind: Any) -> Any:
    """Return a class below *kind* whose fields are computed."""

    class Spent(kind):  # type: ignore[misc]
        __slots__ = ("_cell", "_index", "_scope")

        def __init__(self, cell: Cell, index: int, scope: Any) -> None:
            for name, value in (("_cell", cell), ("_index", index), ("_scope", scope)):
                # The class above is frozen.
                object.__setattr__(self, name, value)

        params = property(lambda self: {CELL: self._cell})
        indices = property(lambda self: {CELL: self._index})
        _arg2scope = property(lambda self: {CELL: self._scope})
        _idlist = property(lambda self: [self._cell.id])
        marks = property(lambda self: [])

    Spent.__name__ = Spent.__qualname__ = kind.__name__
    return Spent
