"""The journal of a run that is under way: its finished items, a line each, for `--ailoop-resume`.

`.ailoop/journal/<session>.jsonl` holds a head, facts on the project's files, items as they finish,
and how the run ended where it said so. A line is written by one call to the system, so that a
killed process leaves whole lines and at most one part of a line; each line bears its own digest, so
that a damaged one is never taken for a result. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_ailoop.digest import LENGTH, digest_text
from pytest_ailoop.errors import RunError
from pytest_ailoop.files import private_folder
from pytest_ailoop.report.project import UNSURE

try:
    import fcntl
except ImportError:  # Windows: an open file cannot be deleted there anyway.
    fcntl = None  # type: ignore[assignment]

__all__ = ["SCHEMA", "Finished", "Journal", "Writer", "folder_of", "names", "prune", "read"]

SCHEMA = 1
"""Version of the journal; one of another version is not read."""

_OPEN = '{"sum":"'
_BODY = len(_OPEN) + LENGTH + 2


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
        handle = os.open(path, os.O_RDWR | _PLAIN)
        try:
            if _lock(handle):
                os.unlink(path)
        finally:
            os.close(handle)


# A link in place of the file would lead the writing elsewhere.
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


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


# json.dumps with options builds an encoder for each call.
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def _line(value: Mapping[str, Any], reports: Sequence[str] | None = None) -> bytes:
    """Return *value* as a line that begins with its digest; raises for what is not JSON.

    *reports* are JSON already, and come last.
    """
    body = _ENCODER.encode(value)
    if reports is not None:
        body = f'{body[:-1]},"reports":[{",".join(reports)}]}}'
    return f'{_OPEN}{digest_text(body)}",{body[1:]}\n'.encode("ascii")


def _value(line: bytes) -> dict[str, Any] | None:
    """Return what a line says; None for a damaged one."""
    try:
        text = line.decode("ascii")
        body = "{" + text[_BODY:]
        if not text.startswith(_OPEN) or text[len(_OPEN) : _BODY - 2] != digest_text(body):
            return None
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


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
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | _PLAIN
        writer = cls(path, os.open(path, flags, 0o600), {}, 0)
        _lock(writer._handle)
        writer._write({"kind": "head", "schema": SCHEMA, **head})
        return writer

    @classmethod
    def again(cls, journal: Journal) -> Writer | None:
        """Go on with a journal that was read before; None where another run writes to it."""
        handle = os.open(journal.path, os.O_RDWR | os.O_APPEND | _PLAIN)
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
        rest = memoryview(_line(value, reports))
        while rest:
            rest = rest[os.write(self._handle, rest) :]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """Where a finished item stands in its journal, and what it is told from others by."""

    offset: int
    size: int
    identity: str
    used: tuple[str, ...]
    """Names of the models that were asked."""


@dataclass(kw_only=True, slots=True)
class Journal:
    """What an interrupted run left; its reports stay on disk until they are asked for."""

    path: Path
    head: dict[str, Any]
    facts: dict[str, str] = field(default_factory=dict)
    covered: set[str] = field(default_factory=set)
    fact_lines: int = 0
    items: dict[str, Finished] = field(default_factory=dict)
    warned: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Where warnings of items stand: offset and size of each line."""
    end: str | None = None
    """How the run ended; None where it was killed, or has not ended."""
    damaged: int = 0
    """Lines that were skipped; their items are to run again."""

    @property
    def name(self) -> str:
        """The journal's name."""
        return self.path.stem

    def reports(self, key: str) -> list[dict[str, Any]] | None:
        """Return the reports of a finished item; None where they cannot be read any more."""
        place = self.items[key]
        found = self._line(key, place.offset, place.size)
        reports: list[dict[str, Any]] | None = None if found is None else found["reports"]
        return reports

    def warnings(self, key: str) -> list[dict[str, Any]]:
        """Return the warnings of a finished item, as far as they can be read."""
        lines = [self._line(key, *place) for place in self.warned.get(key, ())]
        return [one["warning"] for one in lines if one is not None]

    def _line(self, key: str, offset: int, size: int) -> dict[str, Any] | None:
        try:
            with self.path.open("rb") as stream:
                stream.seek(offset)
                found = _value(stream.read(size))
        except OSError:
            return None
        return found if found is not None and found.get("key") == key else None


def read(path: Path) -> Journal:
    """Return the journal at *path*; damaged lines are skipped and counted, a torn last one too.

    Raises `RunError` where it cannot be read, or its head is damaged or of another version.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _PLAIN)
    except OSError as error:
        raise RunError(f"{path.name}: cannot be read ({error.strerror or error})") from error
    journal: Journal | None = None
    offset = 0
    with open(handle, "rb") as stream:
        for line in stream:
            value = _value(line.removesuffix(b"\n"))
            if journal is None:
                journal = Journal(path=path, head=_head(value, path.name))
            elif not _take(journal, value, offset, len(line.removesuffix(b"\n"))):
                journal.damaged += 1
            offset += len(line)
    if journal is None:
        raise RunError(f"{path.name}: is empty")
    return journal


def _head(value: dict[str, Any] | None, shown: str) -> dict[str, Any]:
    if value is None or value.get("kind") != "head":
        raise RunError(f"{shown}: is no journal, or its first line is damaged")
    if value.get("schema") != SCHEMA:
        raise RunError(f"{shown}: has schema {value.get('schema')}, expected {SCHEMA}")
    return value


def _take(journal: Journal, value: dict[str, Any] | None, offset: int, size: int) -> bool:
    """Add what a line says; return whether it says anything that can be trusted."""
    match value:
        case {"kind": "facts", "facts": dict(facts), "covered": list(covered)}:
            journal.facts.update(facts)
            journal.covered.update(covered)
            journal.fact_lines += 1
        case {
            "kind": "item",
            "key": str(key),
            "identity": str(identity),
            "used": list(used),
            "after": int(after),
            "reports": [*_],
        }:
            # Where a line of facts was lost, what the item rests on is not known.
            journal.warned.pop(key, None)
            if after != journal.fact_lines:
                journal.items.pop(key, None)
                return False
            journal.items[key] = Finished(
                offset=offset, size=size, identity=identity, used=tuple(used)
            )
        case {"kind": "warning", "key": str(key), "warning": dict()}:
            if key in journal.items:
                journal.warned.setdefault(key, []).append((offset, size))
        case {"kind": "end", "words": str(words)}:
            journal.end = words
            return True
        case {"kind": "again"}:
            pass
        case _:
            return False
    journal.end = None
    return True
