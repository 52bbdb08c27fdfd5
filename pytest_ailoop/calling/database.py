"""The database file in `.ailoop/`: opened on first use, brought up to date, set aside when damaged.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ailoop.calling.salvage import alone, set_aside, take_over
from pytest_ailoop.calling.schema import faults, prepare
from pytest_ailoop.files import private_folder
from pytest_ailoop.text import plural

if TYPE_CHECKING:
    import sqlite3

__all__ = ["NAME", "Database"]

T = TypeVar("T")

NAME = "cache.db"
# Our statements never change: SQLite finds fault with one only where the file is not ours any more.
_DAMAGE = frozenset({1, 2, 11, 17, 19, 20, 24, 26})  # ERROR, CORRUPT, NOTADB, ...
_SHORT_READ = 522
_LONG_LOG = 4_000_000
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
        self._lock, self._tidying = threading.RLock(), threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._file: tuple[int, int] | None = None
        self._unreadable = self._unwritable = self._checked = False
        _all.add(self)

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
                except faults() as error:
                    renewed = left and _tells_damage(error) and self._begin_anew(str(error))
                    if not renewed:
                        self._give_up(error, writing)
                        return None
        return None

    def tidy(self) -> None:
        """Move a log that has grown into the database; for a thread that nobody waits for."""
        import sqlite3

        with contextlib.suppress(*faults()):
            if os.stat(f"{self.path}-wal").st_size < _LONG_LOG:
                return
            # By a connection of its own: ours can be used meanwhile.
            place = f"{self.path.absolute().as_uri()}?mode=rw"
            connect = contextlib.closing(sqlite3.connect(place, uri=True))
            with self._tidying, connect as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

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
            prepare(connection)
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
            with alone(self._folder):
                if self._file != _file_at(self.path):
                    return True  # Another process was here first.
                aside = set_aside(self.path)
        except OSError:
            return False
        rows = self.run(lambda connection: take_over(connection, aside), writing=True)
        self.warnings.append(
            f"the reply cache {self.path} was damaged ({fault}) and is kept as {aside.name}; a new "
            f"one was begun with the {plural(rows or 0, 'row')} that could be read"
        )
        return True


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


_all: weakref.WeakSet[Database] = weakref.WeakSet()
_held: list[Any] = []


def _before_fork() -> None:
    """Wait until no other thread is inside of SQLite: its locks would stay shut in the child."""
    for one in list(_all):
        for lock in (one._lock, one._tidying):
            lock.acquire()
            _held.append(lock)


def _after_fork() -> None:
    while _held:
        _held.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
    )
