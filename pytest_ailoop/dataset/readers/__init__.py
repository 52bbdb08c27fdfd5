"""The formats a data set may be written in, by file suffix.

A reader is a function `read(source) -> Iterator[(line, row)]` in a file of its own; it
raises `source.fault(...)` for what it cannot read, and checks neither columns nor values,
which is done for all formats alike. To add one: write the file, add its line below.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from pytest_ailoop.dataset.readers import (
    csv_table,
    json_document,
    json_lines,
    toml_document,
    yaml_document,
)
from pytest_ailoop.dataset.readers.source import Source

__all__ = ["READERS", "Reader"]

Reader: TypeAlias = Callable[[Source], Iterator[tuple[int | None, Any]]]

READERS: Mapping[str, Reader] = {
    ".csv": csv_table.read,
    ".json": json_document.read,
    ".jsonl": json_lines.read,
    ".ndjson": json_lines.read,
    ".toml": toml_document.read,
    ".yaml": yaml_document.read,
    ".yml": yaml_document.read,
}
