"""Data sets made by Python code: callables, generators, lists of rows. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_ailoop.data.case import Case
from pytest_ailoop.dataset.cases import Place, case_from, shape_of
from pytest_ailoop.dataset.typed import jsonable
from pytest_ailoop.dataset.values import shown
from pytest_ailoop.errors import DatasetError, UsageError
from pytest_ailoop.text import one_line

__all__ = ["name_of", "recased", "rows"]


def name_of(spec: Any) -> str:
    """Return how messages and reports call *spec*: its qualified name, or its type's."""
    # A partial has no name of its own; that of the function inside says more.
    named = getattr(spec, "func", spec)
    return str(getattr(named, "__qualname__", type(named).__qualname__))


def rows(spec: Any, name: str) -> Iterator[Any]:
    """Yield what the callable or iterable *spec* gives; it is consumed once.

    Raises `UsageError` for what can give no rows (async, a class, a single row, text), and
    `DatasetError` with type and message for what the user's code raises on the way.
    """
    if isinstance(spec, type):
        raise UsageError(f"dataset={name} is a class; give its instances, or say case_type={name}")
    found = spec
    if callable(spec):
        _refuse_async(spec, name)
        try:
            found = spec()
        except Exception as error:
            raise _raised(name, error) from error
    _refuse_async(found, name)
    if isinstance(found, (str, bytes, Mapping)) or not isinstance(found, Iterable):
        raise UsageError(f"dataset={name}: expected an iterable of rows, got {shown(found)}")
    yield from _watched(found, name)


def recased(item: Case, place: Place) -> Case:
    """Return a `Case` that the user made, checked and with its digest; its own source stays."""
    columns = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    row, source = columns.pop("row"), columns.pop("source")
    del columns["digest"]
    case = case_from(
        columns, place, shape_of(None), plain=jsonable(columns), row=columns if row is None else row
    )
    return dataclasses.replace(case, source=source or case.source)


def _watched(found: Iterable[Any], name: str) -> Iterator[Any]:
    iterator = iter(found)
    at = 0
    while True:
        try:
            item = next(iterator)
        except StopIteration:
            return
        except Exception as error:
            raise _raised(f"{name}[{at}]", error) from error
        yield item
        at += 1


def _raised(where: str, error: Exception) -> DatasetError:
    if isinstance(error, DatasetError):
        return error
    message = one_line(str(error), 200)
    return DatasetError(f"raised {type(error).__name__}: {message}", path=where)


def _refuse_async(spec: Any, name: str) -> None:
    if inspect.iscoroutine(spec):
        spec.close()  # else Python warns that it was never awaited
    elif not (
        inspect.iscoroutinefunction(spec)
        or inspect.isasyncgenfunction(spec)
        or inspect.isawaitable(spec)
        or hasattr(spec, "__aiter__")
    ):
        return
    raise UsageError(
        f"dataset={name} is async, but cases are read before any test runs; make it a plain"
        " function (asyncio.run(...) inside it), or write its rows to a .jsonl file"
    )
