"""Writing files so that a reader sees the old or the new content, never a part.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["private_folder", "write_atomically"]

IGNORE_ALL = "# Made by pytest-ailoop: nothing below this folder belongs in git.\n*\n"


def write_atomically(path: Path, text: str | Iterable[str]) -> None:
    """Write *text*, or its pieces, as UTF-8 with `\\n` line ends, by a temporary file and rename.

    Parent folders are made. A symbolic link at *path* is replaced, not followed.
    Raises `OSError` as the system gives it; the old file is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.writelines([text] if isinstance(text, str) else text)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp gives 0600; a committed file gets what open() would have given.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def private_folder(path: Path) -> Path:
    """Make *path* for this user only, with a `.gitignore` that hides all of it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = path / ".gitignore"
    if not ignore.exists():
        ignore.write_text(IGNORE_ALL, encoding="utf-8")
    return path
