"""What a body takes from us, made without pytest setting the item up. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import recorder
from pytest_ailoop.plugin import fixtures
from pytest_ailoop.plugin.ahead.needs import needs_of, value_of
from pytest_ailoop.plugin.naming import CELL, cell_of

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.recorder import Recorder

__all__ = ["arguments_of", "lacks_axis", "lend"]


def lacks_axis(item: pytest.Item) -> bool:
    """Return whether a fixture of ours will fail, which it shall do in the item's own setup."""
    cell, names = cell_of(item), needs_of(item).own
    assert cell is not None
    there = {
        "model": cell.model is not None,
        "llm": cell.model is not None or getattr(cell.prompt, "model", None) is not None,
        "prompt": cell.prompt is not None,
    }
    return not all(there.get(name, True) for name in names)


def arguments_of(evaluation: Evaluation, item: Any, notebook: Recorder) -> dict[str, Any]:
    """Return all that the test function of *item* takes; raises `Unready`.

    Wider fixtures are taken as they are set up, parameters as they were given.
    """
    needs, ours = needs_of(item), _ours(evaluation, item, notebook)
    definitions, found = item._fixtureinfo.name2fixturedefs, {}
    for name in needs.arguments:
        definition = definitions[name][-1]
        if definition.scope != "function":
            found[name] = value_of(item, definition)
        else:
            found[name] = ours[name]() if name in needs.own else item.callspec.params[name]
    return found


def lend(
    evaluation: Evaluation, item: pytest.Function, notebook: Recorder, made: Mapping[str, Any]
) -> None:
    """Give *item* what is ours to give, so that pytest sets up nothing for it.

    *made* is what its body has already. Three fixtures take pytest longer than all that we do for
    an item. No fixture of the project's own can hang on them: an item that asks for such a one runs
    in its own turn (`needs_of`).
    """
    ours = _ours(evaluation, item, notebook)
    for name in needs_of(item).own:
        item.funcargs[name] = made[name] if name in made else ours[name]()
    item.funcargs[CELL] = cell_of(item)


def _ours(evaluation: Evaluation, item: Any, notebook: Recorder) -> dict[str, Callable[[], Any]]:
    """Return how each of our fixtures is made for *item*, by name."""
    cell = cell_of(item)
    assert cell is not None
    return {
        CELL: lambda: cell,
        "case": lambda: cell.case,
        "trial": lambda: cell.trial,
        "model": lambda: fixtures.model_of(cell),
        "prompt": lambda: fixtures.prompt_of(cell),
        "trace": lambda: recorder.Trace(notebook),
        "llm": lambda: fixtures.client_for(
            evaluation, cell, item.fixturenames, is_async=notebook.is_async
        ),
    }
