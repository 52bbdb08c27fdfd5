"""A file in a folder, the cases that are read of it, and what refuses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.dataset.load import load
from pytest_ailoop.errors import DatasetError

DEEP = "nested deeper than 100 levels; flatten it, or keep it as text"


def cases(folder: Path, name: str, content: str | bytes, **options: Any) -> list[tuple[Any, ...]]:
    raw = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(raw)
    found = load(name, base=folder, root=folder, **options)
    return [(one.id, one.input, one.expected, one.source) for one in found.cases]


def message(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(DatasetError) as caught:
        cases(folder, name, content)
    return str(caught.value)
