"""The database file in `.ailoop/`: opened on first use, brought up to date, set aside when damaged.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pytest_ailoop.calling.entries import is_entry
from pytest_ailoop.files import private_folder
from pytest_ailoop.text import plural

if TYPE_CHECKING:
    import sqlite3

__all__ = ["NAME", "Database"]

T = TypeVar("T")

NAME = "cache.db"
SCHEMA = 2
_TABLES = (
    "CREATE TABLE IF NOT EXISTS {} ({} TEXT PRIMARY KEY, entry BLOB, sum BLOB)",
    # Constant defaults need no rewriting of rows: those of schema 1 count as made now.
    "ALTER TABLE {} ADD COLUMN created REAL DEFAULT {}",
)
_CLAIMS = (
    "CREATE TABLE IF NOT EXISTS claims (address TEXT PRIMARY KEY, owner TEXT, beat INTEGER)"
    " WITHOUT ROWID",
    # In the statement that keeps a reply, so that nobody sees the one without the other.
    "CREATE TRIGGER IF NOT EXISTS answered AFTER INSERT ON replies"
    " BEGIN DELETE FROM claims WHERE address = NEW.address; END",
)
KEYS = {"replies": "address", "outputs": "digest"}
# Our statements never change: SQLite finds fault with one only where the file is not ours any more.
_DAMAGE = frozenset({1, 2, 11, 17, 19, 20, 24, 26})  # ERROR, CORRUPT, NOTADB, ...
_SHORT_READ = 522
_TRIES = 3


class Database:
    """One connection of this process to the database, for all of its threads.

    What cannot be opened or written is told once in `warnings`, and the session goes on without.
    A damaged file is set aside, what can be read of it is taken over, and a new one begun.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.warnings: list[str] = []
        self._folder = folder
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._file: tuple[int, int] | None = None
        self._unreadable = self._unwritable = self._checked = False

    @property
    def there(self) -> bool:
        """Whether there is something to read; a database is not made for a look into it."""
        return not self._unreadable and (self._connection is not None or self.path.exists())

    def run(self, work: Callable[[sqlite3.Connection], T], *, writing: bool = False) -> T | None:
        """Return what *work* does with the connection; None where the database is of no use."""
        if self._unreadable or (writing and self._unwritable):
            return None
        with self._lock:
            for left in reversed(range(_TRIES)):
                try:
                    return work(self._opened(writing))
                except _faults() as error:
                    renewed = left and _tells_damage(error) and self._begin_anew(str(error))
                    if not renewed:
                        self._give_up(error, writing)
                        return None
        return None

    def close(self) -> None:
        """Close the connection; a later use opens it again."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def _opened(self, writing: bool) -> sqlite3.Connection:
        # A connection must not be carried over a fork. Where the file was removed or set aside by
        # another process, what we write would be lost with ours.
        if self._process != os.getpid():
            self._connection = None
        elif writing and self._connection is not None and self._file != _file_at(self.path):
            self.close()
        if self._connection is None:
            self._connection = self._open()
            self._process = os.getpid()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        private_folder(self._folder)
        with contextlib.suppress(FileExistsError):
            # SQLite gives its side files the mode of the main one.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._file = _file_at(self.path)
        connection = sqlite3.connect(
            self.path, timeout=30.0, isolation_level=None, check_same_thread=False
        )
        # A damaged row may call any bytes a text.
        connection.text_factory = bytes
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_up(self, error: BaseException, writing: bool) -> None:
        """Tell once that the cache is of no use, and stop trying: the next call would fail alike.

        A cache that cannot be written may still be read.
        """
        self._unwritable = True
        if not writing or self._connection is None:
            self._unreadable = True
            self.close()
        if not any("cannot be used" in one for one in self.warnings):
            self.warnings.append(
                f"the reply cache {self.path} cannot be used ({error}); this session goes on "
                "without it. Make the folder writable, or delete the file if it is damaged"
            )

    def check(self) -> None:
        """Set the file aside if there is more amiss with it than a row; looked at once.

        An index that leads to wrong rows would let the same replies be paid for in each run.
        """
        with self._lock:
            if self._checked:
                return
            self._checked = True
            found = self.run(lambda one: one.execute("PRAGMA integrity_check(1)").fetchone())
            if found is not None and found[0] != b"ok":
                self._begin_anew(found[0].decode("utf-8", "replace"))

    def _begin_anew(self, fault: str) -> bool:
        """Return whether the file at the path is another one now; raises nothing."""
        self.close()
        try:
            with _alone(self._folder):
                if self._file != _file_at(self.path):
                    return True  # Another process was here first.
                aside = _set_aside(self.path)
        except OSError:
            return False
        rows = self.run(lambda connection: _take_over(connection, aside), writing=True)
        self.warnings.append(
            f"the reply cache {self.path} was damaged ({fault}) and is kept as {aside.name}; a new "
            f"one was begun with the {plural(rows or 0, 'row')} that could be read"
        )
        return True


@functools.cache
def _faults() -> tuple[type[Exception], ...]:
    import sqlite3

    # The words of an error may quote a name that is damaged and no UTF-8.
    return sqlite3.Error, OSError, MemoryError, UnicodeError


def _tells_damage(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return (
        code == _SHORT_READ
        or code & 0xFF in _DAMAGE
        or isinstance(error, (MemoryError, UnicodeError))
    )


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold while no other process sets the database aside; the lock ends with its process."""
    try:
        import fcntl
    except ImportError:  # Windows renames no file that another process has open.
        yield
        return
    handle = os.open(folder / "cache.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _set_aside(path: Path) -> Path:
    """Move the database away, and return where to; raises `OSError`."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    # The log first: a new database must not find that of the old one.
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    return aside


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA busy_timeout = 30000")
    # What stands in the file is data, whoever wrote it.
    connection.execute("PRAGMA trusted_schema = 0")
    connection.execute("PRAGMA cell_size_check = 1")
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if schema > SCHEMA:
        raise OSError(f"it was written by a newer pytest-ailoop, schema {schema}")
    if schema != SCHEMA:
        _enter_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    if schema != SCHEMA:
        _bring_up_to_date(connection)


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


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
        if schema >= SCHEMA:
            return  # By another process, while we waited for it.
        for table, key in KEYS.items():
            connection.execute(_TABLES[0].format(table, key))
            connection.execute(_TABLES[1].format(table, int(time.time())))
        for statement in _CLAIMS:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all of what is inside or nothing; no other process writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _take_over(connection: sqlite3.Connection, aside: Path) -> int:
    """Copy the sound rows of the database *aside*, and return how many there were."""
    count = 0
    with transaction(connection), contextlib.closing(_reading(aside)) as old:
        for table, key in KEYS.items():
            for order in ("ASC", "DESC"):
                count += _copy(connection, old, table, key, order)
    return count


def _reading(path: Path) -> sqlite3.Connection:
    import sqlite3

    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.text_factory = bytes
    return connection


def _copy(
    connection: sqlite3.Connection, old: sqlite3.Connection, table: str, key: str, order: str
) -> int:
    """Copy rows up to the first that cannot be read; from the other end, the rest."""
    count, last = 0, None
    query = f"SELECT rowid, {key}, entry, sum FROM {table} ORDER BY rowid {order}"
    insert = f"INSERT OR IGNORE INTO {table} ({key}, entry, sum, created) VALUES (?, ?, ?, ?)"
    with contextlib.suppress(*_faults()):
        for row, raw, entry, checksum in old.execute(query):
            # In a damaged tree, rows may come round again without end.
            if last is not None and (row <= last if order == "ASC" else row >= last):
                break
            last = row
            name = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
            if is_entry(name, entry, checksum):
                done = connection.execute(insert, (name, entry, checksum, time.time()))
                count += done.rowcount
    return count
