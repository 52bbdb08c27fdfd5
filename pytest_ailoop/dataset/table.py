"""Cases in the space of their text: a million short rows fit where their objects would not.

Rows of files are kept as JSON and become `Case` objects when asked for; whoever selects
twenty of a million builds twenty. Typed rows and Python objects are kept as cases.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json

from pytest_ailoop.data.case import Case
from pytest_ailoop.data.lazy import Lazy
from pytest_ailoop.dataset.cases import Place, Shape, case_from
from pytest_ailoop.text import plural

__all__ = ["CaseTable"]


class CaseTable(Lazy[Case]):
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

    def _made(self, at: int) -> Case:
        entry = self._entries[at]
        if isinstance(entry, Case):
            return entry
        place = Place(self._paths[self._files[at]], self._lines[at] or None)
        case_id = self._ids[at]
        return case_from(
            from_json(entry), place, self._shape, known=(case_id, self._digests[case_id])
        )

    def __repr__(self) -> str:
        return f"<{plural(len(self), 'case')}>"
