"""The local cache: SQLite in `.ailoop/`, safe for several threads and processes.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ailoop import redaction
from pytest_ailoop.calling.stored import StoredReply, from_line, to_line
from pytest_ailoop.files import private_folder

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Cache"]

T = TypeVar("T")

SCHEMA = 1
_TABLES = (
    "CREATE TABLE IF NOT EXISTS replies (address TEXT PRIMARY KEY, entry BLOB, sum BLOB)",
    "CREATE TABLE IF NOT EXISTS outputs (digest TEXT PRIMARY KEY, entry BLOB, sum BLOB)",
)


class Cache:
    """Replies by address and outputs by digest.

    Opened on first use. What cannot be opened or written is told once in `warnings`, and the
    session goes on without; a row that is damaged counts in `damaged` and reads as absent.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "cache.db"
        self.warnings: list[str] = []
        self.damaged = 0
        self._folder = folder
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._unreadable = self._unwritable = False

    def get(self, address: str) -> StoredReply | None:
        """Return the reply at *address*, or None."""
        text = self._read("replies", "address", address)
        if text is None:
            return None
        try:
            stored = from_line(text)
        except ValueError:
            stored = None
        if stored is None or stored.address != address:
            self.damaged += 1
            return None
        return stored

    def put(self, stored: StoredReply) -> bool:
        """Keep *stored*, in place of an older reply; return whether it is durable now."""
        return self._write("replies", "address", stored.address, to_line(stored))

    def get_output(self, digest: str) -> str | None:
        """Return the text that `put_output` kept under *digest*, or None."""
        return self._read("outputs", "digest", digest)

    def put_output(self, digest: str, text: str) -> None:
        """Keep *text* under *digest*, for the difference to a later output."""
        self._write("outputs", "digest", digest, redaction.redact(text))

    def close(self) -> None:
        """Close the database; a later use opens it again."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def _read(self, table: str, key: str, name: str) -> str | None:
        def read(connection: sqlite3.Connection) -> Any:
            query = f"SELECT entry, sum FROM {table} WHERE {key} = ?"
            return connection.execute(query, (name,)).fetchone()

        # A cache that is not there yet is not made for a look into it.
        usable = not self._unreadable and (self._connection or self.path.exists())
        row = self._with(read) if usable else None
        if row is None:
            return None
        entry, checksum = row
        try:
            if _checksum(name, entry) == checksum:
                return zlib.decompress(entry).decode("utf-8", "surrogatepass")
        except (TypeError, ValueError, zlib.error):
            pass
        self.damaged += 1
        return None

    def _write(self, table: str, key: str, name: str, text: str) -> bool:
        entry = zlib.compress(text.encode("utf-8", "surrogatepass"), 3)

        def write(connection: sqlite3.Connection) -> bool:
            connection.execute(
                f"INSERT OR REPLACE INTO {table} ({key}, entry, sum) VALUES (?, ?, ?)",
                (name, entry, _checksum(name, entry)),
            )
            return True

        return not self._unwritable and bool(self._with(write, writing=True))

    def _with(self, work: Callable[[sqlite3.Connection], T], *, writing: bool = False) -> T | None:
        import sqlite3

        with self._lock:
            try:
                return work(self._opened())
            except (sqlite3.Error, OSError) as error:
                self._give_up(error, writing)
                return None

    def _give_up(self, error: Exception, writing: bool) -> None:
        """Tell once that the cache is of no use, and stop trying: the next call would fail alike.

        A cache that cannot be written may still be read.
        """
        self._unwritable = True
        if not writing or self._connection is None:
            self._unreadable = True
            self.close()
        if not self.warnings:
            self.warnings.append(
                f"the reply cache {self.path} cannot be used ({error}); this session goes on "
                "without it. Make the folder writable, or delete the file if it is damaged"
            )

    def _opened(self) -> sqlite3.Connection:
        # A connection must not be carried over a fork.
        if self._connection is None or self._process != os.getpid():
            self._connection = self._open()
            self._process = os.getpid()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        private_folder(self._folder)
        with contextlib.suppress(FileExistsError):
            # SQLite gives its side files the mode of the main one.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=30.0, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA busy_timeout = 30000")
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
        if schema == SCHEMA:
            connection.execute("PRAGMA synchronous = NORMAL")
            return
        if schema > SCHEMA:
            raise OSError(f"it was written by a newer pytest-ailoop, schema {schema}")
        _enter_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        for table in _TABLES:
            connection.execute(table)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not wait by itself where two processes do so at once."""
    import sqlite3

    for last in (*[False] * 100, True):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if last or "locked" not in str(error):
                raise
            time.sleep(0.05)


def _checksum(name: str, entry: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + entry).digest()[:16]
