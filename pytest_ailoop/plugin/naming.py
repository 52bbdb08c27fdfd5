"""What items are called: their cell, their key across runs, their test function.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import inspect
import textwrap

import pytest

from pytest_ailoop.data.record import ItemKey
from pytest_ailoop.matrix import Cell
from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["CELL", "cell_of", "function_of", "key_of", "source_of"]

CELL = "_ailoop_cell"
"""The hidden argument that evals are parametrized by."""

_KEY = pytest.StashKey[ItemKey]()


def cell_of(item: pytest.Item) -> Cell | None:
    """Return the item's cell of the matrix, or None for an ordinary test."""
    callspec = getattr(item, "callspec", None)
    found = None if callspec is None else callspec.params.get(CELL)
    # An empty selection leaves pytest's own placeholder, a skipped item.
    return found if isinstance(found, Cell) else None


def key_of(evaluation: Evaluation, item: pytest.Item, cell: Cell) -> ItemKey:
    """Return the item's name across runs: module, test, variant, case, trial."""
    found = item.stash.get(_KEY, None)
    if found is None:
        module, function = function_of(evaluation, item)
        rest = _other_parameters(item.callspec.id, cell.id)  # type: ignore[attr-defined]
        found = item.stash[_KEY] = ItemKey(
            module=module,
            test=f"{function}[{rest}]" if rest else function,
            variant=cell.variant,
            case=cell.case.id,
            trial=cell.trial,
        )
    return found


def function_of(evaluation: Evaluation, item: pytest.Item) -> tuple[str, str]:
    """Return the module's path, and the test function's name with its classes."""
    names = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    name = getattr(item, "originalname", item.name)
    return evaluation.relative(item.path), "::".join([*names, name])


def _other_parameters(whole: str, ours: str) -> str:
    """Return the part of a parametrize id that ordinary `parametrize` marks gave."""
    before, _, after = whole.partition(ours)
    return "-".join(part for part in (before.strip("-"), after.strip("-")) if part)


def source_of(item: pytest.Item) -> str | None:
    """Return the source of the item's test function, dedented; None where it cannot be read."""
    function = getattr(item, "function", None) or getattr(item, "obj", None)
    try:
        return textwrap.dedent(inspect.getsource(inspect.unwrap(function)))  # type: ignore[arg-type]
    except (OSError, TypeError, ValueError):
        return None
