"""A folder that is one case: `case.json` (toml, yaml), other files as text. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_ailoop.dataset.readers import json_text, toml_document, yaml_document
from pytest_ailoop.dataset.readers.source import Source
from pytest_ailoop.dataset.values import shown

__all__ = ["hidden", "leads_out", "read"]


def hidden(path: Path) -> bool:
    """Return whether the name is one that tools make and people do not write."""
    return path.name.startswith((".", "__"))


def leads_out(path: Path, within: Path) -> bool:
    """Return whether *path*, followed through symbolic links, stands outside of *within*."""
    return not path.resolve().is_relative_to(within.resolve())


def read(source: Source) -> Iterator[tuple[None, Any]]:
    """Yield the one row: `id` is the folder's name, `input.txt` the field `input`.

    One line end at the end of a text file is not part of the field. Raises `DatasetError`
    for folders inside, links that lead out, two files for one field, and what is not text.
    """
    files = [_file(source, path) for path in sorted(source.path.iterdir()) if not hidden(path)]
    row = _fields([file for file in files if _is_fields(file)])
    texts: dict[str, str] = {}
    for file in files:
        if not _is_fields(file):
            name = file.path.stem
            if name in row:
                raise file.fault(f"{texts.get(name, 'the case file')} has it already", field=name)
            texts[name] = file.path.name
            row[name] = file.text(lone_returns=True).removesuffix("\n")
    if row.setdefault("id", source.path.name) != source.path.name:
        raise source.fault(
            f"the id of a case folder is its name, got {shown(row['id'])}; remove it", field="id"
        )
    # A folder with nothing but tools' files in it is no case.
    if len(row) > 1:
        yield None, row


def _file(source: Source, path: Path) -> Source:
    file = Source(path=path, shown=f"{source.shown}/{path.name}", within=source.within)
    if source.within is not None and leads_out(path, source.within):
        raise file.fault("a link that leads out of the data set; copy the file here")
    if not path.is_file():
        raise file.fault("a case folder holds plain files only; move it out of the data set")
    return file


def _is_fields(file: Source) -> bool:
    return file.path.stem == "case" and file.path.suffix in _FIELDS


def _fields(files: list[Source]) -> dict[str, Any]:
    if not files:
        return {}
    file, *more = files
    if more:
        raise more[0].fault(f"{file.path.name} has the fields already; keep one of the two")
    found = _FIELDS[file.path.suffix](file)
    if not isinstance(found, dict):
        raise file.fault(f"expected an object with the fields, got {shown(found)}", 1)
    return found


def _json(file: Source) -> Any:
    return json_text.decode(file, file.text(), 1)


def _toml(file: Source) -> Any:
    return toml_document.document_of(file, file.text())


_FIELDS = {
    ".json": _json,
    ".toml": _toml,
    ".yaml": yaml_document.mapping_of,
    ".yml": yaml_document.mapping_of,
}
