"""From a row to a case: reserved columns, mapping, stable ids, digests. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pytest_ailoop.data.case import Case
from pytest_ailoop.dataset.values import first_fault, shown
from pytest_ailoop.digest import digest
from pytest_ailoop.errors import DatasetError, UsageError
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.text import cut, suggestion

__all__ = ["RESERVED", "Place", "Shape", "case_from", "generated_id", "refuse_values", "shape_of"]

RESERVED = ("expected", "id", "input", "metadata", "source", "split", "tags", "trials")
"""Columns with a meaning of their own. `source` is the author's note on where a row came from;
it goes to `metadata["source"]`, as `Case.source` says where the row stands."""

_SPLITS = ["dev", "test"]
_NOT_COLUMNS = frozenset({"source"})


class Place(NamedTuple):
    """Where a row stands."""

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"

    def fault(
        self, problem: str, *, field: str | None = None, case_id: str | None = None
    ) -> DatasetError:
        """Return the error that says *problem* about the row."""
        return DatasetError(problem, path=self.path, line=self.line, field=field, case_id=case_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """Which columns mean what."""

    fields: Mapping[str, str]
    """Column, or dotted path into nested objects, by reserved word."""
    used: frozenset[str]
    """Columns that are read under a word of their own; the others are left over."""


def shape_of(fields: Mapping[str, str] | None) -> Shape:
    """Return the shape for a marker's `fields=`; raises `UsageError` for an unknown word."""
    fields = dict(fields or {})
    known = [word for word in RESERVED if word not in _NOT_COLUMNS]
    for word, column in fields.items():
        if word not in known:
            raise UsageError(
                f"fields= names {word!r}{suggestion(str(word), known)}; known: {', '.join(known)}"
            )
        if not isinstance(column, str) or not column:
            raise UsageError(f"fields= maps {word!r} to {shown(column)}; expected a column name")
    own = {word for word in known if word not in fields}
    return Shape(fields=fields, used=frozenset(own | set(fields.values())))


def generated_id(content: str) -> str:
    """Return the id of a row that has none: 48 bits of its digest tell a million rows apart."""
    return f"case-{content[:12]}"


def case_from(
    columns: Mapping[str, Any],
    place: Place,
    shape: Shape,
    *,
    plain: Mapping[str, Any] | None = None,
    row: Any = None,
    known: tuple[str, str] | None = None,
) -> Case:
    """Return the case of one row.

    *plain* is *columns* as JSON values where that differs (typed rows), *row* the object
    that stands for the whole row where it is not *columns*. *known* are id and digest of
    a row that was checked before; it is trusted to be the same. Raises `DatasetError` naming the
    field.
    """
    if known is None:
        refuse_values(columns if plain is None else plain, place)
    seen = _Row(columns, place, shape)
    reader = seen if plain is None else _Row(plain, place, shape)
    own_id = seen.case_id = reader.id() if known is None else known[0]
    parts = seen.parts()
    content = digest(parts if seen is reader else reader.parts()) if known is None else known[1]
    return Case(
        id=own_id or generated_id(content),
        input=parts["input"],
        expected=parts["expected"],
        metadata=parts["metadata"],
        tags=reader.tags(),
        split=reader.split(),
        trials=reader.trials(),
        source=str(place),
        digest=content,
        row=columns if row is None else row,
    )


def refuse_values(plain: Mapping[str, Any], place: Place) -> None:
    """Raise `DatasetError` for the first value of a row that is not fit to be kept."""
    fault = first_fault(plain)
    if fault is not None:
        own = plain.get("id")
        case_id = str(own) if isinstance(own, (str, int)) and fault.field != "id" else None
        raise place.fault(fault.problem, field=fault.field or None, case_id=case_id)


class _Row:
    """Reads the reserved words of one row, and names the field of what it refuses."""

    __slots__ = ("case_id", "columns", "get", "place", "shape")

    def __init__(self, columns: Mapping[str, Any], place: Place, shape: Shape) -> None:
        self.columns, self.place, self.shape = columns, place, shape
        self.case_id: str | None = None
        #: Returns the value under a word, None where the row has no such column.
        self.get: Callable[[str], Any] = self._mapped if shape.fields else columns.get

    def fault(self, problem: str, word: str) -> DatasetError:
        field = self.shape.fields.get(word, word)
        return self.place.fault(problem, field=field, case_id=self.case_id)

    def _mapped(self, word: str) -> Any:
        path = self.shape.fields.get(word)
        if path is None:
            return self.columns.get(word)
        # A column's own name may hold dots.
        if path in self.columns:
            return self.columns[path]
        value: Any = self.columns
        for part in path.split("."):
            value, known = _step(value, part)
            if known is not None:
                has = f"there are {', '.join(known)}" if known else "nothing is below it"
                raise self.fault(
                    f"no column {part!r} for fields={{{word!r}: {path!r}}}"
                    f"{suggestion(part, known)}; {cut(has, 200)}",
                    word,
                )
        return value

    def id(self) -> str | None:
        value = self.get("id")
        if value is None:
            return None
        if type(value) is int:
            value = str(value)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(f"expected text or a whole number, got {shown(value)}", "id")
        self.case_id = value
        return value

    def tags(self) -> tuple[str, ...]:
        value = self.get("tags")
        if value is None:
            return ()
        if isinstance(value, str) and "tags" in self.shape.fields:
            value = [value]
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            raise self.fault(f"expected a list of texts, got {shown(value)}", "tags")
        for tag in value:
            if not tag.strip() or tag.startswith("!"):
                raise self.fault(f"a tag is neither empty nor begins with '!', got {tag!r}", "tags")
        return tuple(sorted(set(value)))

    def split(self) -> str:
        value = self.get("split")
        if value is None:
            return "dev"
        if not isinstance(value, str) or value not in _SPLITS:
            hint = suggestion(value, _SPLITS) if isinstance(value, str) else ""
            raise self.fault(f"expected 'dev' or 'test', got {shown(value)}{hint}", "split")
        return value

    def trials(self) -> int | None:
        value = self.get("trials")
        if value is None or (type(value) is int and value >= 1):
            return value
        raise self.fault(f"expected a whole number from 1, got {shown(value)}", "trials")

    def parts(self) -> dict[str, Any]:
        """Return what the digest names: `input`, `expected` and `metadata`, as a test sees them.

        Not `id`, `tags`, `split`, `trials` and the place: renaming, sorting or moving a case
        must not make its accepted scores incomparable.
        """
        rest = {name: self.columns[name] for name in self.columns if name not in self.shape.used}
        if "input" in self.shape.fields or "input" in self.columns:
            asked = self.get("input")
        else:
            asked = {name: rest[name] for name in rest if name != "source"}
            rest = {"source": rest["source"]} if "source" in rest else {}
        return {"input": asked, "expected": self.get("expected"), "metadata": self._metadata(rest)}

    def _metadata(self, rest: dict[str, Any]) -> dict[str, Any]:
        given = self.get("metadata")
        if given is None:
            return rest
        if not isinstance(given, Mapping):
            raise self.fault(f"expected an object, got {shown(given)}", "metadata")
        for name in given:
            if name in rest:
                raise self.fault(f"{name!r} is a column as well; keep one", "metadata")
        return {**rest, **given}


def _step(value: Any, part: str) -> tuple[Any, list[str] | None]:
    """Return what *part* leads to, or the names there are where it leads nowhere."""
    if isinstance(value, Mapping):
        return (value[part], None) if part in value else (None, sorted(map(str, value)))
    if isinstance(value, (list, tuple)):
        if part.isdecimal() and int(part) < len(value):
            return value[int(part)], None
        return None, [str(at) for at in range(min(len(value), 10))]
    return None, []
