"""The `ailoop` marker: merged from module and class to function, and checked.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal

import pytest

from pytest_ailoop import errors, text
from pytest_ailoop.data.gate import GateSpec
from pytest_ailoop.frozen import dataclass

__all__ = ["Marked", "ailoop", "merged"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """The marker's keywords after merging; None where nothing was said."""

    dataset: Any = None
    model: tuple[str, ...] | None = None
    prompt: tuple[str, ...] | None = None
    params: Mapping[str, tuple[Any, ...]] | None = None
    trials: int | Literal["auto"] | None = None
    stop: Literal["never", "settled"] | None = None
    gate: tuple[GateSpec, ...] | None = None
    case_type: type[Any] | None = None
    fields: Mapping[str, str] | None = None
    allow_empty: bool = False


KEYWORDS = [field.name for field in fields(Marked)]


def ailoop(
    dataset: Any = None,
    *,
    model: str | Sequence[str] | None = None,
    prompt: str | Sequence[str] | None = None,
    params: Mapping[str, Sequence[Any]] | None = None,
    trials: int | Literal["auto"] | None = None,
    stop: Literal["never", "settled"] | None = None,
    gate: GateSpec | Sequence[GateSpec] | None = None,
    case_type: type[Any] | None = None,
    fields: Mapping[str, str] | None = None,
    allow_empty: bool | None = None,
) -> Callable[[Any], Any]:
    """Mark a test function or class as an eval: `pytest.mark.ailoop` with types for editors.

    *dataset*: a file, glob, folder of case folders, callable or iterable, or a list of them;
    paths are relative to the test module.
    *model*, *prompt*: one or several; *params*: further axes, `{"temperature": [0, 1]}`.
    *trials*: how often each case is repeated; `auto` is as many rounds as the gates' verdict takes.
    *stop*: `settled` runs no case that the gates' verdict does not need any more.
    *gate*: what decides for all cases together, `[pass_rate(0.9), no_regression()]`; without it
    every item decides for itself.
    *case_type*: a pydantic model that rows must fit.
    *fields*: columns by meaning, `{"input": "question"}`. *allow_empty*: accept a data set
    without rows.

    Usable as `pytestmark = ailoop(...)` too. Raises nothing by itself: values are checked when
    tests are collected.
    """
    said = {
        "dataset": dataset,
        "model": model,
        "prompt": prompt,
        "params": params,
        "trials": trials,
        "stop": stop,
        "gate": gate,
        "case_type": case_type,
        "fields": fields,
        "allow_empty": allow_empty,
    }
    given = {name: value for name, value in said.items() if value is not None}
    marked: Callable[[Any], Any] = pytest.mark.ailoop(**given)
    return marked


def merged(definition: pytest.Item) -> Marked:
    """Return the marker's keywords for a test function: the nearest of each wins.

    Raises `UsageError` that names the test, what was expected and what was got.
    """
    found: dict[str, Any] = {}
    for mark in definition.iter_markers("ailoop"):
        for name, value in _keywords(mark, definition.nodeid).items():
            found.setdefault(name, value)
    return Marked(**{name: _checked(name, found[name], definition.nodeid) for name in found})


def _keywords(mark: pytest.Mark, where: str) -> dict[str, Any]:
    said = dict(mark.kwargs)
    if len(mark.args) > 1 or (mark.args and "dataset" in said):
        raise _refusal(where, f"one data set expected, got {len(mark.args)} positional values")
    if mark.args:
        said["dataset"] = mark.args[0]
    for name in said:
        if name not in KEYWORDS:
            hint = text.suggestion(name, KEYWORDS)
            known = ", ".join(KEYWORDS)
            raise _refusal(where, f"unknown keyword {name!r}{hint} (known: {known})")
    # As for the typed twin: None is nothing said, so the next mark up counts.
    return {name: value for name, value in said.items() if value is not None}


def _refusal(where: str, problem: str) -> errors.UsageError:
    return errors.UsageError(f"{where}: marker ailoop: {problem}")


def _checked(name: str, value: Any, where: str) -> Any:
    check = _CHECKS.get(name)
    if check is None:
        return value
    try:
        return check(value)
    except (TypeError, ValueError) as fault:
        raise _refusal(where, f"{name}= expects {fault}, got {text.cut(repr(value), 80)}") from None


def _names(value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    wanted = "a name or a list of different names"
    if not isinstance(names, Iterable):
        raise TypeError(wanted)
    names = tuple(map(_name, names))
    if not names or not all(names) or len(set(names)) < len(names):
        raise ValueError(wanted)
    return names


def _name(value: Any) -> str:
    import os

    if not isinstance(value, (str, os.PathLike)):
        raise TypeError("a name or a list of different names")
    return os.fspath(value)


def _params(value: Any) -> dict[str, tuple[Any, ...]]:
    wanted = "a mapping of axis names to lists of values, like {'temperature': [0, 1]}"
    if not isinstance(value, Mapping):
        raise TypeError(wanted)
    axes: dict[str, tuple[Any, ...]] = {}
    for name, values in value.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise TypeError(wanted)
        if isinstance(values, (str, Mapping)) or not isinstance(values, Iterable):
            raise TypeError(wanted)
        axes[name] = tuple(values)
        if not axes[name]:
            raise ValueError(f"at least one value for {name!r}")
    return axes


def _trials(value: Any) -> int | str:
    if value == "auto":
        return "auto"
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TypeError("a whole number of at least 1, or 'auto'")
    return value


def _stop(value: Any) -> str:
    if value not in ("never", "settled"):
        raise TypeError("'never' or 'settled'")
    return str(value)


def _gates(value: Any) -> tuple[GateSpec, ...]:
    wanted = "a gate or a list of different gates, like [pass_rate(0.9), no_regression()]"
    gates = (value,) if isinstance(value, GateSpec) else value
    if isinstance(gates, (str, Mapping)) or not isinstance(gates, Iterable):
        raise TypeError(wanted)
    gates = tuple(gates)
    if not all(isinstance(one, GateSpec) for one in gates):
        raise TypeError(wanted)
    if len({one.name for one in gates}) < len(gates):
        raise ValueError(wanted)
    return gates


def _case_type(value: Any) -> type[Any]:
    if not isinstance(value, type) or not hasattr(value, "model_validate"):
        raise TypeError("a pydantic model class")
    return value


def _fields(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(
        isinstance(key, str) and isinstance(column, str) for key, column in value.items()
    ):
        raise TypeError("a mapping of meaning to column, like {'input': 'question'}")
    return dict(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("True or False")
    return value


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "model": _names,
    "prompt": _names,
    "params": _params,
    "trials": _trials,
    "stop": _stop,
    "gate": _gates,
    "case_type": _case_type,
    "fields": _fields,
    "allow_empty": _flag,
}
