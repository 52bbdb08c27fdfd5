"""What items are called: their cell, their key across runs, their test function.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import inspect
import textwrap
import weakref
from typing import Any

import pytest

from pytest_ailoop.data.cell import Cell
from pytest_ailoop.data.record import ItemKey
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = [
    "CELL",
    "KEY",
    "NOTHING",
    "NoCell",
    "cell_of",
    "function_of",
    "key_of",
    "nothing_of",
    "source_of",
    "test_of",
]

CELL = "_ailoop_cell"
"""The hidden argument that evals are parametrized by."""

NOTHING = "no-case-selected"
"""Id of the skipped item that stands for an eval of which no case was selected."""


@dataclass(frozen=True, slots=True)
class NoCell:
    """Stands where a cell would, and says why there is none."""

    why: str


KEY = pytest.StashKey[ItemKey]()
"""On an item, once it was asked for."""


def cell_of(item: pytest.Item) -> Cell | None:
    """Return the item's cell of the matrix, or None for an ordinary test."""
    found = _stands_for(item)
    return found if isinstance(found, Cell) else None


def nothing_of(item: pytest.Item) -> NoCell | None:
    """Return what stands for an eval without a selected case, or None for any other item."""
    found = _stands_for(item)
    return found if isinstance(found, NoCell) else None


def _stands_for(item: pytest.Item) -> Any:
    callspec = getattr(item, "callspec", None)
    # Of an item that was folded its parameters need not be made to tell.
    found = getattr(callspec, CELL, None)
    return callspec.params.get(CELL) if found is None and callspec is not None else found


def key_of(evaluation: Evaluation, item: pytest.Item, cell: Cell) -> ItemKey:
    """Return the item's name across runs: module, test, variant, case, trial."""
    found = item.stash.get(KEY, None)
    if found is None:
        module, test = test_of(evaluation, item, cell.id)
        found = item.stash[KEY] = ItemKey(
            module=module,
            test=test,
            variant=cell.variant,
            case=cell.case_id,
            trial=cell.trial,
        )
    return found


def test_of(evaluation: Evaluation, item: pytest.Item, ours: str) -> tuple[str, str]:
    """Return the module's path and the test's name; *ours* is our part of the item's id."""
    module, function = function_of(evaluation, item)
    rest = _other_parameters(item.callspec.id, ours)  # type: ignore[attr-defined]
    return module, f"{function}[{rest}]" if rest else function


def function_of(evaluation: Evaluation, item: pytest.Item) -> tuple[str, str]:
    """Return the module's path, and the test function's name with its classes."""
    name = getattr(item, "originalname", None) or item.name
    place = item.parent, item.path, name
    found = evaluation.functions.get(place)
    if found is None:
        names = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
        found = evaluation.relative(item.path), "::".join([*names, name])
        evaluation.functions[place] = found
    return found


def _other_parameters(whole: str, ours: str) -> str:
    """Return the part of a parametrize id that ordinary `parametrize` marks gave."""
    # At the ends first: `sun` is found inside `sunny` too.
    if whole == ours:
        return ""
    if whole.startswith(f"{ours}-"):
        return whole[len(ours) + 1 :]
    if whole.endswith(f"-{ours}"):
        return whole[: -len(ours) - 1]
    before, _, after = whole.partition(f"-{ours}-")
    return f"{before}-{after}"


def source_of(item: pytest.Item) -> str | None:
    """Return the source of the item's test function, dedented; None where it cannot be read."""
    function = getattr(item, "function", None) or getattr(item, "obj", None)
    try:
        return _SOURCES[function]
    except KeyError:
        found = _SOURCES[function] = _source(function)
        return found
    except TypeError:  # It cannot be referred to weakly.
        return _source(function)


# A function holds its module, and with it the session: a host that runs several lets each go.
_SOURCES: weakref.WeakKeyDictionary[Any, str | None] = weakref.WeakKeyDictionary()


def _source(function: Any) -> str | None:
    try:
        return textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    except (OSError, TypeError, ValueError):
        return None
