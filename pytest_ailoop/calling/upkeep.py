"""What lies in the cache, by model and age, and how it is made smaller. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ailoop.calling.database import NAME, Database
from pytest_ailoop.calling.entries import text_in
from pytest_ailoop.calling.schema import KEYS, faults, transaction
from pytest_ailoop.calling.stored import StoredReply, from_line
from pytest_ailoop.frozen import dataclass

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Entry", "OfModel", "Upkeep"]

#: Bytes that a row takes beside its entry: address, checksum, time, and their place in an index.
_AROUND = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A row of the cache, without what it holds."""

    table: str
    """`replies` or `outputs`."""
    name: str
    """Address of a reply, digest of an output."""
    created: float
    """Unix time."""
    size: int
    """Bytes, about."""


@dataclass(kw_only=True, slots=True)
class OfModel:
    """What the cache holds of one model."""

    model: str | None
    """The name that was asked for; None for services that are no models."""
    replies: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    uncounted: int = 0
    """Replies that do not say how many tokens they took."""
    oldest: float = float("inf")
    """Unix time."""
    newest: float = 0.0

    def add(self, stored: StoredReply, created: float) -> None:
        """Count one more reply."""
        self.replies += 1
        self.oldest, self.newest = min(self.oldest, created), max(self.newest, created)
        usage = _usage(stored)
        self.uncounted += None in usage
        self.input_tokens += usage[0] or 0
        self.output_tokens += usage[1] or 0


class Upkeep:
    """Looks into the cache of the project folder *folder* and deletes from it.

    Other processes may use it at the same time. `warnings` says what could not be done.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = Database(folder)
        self.path = self._database.path
        self.warnings = self._database.warnings
        #: Rows that `by_model` could not read.
        self.damaged = 0

    @property
    def is_there(self) -> bool:
        """Whether there is a cache at all."""
        return self._database.there

    @property
    def size(self) -> int:
        """Bytes on the disk, of the database and its log."""
        return sum(_size(Path(f"{self.path}{suffix}")) for suffix in ("", "-wal"))

    @property
    def set_aside(self) -> list[Path]:
        """The damaged files that were set aside, without their logs."""
        found = self._folder.glob(f"{NAME}.damaged-*")
        return sorted(one for one in found if not one.name.endswith(("-wal", "-shm")))

    def by_model(self) -> list[OfModel]:
        """Return what there is of each model, the most replies first. Reads every row."""
        found: dict[str | None, OfModel] = {}
        query = "SELECT address, entry, sum, created FROM replies"
        self.damaged = 0
        for address, entry, checksum, created in self._rows(query):
            stored = _stored(_text(address), entry, checksum)
            if stored is None:
                self.damaged += 1
                continue
            model = _model(stored)
            found.setdefault(model, OfModel(model=model)).add(stored, _number(created))
        return sorted(found.values(), key=lambda one: (-one.replies, one.model or ""))

    def entries(self) -> list[Entry]:
        """Return all rows, the oldest first."""
        found = [
            Entry(table=table, name=_text(name), created=_number(created), size=int(_number(size)))
            for table, key in KEYS.items()
            for name, created, size in self._rows(
                f"SELECT {key}, created, length(entry) + {_AROUND} FROM {table}"
            )
        ]
        return sorted(found, key=lambda one: (one.created, one.name))

    def delete(self, entries: Iterable[Entry]) -> bool:
        """Delete these rows, all or none; return whether it was done."""
        gone = [(table, [one.name for one in entries if one.table == table]) for table in KEYS]

        def work(connection: sqlite3.Connection) -> bool:
            with transaction(connection):
                for table, names in gone:
                    query = f"DELETE FROM {table} WHERE {KEYS[table]} = ?"
                    connection.executemany(query, ((one,) for one in names))
            return True

        return self._done(work)

    def clear(self) -> bool:
        """Delete all rows, and the damaged files that were set aside; return whether it was done.

        Calls that are under way keep their claims.
        """

        def work(connection: sqlite3.Connection) -> bool:
            with transaction(connection):
                for table in KEYS:
                    connection.execute(f"DELETE FROM {table}")
            return True

        for path in self._folder.glob(f"{NAME}.damaged-*"):
            path.unlink(missing_ok=True)
        return self._done(work)

    def _done(self, work: Callable[[sqlite3.Connection], bool]) -> bool:
        done = self._database.run(work, writing=True) is True
        if done:
            self._shrink()
        return done

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _rows(self, query: str) -> Iterator[Any]:
        if not self.is_there:
            return
        found = self._database.run(lambda one: one.execute(query))
        # A damaged page ends the reading here; who next asks for a reply finds out.
        with contextlib.suppress(*faults()):
            yield from found or ()

    def _shrink(self) -> None:
        """Give the room back to the disk; what is in use meanwhile does it another time."""

        def work(connection: sqlite3.Connection) -> None:
            with contextlib.suppress(*faults()):
                connection.execute("PRAGMA busy_timeout = 2000")
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        self._database.run(work)


def _stored(address: str, entry: Any, checksum: Any) -> StoredReply | None:
    text = text_in(address, entry, checksum)
    with contextlib.suppress(ValueError):
        return None if text is None else from_line(text)
    return None


def _model(stored: StoredReply) -> str | None:
    if stored.path.startswith("//"):
        return None
    asked = stored.request.get("model") if isinstance(stored.request, dict) else None
    if isinstance(asked, str):
        return asked
    _, found, name = stored.path.rpartition("/models/")
    return name.partition(":")[0] or None if found else None


def _usage(stored: StoredReply) -> tuple[int | None, int | None]:
    from pytest_ailoop.calling.parse import facts_of

    if stored.path.startswith("//"):
        return 0, 0
    with contextlib.suppress(ValueError):
        usage = facts_of(stored.path, None, stored.readable, stored.content_type).usage
        return usage.input_tokens, usage.output_tokens
    return None, None


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
