"""Rows as instances of the user's own type, and objects as JSON values. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pytest_ailoop.dataset.cases import RESERVED, Place
from pytest_ailoop.dataset.values import MAX_DEPTH, shown
from pytest_ailoop.digest import canonical
from pytest_ailoop.errors import UsageError
from pytest_ailoop.text import one_line

__all__ = ["RowType", "columns_of", "jsonable"]

_SCALARS = (str, int, float, bool, type(None))
_BOOKKEEPING = frozenset(RESERVED) - {"input", "expected"}


class RowType:
    """What `case_type=` names: a pydantic model, dataclass or TypedDict."""

    def __init__(self, case_type: Any) -> None:
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticUserError

        self.type = case_type
        self.name = getattr(case_type, "__name__", str(case_type))
        try:
            self._adapter = TypeAdapter(case_type)
        except PydanticUserError as error:
            raise UsageError(
                f"case_type={self.name}: expected a pydantic model, dataclass or TypedDict"
                f" ({one_line(str(error))})"
            ) from None

    def instance(self, row: Any, place: Place) -> tuple[Any, dict[str, Any]]:
        """Return *row* as an instance, and its columns; bookkeeping the type lacks is kept aside.

        Raises `DatasetError` with the dotted path of the field, what was expected and got.
        """
        aside: dict[str, Any] = {}
        if isinstance(row, Mapping):
            own = self._names()
            aside = {name: row[name] for name in _BOOKKEEPING if name in row and name not in own}
            row = {name: row[name] for name in row if name not in aside}
        instance = self._validated(row, place, aside)
        columns = columns_of(instance)
        if columns is None:
            raise place.fault(f"case_type={self.name} gives {shown(instance)}, which has no fields")
        return instance, {**aside, **columns}

    def _names(self) -> set[str]:
        """Return the names that the type reads itself, aliases too."""
        known = set(getattr(self.type, "__annotations__", ()))
        for name, field in (getattr(self.type, "model_fields", None) or {}).items():
            known.add(name)
            choices = getattr(field.validation_alias, "choices", [field.validation_alias])
            known.update(one for one in [field.alias, *choices] if isinstance(one, str))
        return known

    def _validated(self, row: Any, place: Place, aside: Mapping[str, Any]) -> Any:
        from pydantic import ValidationError

        own = aside.get("id", row.get("id") if isinstance(row, Mapping) else None)
        case_id = str(own) if isinstance(own, (str, int)) else None
        try:
            return self._adapter.validate_python(row)
        except ValidationError as error:
            first, *more = error.errors(include_url=False)
            also = sorted({_path(one["loc"]) for one in more})
            raise place.fault(
                f"{first['msg']}{_got(first)} (case_type={self.name})"
                + (f"; also wrong: {', '.join(also[:5])}" if also else ""),
                field=_path(first["loc"]) or None,
                case_id=case_id,
            ) from None
        except Exception as error:  # a validator of the user's
            raise place.fault(
                f"case_type={self.name} raised {type(error).__name__}: {one_line(str(error), 200)}",
                case_id=case_id,
            ) from error


def _got(error: Any) -> str:
    return "" if error["type"] == "missing" else f", got {shown(error['input'])}"


def _path(parts: tuple[int | str, ...]) -> str:
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def columns_of(instance: Any) -> dict[str, Any] | None:
    """Return the columns of a mapping, pydantic model or dataclass instance; None for others.

    A model's field whose alias is a reserved word stands under that word.
    """
    if isinstance(instance, Mapping):
        return dict(instance)
    kind = type(instance)
    if hasattr(kind, "model_fields"):
        names = {
            name: field.alias if field.alias in RESERVED else name
            for name, field in kind.model_fields.items()
        }
        names.update((name, name) for name in kind.model_computed_fields)
        found = {column: getattr(instance, name) for name, column in names.items()}
        return {**found, **(instance.model_extra or {})}
    if dataclasses.is_dataclass(instance) and not isinstance(instance, type):
        return {field.name: getattr(instance, field.name) for field in dataclasses.fields(instance)}
    return None


def jsonable(value: Any, depth: int = 0) -> Any:
    """Return *value* as JSON values, the same in every process; what cannot be is left as it is.

    Sets become sorted lists: their own order differs from one process to the next.
    """
    if type(value) in _SCALARS or depth > MAX_DEPTH + 1:
        return value
    columns = columns_of(value)
    if columns is not None:
        return {name: jsonable(item, depth + 1) for name, item in columns.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item, depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return _sorted([jsonable(item, depth + 1) for item in value])
    from pydantic_core import to_jsonable_python

    try:
        return to_jsonable_python(value)
    except ValueError:
        return value


def _sorted(items: list[Any]) -> list[Any]:
    try:
        return sorted(items, key=canonical)
    except (TypeError, ValueError):
        return items
