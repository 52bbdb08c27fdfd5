"""JSON lines: one object a line; blank lines are skipped. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_ailoop.dataset.readers.json_text import decode
from pytest_ailoop.dataset.readers.source import Source

__all__ = ["read"]


def read(source: Source) -> Iterator[tuple[int, Any]]:
    """Yield the rows of *source*, one line in memory at a time."""
    for number, line in source.lines():
        # A document spread over lines fails on its first bracket with a poor message.
        if line.rstrip() in {"[", "{"}:
            raise source.fault("the value goes on over several lines; name the file .json", number)
        if line.strip(" \t"):
            yield number, decode(source, line, number)
