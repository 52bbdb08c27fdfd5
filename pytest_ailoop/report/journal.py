"""The journal of a run that is under way: its finished items, a line each, for `--ailoop-resume`.

`.ailoop/journal/<session>.jsonl` holds a head, facts on the project's files, items as they finish,
and how the run ended where it said so. A line is written by one call to the system, so that a
killed process leaves whole lines and at most one part of a line; each line bears its own digest, so
that a damaged one is never taken for a result. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_ailoop.files import private_folder
from pytest_ailoop.report.journaled import PLAIN, SCHEMA, Finished, Journal, line_of, read
from pytest_ailoop.report.project import UNSURE

try:
    import fcntl
except ImportError:  # Windows: an open file cannot be deleted there anyway.
    fcntl = None  # type: ignore[assignment]

__all__ = ["SCHEMA", "Finished", "Journal", "Writer", "folder_of", "names", "prune", "read"]


def folder_of(root: Path) -> Path:
    """Return where the journals of the project at *root* are."""
    return root / ".ailoop" / "journal"


def names(root: Path) -> list[str]:
    """Return the journals that there are, newest first."""
    with contextlib.suppress(OSError):
        found = os.listdir(folder_of(root))
        return sorted((one for one in found if one.endswith(".jsonl")), reverse=True)
    return []


def prune(root: Path, keep: int) -> None:
    """Delete all but the newest *keep* journals; one that a run still writes to stays."""
    for name in names(root)[keep:]:
        remove(folder_of(root) / name)


def remove(path: Path) -> None:
    """Delete the journal at *path*, unless a run still writes to it."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDWR | PLAIN)
        try:
            if _lock(handle):
                os.unlink(path)
        finally:
            os.close(handle)


def _lock(handle: int) -> bool:
    """Take the file for this process; False where another one has it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks.
        return True
    return True


class Writer:
    """Appends to one journal, which is this process's alone as long as it is open.

    Methods raise `OSError` as the system gives it, `TypeError` and `ValueError` for what is no
    JSON.
    """

    def __init__(self, path: Path, handle: int, facts: dict[str, str], count: int) -> None:
        self.path, self._handle = path, handle
        self._facts, self._count = facts, count

    @classmethod
    def new(cls, root: Path, name: str, head: Mapping[str, Any]) -> Writer:
        """Begin the journal *name*, readable by this user only."""
        private_folder(root / ".ailoop")
        folder = folder_of(root)
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{name}.jsonl"
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | PLAIN
        writer = cls(path, os.open(path, flags, 0o600), {}, 0)
        _lock(writer._handle)
        writer._write({"kind": "head", "schema": SCHEMA, **head})
        return writer

    @classmethod
    def again(cls, journal: Journal) -> Writer | None:
        """Go on with a journal that was read before; None where another run writes to it."""
        handle = os.open(journal.path, os.O_RDWR | os.O_APPEND | PLAIN)
        if not _lock(handle):
            os.close(handle)
            return None
        writer = cls(journal.path, handle, dict(journal.facts), journal.fact_lines)
        size = os.fstat(handle).st_size
        os.lseek(handle, max(0, size - 1), os.SEEK_SET)
        if size and os.read(handle, 1) != b"\n":
            # What was cut off in the middle of a line must not take the next one with it.
            os.write(handle, b"\n")
        writer._write({"kind": "again"})
        return writer

    @property
    def name(self) -> str:
        """The journal's name."""
        return self.path.stem

    def facts(self, facts: Mapping[str, str], covered: Iterable[str] = ()) -> None:
        """Note what the following items rest on; a file that is known otherwise becomes unsure."""
        new = {
            name: fact if name not in self._facts else UNSURE
            for name, fact in facts.items()
            if self._facts.get(name) != fact
        }
        if new or covered:
            self._facts.update(new)
            self._count += 1
            self._write({"kind": "facts", "facts": new, "covered": sorted(covered)})

    def item(self, key: str, identity: str, used: Sequence[str], reports: Sequence[str]) -> None:
        """Note a finished item; a later line of the same key counts instead of an earlier one.

        Each of *reports* is JSON in ASCII, on one line.
        """
        self._write(
            {
                "kind": "item",
                "key": key,
                "identity": identity,
                "used": list(used),
                "after": self._count,
            },
            reports,
        )

    def warning(self, key: str, warning: Mapping[str, Any]) -> None:
        """Note a warning of the item *key*, which was noted before."""
        self._write({"kind": "warning", "key": key, "warning": dict(warning)})

    def end(self, words: str) -> None:
        """Note how the run ended before it was complete."""
        self._write({"kind": "end", "words": words})

    def close(self, *, delete: bool = False) -> None:
        """Let go of the journal; *delete* where nothing is left to go on with."""
        if self._handle >= 0:
            if delete:
                with contextlib.suppress(OSError):
                    os.unlink(self.path)
            os.close(self._handle)
            self._handle = -1

    def _write(self, value: Mapping[str, Any], reports: Sequence[str] | None = None) -> None:
        rest = memoryview(line_of(value, reports))
        while rest:
            rest = rest[os.write(self._handle, rest) :]
