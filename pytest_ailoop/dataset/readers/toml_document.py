"""A TOML document with a `[[cases]]` table for each case. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from pytest_ailoop.dataset.readers.source import Source
from pytest_ailoop.dataset.values import DEEP
from pytest_ailoop.text import suggestion

__all__ = ["document_of", "read"]

_HEADER = re.compile(r"""^[ \t]*\[\[[ \t]*(?:cases|"cases"|'cases')[ \t]*\]\]""", re.MULTILINE)
_LONG_TEXT = re.compile("\"\"\"(?:[^\\\\]|\\\\.)*?\"\"\"|'''.*?'''", re.DOTALL)
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def read(source: Source) -> Iterator[tuple[int | None, Any]]:
    """Yield each `[[cases]]` table with its line; other keys of the document are left alone."""
    document = source.text()
    if not document.strip():
        return
    data = document_of(source, document)
    if "cases" not in data:
        hint = suggestion("cases", list(data))
        raise source.fault(f"expected [[cases]] tables, found none{hint}", 1)
    rows = data["cases"]
    if not isinstance(rows, list):
        raise source.fault("'cases' must be [[cases]] tables, with double brackets", 1)
    lines = _lines(document)
    # Cases written inline (cases = [{...}]) have no header of their own.
    yield from zip(lines if len(lines) == len(rows) else [None] * len(rows), rows, strict=True)


def document_of(source: Source, document: str) -> dict[str, Any]:
    """Return the parsed *document*; raises `DatasetError` with the line of what is wrong."""
    try:
        return tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        message, line = str(error), document.count("\n") + 1
        place = _PLACE.search(message)
        if place:
            line = int(place[1])
            message = f"{message[: place.start()]}, at column {place[2]}"
        raise source.fault(f"not valid TOML: {message}", line) from None
    except RecursionError:
        raise source.fault(DEEP) from None
    except ValueError as error:
        raise source.fault(f"not valid TOML: {error}") from None


def _lines(document: str) -> list[int | None]:
    """Return the lines of the headers; text over several lines may look like one, so blank it."""
    blanked = _LONG_TEXT.sub(lambda found: "\n" * found.group().count("\n"), document)
    return [blanked.count("\n", 0, found.start()) + 1 for found in _HEADER.finditer(blanked)]
