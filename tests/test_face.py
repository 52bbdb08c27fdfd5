"""The names that a test imports from the package: complete, sorted, and each what it says."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
import textwrap
from typing import Any

import pytest

import pytest_ailoop


def fresh(code: str) -> Any:
    """Return what *code* puts into `found`, run in a fresh interpreter."""
    whole = f"import json\n{textwrap.dedent(code)}\nprint(json.dumps(found))"
    ran = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_names_are_sorted_and_unique() -> None:
    """`__all__` is in the order that the linter keeps: constants and classes, then functions."""
    names = pytest_ailoop.__all__
    assert names == sorted(set(names), key=lambda name: (name.islower(), not name.isupper(), name))


def test_each_name_has_its_room() -> None:
    """The face and the table of rooms name the same things."""
    assert sorted(pytest_ailoop._WHERE) == sorted(pytest_ailoop.__all__)


def test_no_room_bears_a_name_of_the_face() -> None:
    """A module of such a name would take its place in the package once it is imported."""
    rooms = {found.name for found in pkgutil.iter_modules(pytest_ailoop.__path__)}
    assert rooms & set(pytest_ailoop.__all__) == set()


def test_dir_is_complete_before_anything_is_loaded() -> None:
    """`dir()` offers all names, and asking loads nothing."""
    found = fresh(
        """
        import sys, pytest_ailoop
        found = [dir(pytest_ailoop), [name for name in sys.modules if "pytest_ailoop." in name]]
        """
    )
    assert set(pytest_ailoop.__all__) <= set(found[0])
    assert found[1] == []


def test_an_unknown_name_is_refused_as_by_any_module() -> None:
    """A misspelt import is an ImportError, `getattr` an AttributeError."""
    with pytest.raises(AttributeError, match="module 'pytest_ailoop' has no attribute 'expct'"):
        pytest_ailoop.expct  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'expct'"):
        from pytest_ailoop import expct  # noqa: F401


def test_each_name_comes_first() -> None:
    """Each name can be the first one that is imported; none is a module."""
    found = fresh(
        """
        import importlib, sys, types
        import pytest_ailoop
        found = []
        for name in pytest_ailoop.__all__:
            for loaded in [one for one in sys.modules if one.startswith("pytest_ailoop")]:
                del sys.modules[loaded]
            value = getattr(importlib.import_module("pytest_ailoop"), name)
            if isinstance(value, types.ModuleType) or value.__name__ != name:
                found.append(name)
        """
    )
    assert found == []


@pytest.mark.parametrize("order", ["names", "reversed", "shuffled", "rooms first"])
def test_names_in_any_order(order: str) -> None:
    """Whatever was imported before, a name gives the same thing, and each time the same one."""
    found = fresh(
        f"""
        import importlib, pkgutil, random, pytest_ailoop
        rooms = [
            found.name
            for found in pkgutil.walk_packages(pytest_ailoop.__path__, "pytest_ailoop.")
            if not found.name.endswith("__main__")
        ]
        steps = sorted(pytest_ailoop.__all__)
        order = {order!r}
        if order == "reversed":
            steps.reverse()
        elif order == "rooms first":
            steps = [*rooms, *steps]
        elif order == "shuffled":
            steps += rooms
            random.Random(7).shuffle(steps)
        for step in steps:
            if step.startswith("pytest_ailoop."):
                importlib.import_module(step)
            else:
                exec(f"from pytest_ailoop import {{step}}")
        found = [
            name
            for name in pytest_ailoop.__all__
            if globals()[name] is not getattr(pytest_ailoop, name)
            or globals()[name].__name__ != name
        ]
        """
    )
    assert found == []


def test_star_import_gives_all_and_no_more() -> None:
    """`from pytest_ailoop import *` gives the face's names alone."""
    found = fresh(
        """
        space = {}
        exec("from pytest_ailoop import *", space)
        found = sorted(set(space) - {"__builtins__"})
        """
    )
    assert found == sorted(pytest_ailoop.__all__)
