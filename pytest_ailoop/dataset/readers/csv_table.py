"""A CSV table: UTF-8, commas, a header row; every cell is text. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from typing import Any

from pytest_ailoop.dataset.readers.json_text import DECODER
from pytest_ailoop.dataset.readers.source import Source
from pytest_ailoop.dataset.values import shown, too_deep
from pytest_ailoop.text import plural

__all__ = ["read"]

_OWN_TYPES = frozenset({"id", "metadata", "split", "tags", "trials"})


def read(source: Source) -> Iterator[tuple[int, Any]]:
    """Yield the rows, each with the line it starts on; blank lines are skipped.

    Cells stay text, except in the columns `tags` (separated by `,` or `;`), `trials`
    (a number) and `metadata` (a JSON object); there and in `id` and `split`, an empty
    cell is as good as none.
    """
    header: list[str] | None = None
    for line, cells in _records(source):
        if header is None:
            header = _checked_header(source, cells, line)
        elif len(cells) != len(header):
            raise _wrong_count(source, cells, header, line)
        else:
            yield line, _row(header, cells)


def _records(source: Source) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(source.text(), newline=""), strict=True)
    start = 1
    while True:
        try:
            cells = _next(reader)
        except csv.Error as error:
            raise source.fault(f"not valid CSV: {error}; check the quotes", start) from None
        if cells is None:
            return
        if cells:
            yield start, cells
        start = reader.line_num + 1


def _next(reader: Any) -> list[str] | None:
    # The module's limit of 128 KiB a cell is global: lift it for this one step only.
    limit = csv.field_size_limit(sys.maxsize)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(limit)


def _checked_header(source: Source, cells: list[str], line: int) -> list[str]:
    if len(cells) == 1 and re.search(r"[;\t]", cells[0]):
        raise source.fault(f"the columns must be separated by commas, got {shown(cells[0])}", line)
    for at, name in enumerate(cells):
        if not name.strip():
            raise source.fault(f"column {at + 1} has no name in the header", line)
        if name in cells[:at]:
            raise source.fault("the column stands twice in the header", line, field=name)
    return cells


def _wrong_count(source: Source, cells: list[str], header: list[str], line: int) -> Exception:
    got = plural(len(cells), "cell")
    case_id = dict(zip(header, cells, strict=False)).get("id")
    if len(cells) < len(header):
        missing = header[len(cells)]
        return source.fault(
            f"expected {len(header)} cells, got {got}", line, field=missing, case_id=case_id
        )
    extra = shown(cells[len(header)])
    return source.fault(
        f"expected {plural(len(header), 'cell')}, got {got}; the first too many is {extra}"
        " (text with a comma stands in double quotes)",
        line,
        case_id=case_id,
    )


def _row(header: list[str], cells: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(header, cells, strict=True))
    for name in _OWN_TYPES.intersection(row):
        if not row[name].strip():
            del row[name]
        elif name == "tags":
            row[name] = [tag.strip() for tag in re.split("[,;]", row[name])]
        elif name == "trials" and re.fullmatch("[0-9]{1,9}", row[name].strip()):
            row[name] = int(row[name])
        elif name == "metadata":
            row[name] = _object_or_text(row[name])
    return row


def _object_or_text(cell: str) -> Any:
    """Return the cell's JSON; what is none stays text, to be refused with its field."""
    if too_deep(cell) is not None:
        return cell
    try:
        return DECODER.decode(cell)
    except ValueError:
        return cell
