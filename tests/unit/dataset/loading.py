"""Files in a folder, the data set that is read of them, and what refuses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.dataset.load import Dataset, load
from pytest_ailoop.errors import DatasetError, UsageError


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(spec: Any, base: Path, **options: Any) -> Dataset:
    return load(spec, base=base, root=options.pop("root", base), **options)


def refused(spec: Any, base: Path, **options: Any) -> str:
    with pytest.raises((DatasetError, UsageError)) as caught:
        read(spec, base, **options)
    return str(caught.value)


FILES: dict[str, str | bytes] = {
    "evals/a.jsonl": '{"id": "a1"}\n{"id": "a2"}\n',
    "evals/sub/b.csv": "id\nb1\n",
    "evals/sub/c.json": '[{"id": "c1"}]',
    "other.jsonl": '{"id": "o1"}\n',
}


async def stream() -> AsyncIterator[Any]:
    yield {}
