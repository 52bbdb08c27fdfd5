"""JSON text to values, with the place of what is wrong. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import json
from typing import Any

from pytest_ailoop.dataset.readers.source import Source
from pytest_ailoop.dataset.values import DEEP, Repeated, shown, too_deep

__all__ = ["DECODER", "bad_json", "decode", "line_at", "refuse_depth", "value_at"]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(pairs)


DECODER = json.JSONDecoder(object_pairs_hook=_object)
"""Keeps what is doubtful for `first_fault`: NaN as a float, a repeated key as `Repeated`."""


def decode(source: Source, document: str, line: int) -> Any:
    """Return the one value of *document*, which starts on *line* of the file.

    NaN and infinities, repeated keys and lone surrogates are let through: `first_fault` knows
    the field they stand in. Raises `DatasetError` for what is not JSON or nests too deep.
    """
    refuse_depth(source, document, line)
    try:
        return DECODER.decode(document)
    except json.JSONDecodeError as error:
        raise bad_json(source, error, line) from None
    except ValueError as error:
        raise source.fault(_not_read(error), line) from None


def value_at(source: Source, document: str, at: int) -> tuple[Any, int]:
    """Return the value that starts at *at*, and where it ends; the depth was checked before."""
    try:
        return DECODER.raw_decode(document, at)
    except json.JSONDecodeError as error:
        raise bad_json(source, error) from None
    except ValueError as error:
        raise source.fault(_not_read(error), line_at(document, at)) from None


def refuse_depth(source: Source, document: str, line: int = 1) -> None:
    """Raise `DatasetError` where *document* nests deeper than a row in a list may."""
    at = too_deep(document)
    if at is not None:
        raise source.fault(
            DEEP,
            line + document.count("\n", 0, at),
        )


def line_at(document: str, at: int) -> int:
    """Return the 1-based line of position *at*."""
    return document.count("\n", 0, at) + 1


def bad_json(source: Source, error: json.JSONDecodeError, line: int = 1) -> Exception:
    """Return the fault for *error*, with column, what stands there, and a guess at the cause."""
    rest = error.doc[error.pos :]
    got = shown(rest.splitlines()[0], 30) if rest.strip() else "the end"
    hint = ""
    if rest.startswith("'"):
        hint = "; JSON text stands in double quotes"
    elif rest[:1] in ("}", "]") and error.doc[: error.pos].rstrip().endswith(","):
        hint = "; remove the comma before it"
    return source.fault(
        f"not valid JSON at column {error.colno}: {error.msg}, got {got}{hint}",
        line + error.lineno - 1,
    )


def _not_read(error: ValueError) -> str:
    # Python refuses integers beyond 4,300 digits, as turning them into text takes too long.
    return f"a number that cannot be read ({str(error).split(';')[0]}); keep it as text"
