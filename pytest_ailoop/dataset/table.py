"""Cases in the space of their text: a million short rows fit where their objects would not.

Rows of files are kept as JSON and become `Case` objects when asked for; whoever selects
twenty of a million builds twenty. Typed rows and Python objects are kept as cases.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from pydantic_core import from_json, to_json

from pytest_ailoop.data.case import Case
from pytest_ailoop.dataset.cases import Place, Shape, case_from
from pytest_ailoop.text import plural

__all__ = ["CaseTable"]


class CaseTable(Sequence[Case]):
    """An unchanging sequence of cases; each access to a file's row builds an equal case anew."""

    __slots__ = ("_digests", "_entries", "_files", "_ids", "_lines", "_paths", "_shape")

    def __init__(self, shape: Shape, digests: Mapping[str, str]) -> None:
        self._shape, self._digests = shape, digests
        self._entries: list[bytes | Case] = []
        # The same objects as in the digests.
        self._ids: list[str] = []
        self._paths: list[str] = []
        # A number for each entry; 0 is no line.
        self._files, self._lines = array("I"), array("Q")

    def keep(self, case: Case) -> None:
        """Append *case* as it is."""
        self._append(case.id, case, 0, 0)

    def pack(self, case_id: str, row: dict[str, Any], place: Place) -> None:
        """Append the row of a file; it made a case before, and will again."""
        if not self._paths or self._paths[-1] != place.path:
            self._paths.append(place.path)
        self._append(case_id, to_json(row), len(self._paths) - 1, place.line or 0)

    def _append(self, case_id: str, entry: bytes | Case, file: int, line: int) -> None:
        self._ids.append(case_id)
        self._entries.append(entry)
        self._files.append(file)
        self._lines.append(line)

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, at: int) -> Case: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Case, ...]: ...
    def __getitem__(self, at: int | slice) -> Case | tuple[Case, ...]:
        if isinstance(at, slice):
            columns = (self._ids, self._entries, self._files, self._lines)
            return tuple(map(self._case, *(column[at] for column in columns)))
        return self._case(self._ids[at], self._entries[at], self._files[at], self._lines[at])

    def __iter__(self) -> Iterator[Case]:
        return map(self._case, self._ids, self._entries, self._files, self._lines)

    def _case(self, case_id: str, entry: bytes | Case, file: int, line: int) -> Case:
        if isinstance(entry, Case):
            return entry
        place = Place(self._paths[file], line or None)
        return case_from(
            from_json(entry), place, self._shape, known=(case_id, self._digests[case_id])
        )

    def __repr__(self) -> str:
        return f"<{plural(len(self), 'case')}>"
