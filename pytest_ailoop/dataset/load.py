"""From a marker's `dataset=` to a whole data set, or a fault with its place. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pytest_ailoop.data.case import Case, DatasetFacts
from pytest_ailoop.dataset import files, objects
from pytest_ailoop.dataset.cases import (
    Place,
    Shape,
    case_from,
    generated_id,
    refuse_values,
    shape_of,
)
from pytest_ailoop.dataset.readers import Reader
from pytest_ailoop.dataset.readers.source import Source
from pytest_ailoop.dataset.table import CaseTable
from pytest_ailoop.dataset.typed import RowType, columns_of, jsonable
from pytest_ailoop.dataset.values import shown
from pytest_ailoop.digest import LENGTH, digest_text
from pytest_ailoop.errors import DatasetError, UsageError
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.text import suggestion

__all__ = ["DataSpec", "Dataset", "load"]

DataSpec: TypeAlias = (
    str | Path | Sequence[str | Path] | Callable[[], Iterable[Any]] | Iterable[Any]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """All cases of one `dataset=`, and what a run remembers of them."""

    name: str
    cases: Sequence[Case]
    """In the order of the files; each access may build an equal case anew."""
    facts: DatasetFacts
    files: tuple[str, ...] = ()
    """Files and case folders that it was read from, relative to the root folder."""


def load(
    spec: DataSpec,
    *,
    base: Path,
    root: Path,
    case_type: Any = None,
    fields: Mapping[str, str] | None = None,
    allow_empty: bool = False,
) -> Dataset:
    """Return the data set that *spec* names, read whole.

    *spec*: a path or pattern or several of them (relative to *base*), a folder of case
    folders, a callable that gives rows, or an iterable of rows (mappings, `Case`, pydantic
    models, dataclasses). *case_type* validates every row; *fields* says which columns are
    `input`, `expected` and so on. Messages name files relative to *root*.

    Raises `DatasetError` for any fault in the data, `UsageError` for one in the arguments.
    """
    gather = _Gather(shape_of(fields), None if case_type is None else RowType(case_type))
    paths = _paths(spec)
    read: list[str] = []
    if paths is None:
        name = objects.name_of(spec)
        gather.objects(spec, name, allow_empty)
    else:
        name = ", ".join(files.name_of(path, base) for path in paths)
        for source, reader in files.sources(paths, base=base, root=root):
            gather.file(source, reader, allow_empty)
            read.append(source.shown)
    facts = gather.facts(name)
    return Dataset(name=name, cases=gather.cases, facts=facts, files=tuple(read))


def _paths(spec: DataSpec) -> list[str | Path] | None:
    if isinstance(spec, (str, os.PathLike)):
        return [spec]
    if isinstance(spec, Sequence) and not isinstance(spec, (bytes, bytearray)):
        kinds = {isinstance(one, (str, os.PathLike)) for one in spec}
        if kinds == {True, False}:
            raise UsageError("dataset= mixes paths with rows; give one or the other")
        if kinds == {True}:
            return list(spec)
    return None


class _Gather:
    """Rows in, cases out: the place where ids meet."""

    def __init__(self, shape: Shape, row_type: RowType | None) -> None:
        self.shape, self.row_type = shape, row_type
        self._digests: dict[str, str] = {}
        self._sum = 0
        self.cases = CaseTable(shape, self._digests)

    def facts(self, name: str) -> DatasetFacts:
        return DatasetFacts(
            name=name,
            digest=f"{self._sum:0{LENGTH}x}",
            size=len(self.cases),
            case_digests=self._digests,
        )

    def file(self, source: Source, reader: Reader, allow_empty: bool) -> None:
        first: dict[str, Any] | None = None
        for line, row in reader(source):
            place = Place(source.shown, line)
            if not isinstance(row, dict):
                raise place.fault(f"expected an object, got {shown(row)}")
            first = row if first is None else first
            if self.row_type is None:
                if ("input" in row) != ("input" in first) and "input" not in self.shape.fields:
                    raise _uneven(row, place)
                case = case_from(row, place, self.shape)
                self._enter(case, place)
                self.cases.pack(case.id, row, place)
            else:
                refuse_values(row, place)
                self._keep(self._typed(self.row_type, row, place), place)
        if first is None and not allow_empty:
            raise source.fault("no case in it; allow_empty=True lets that pass", 1)

    def objects(self, spec: Any, name: str, allow_empty: bool) -> None:
        at = -1
        for at, item in enumerate(objects.rows(spec, name)):
            place = Place(f"{name}[{at}]")
            self._keep(self._case(item, place), place)
        if at < 0 and not allow_empty:
            raise DatasetError("no case in it; allow_empty=True lets that pass", path=name)

    def _case(self, item: Any, place: Place) -> Case:
        if isinstance(item, Case):
            if self.row_type is not None or self.shape.fields:
                raise place.fault("case_type= and fields= are for rows; this is a Case already")
            return objects.recased(item, place)
        if self.row_type is not None:
            return self._typed(self.row_type, item, place)
        columns = columns_of(item)
        if columns is None:
            raise place.fault(
                f"expected a mapping, a Case, a pydantic model or a dataclass, got {shown(item)}"
            )
        return self._of_objects(columns, item, place)

    def _typed(self, row_type: RowType, row: Any, place: Place) -> Case:
        instance, columns = row_type.instance(row, place)
        return self._of_objects(columns, instance, place)

    def _of_objects(self, columns: dict[str, Any], item: Any, place: Place) -> Case:
        row = dict(columns) if isinstance(item, Mapping) else item
        given = columns_of(columns.get("metadata"))
        if given is not None:
            columns["metadata"] = given
        return case_from(columns, place, self.shape, plain=jsonable(columns), row=row)

    def _keep(self, case: Case, place: Place) -> None:
        self._enter(case, place)
        self.cases.keep(case)

    def _enter(self, case: Case, place: Place) -> None:
        if case.id not in self._digests:
            self._digests[case.id] = case.digest
            # A sum has no order, and needs no sorted list of a million names.
            one = int(digest_text(f"{case.id}\n{case.digest}"), 16)
            self._sum = (self._sum + one) % 16**LENGTH
            return
        first = next(one.source for one in self.cases if one.id == case.id)
        if case.id == generated_id(case.digest):
            raise place.fault(
                f"the same content as {first}, and no id; give them ids,"
                " or write the case once and set its trials",
            )
        raise place.fault(f"the id stands at {first} already; ids are unique", case_id=case.id)


def _uneven(row: dict[str, Any], place: Place) -> DatasetError:
    own = row.get("id")
    case_id = own if isinstance(own, str) else None
    if "input" in row:
        problem = "rows before it have no such column; give all rows one, or none"
    else:
        known = [name for name in row if suggestion("input", [name])]
        hint = f"; did you mean {known[0]!r}?" if known else ""
        problem = f"no such column, but rows before it have one{hint} (null says: no input)"
    return place.fault(problem, field="input", case_id=case_id)
