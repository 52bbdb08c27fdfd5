"""From a marker's words to files: paths, patterns, folders of case folders. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import difflib
import glob
import os
from collections.abc import Iterable
from pathlib import Path

from pytest_ailoop.dataset.readers import READERS, Reader, case_folder
from pytest_ailoop.dataset.readers.source import Source
from pytest_ailoop.errors import DatasetError
from pytest_ailoop.text import suggestion

__all__ = ["name_of", "sources"]


def sources(paths: Iterable[str | Path], *, base: Path, root: Path) -> list[tuple[Source, Reader]]:
    """Return the files that *paths* name, each with its reader; one named twice stands once.

    Relative paths start at *base*; messages name files relative to *root*. Paths may lead
    out of *root*: they are the test author's own. Raises `DatasetError` for what is missing,
    of unknown kind, or no regular file.
    """
    found: dict[Path, tuple[Source, Reader]] = {}
    for path in paths:
        for one in _matches(Path(os.path.normpath(base / path)), root):
            for source, reader in _readable(one, root):
                found.setdefault(source.path, (source, reader))
    return list(found.values())


def name_of(path: str | Path, base: Path) -> str:
    """Return the marker's words for *path*, without the machine's own folders."""
    if not os.path.isabs(path):
        return str(path).replace(os.sep, "/")
    inside = Path(path).is_relative_to(base)
    return Path(path).relative_to(base).as_posix() if inside else Path(path).name


def _shown(path: Path, root: Path) -> str:
    try:
        return os.path.relpath(path, root).replace(os.sep, "/")
    except ValueError:  # another drive
        return path.name


def _matches(path: Path, root: Path) -> list[Path]:
    # A file whose own name holds a bracket is meant before the pattern it would make.
    if path.exists():
        return [path]
    if not glob.has_magic(str(path)):
        raise _missing(path, root)
    found = sorted(Path(one) for one in glob.glob(str(path), recursive=True))
    if not found:
        raise DatasetError("the pattern matches no file", path=_shown(path, root))
    return found


def _missing(path: Path, root: Path) -> DatasetError:
    folder = path.parent
    if not folder.is_dir():
        return DatasetError(
            f"no such file; there is no folder {folder.name!r}", path=_shown(path, root)
        )
    names = sorted(one.name for one in folder.iterdir() if not case_folder.hidden(one))
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return DatasetError(f"no such file{hint}", path=_shown(path, root))


def _readable(path: Path, root: Path) -> list[tuple[Source, Reader]]:
    source = Source(path=path, shown=_shown(path, root))
    if path.is_dir():
        return [(one, case_folder.read) for one in _case_folders(source, root)]
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise source.fault(
            f"unknown kind of file {path.suffix!r}{suggestion(path.suffix, list(READERS))};"
            f" known: {', '.join(READERS)}; for others give a function that yields the rows"
        )
    if not path.is_file():
        raise source.fault("not a regular file")
    return [(source, reader)]


def _case_folders(folder: Source, root: Path) -> list[Source]:
    """Return the sub-folders, by name; refuse a data file beside them, left out unseen."""
    inside = folder.path.resolve().is_relative_to(root.resolve())
    within = root if inside else folder.path
    found = []
    for path in sorted(folder.path.iterdir()):
        source = Source(path=path, shown=f"{folder.shown}/{path.name}", within=within)
        if case_folder.hidden(path):
            continue
        if path.is_dir():
            if case_folder.leads_out(path, within):
                raise source.fault("a link that leads out of the data set; copy the folder here")
            found.append(source)
        elif path.suffix.lower() in READERS:
            raise source.fault(
                "a data file in a folder of case folders; name it by itself, or move it"
                f" (a pattern reads several files: {folder.path.name}/*{path.suffix})"
            )
    if not found:
        raise folder.fault("the folder holds no case folder")
    return found
