"""What the processes of one session count together: live calls and their cost, by kind of call.

In one process it is a book in memory; with xdist workers one small SQLite file in the working
folder, named after the session, of which each change is one transaction. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from pytest_ailoop.digest import digest_text
from pytest_ailoop.errors import BudgetError
from pytest_ailoop.files import private_folder
from pytest_ailoop.settings import Settings

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Book", "Ledger", "PrivateLedger", "SharedLedger", "Spent", "ledger_of"]

T = TypeVar("T")

_OLD = 7 * 24 * 3600
"""Seconds after which the file of a session that was killed is taken for a left-over."""


@dataclass(kw_only=True, slots=True)
class Spent:
    """Live calls of one kind: a model, asked by the application or by judges."""

    calls: int = 0
    """Started, retries too."""
    free: int = 0
    """Of them, those that were answered with an error status: they cost nothing."""
    priced: int = 0
    """Of them, those whose cost is known."""
    unpriced: int = 0
    """Of them, those that were answered and whose cost cannot be known."""
    cost: float = 0.0
    """US dollars of the priced ones."""

    @property
    def mean(self) -> float:
        """US dollars a call, as far as known; 0 before the first price."""
        return self.cost / self.priced if self.priced else 0.0

    @property
    def expected(self) -> float:
        """US dollars with the mean for each call that is in flight, or never came back."""
        return self.cost + (self.calls - self.free - self.priced) * self.mean


@dataclass(kw_only=True, slots=True)
class Book:
    """All that was spent in a session."""

    kinds: dict[str, Spent] = field(default_factory=dict)
    stopped: str = ""
    """Name of the limit that was reached first; empty while none is."""

    def of(self, kind: str) -> Spent:
        """Return the entry of *kind*, made where there is none."""
        return self.kinds.setdefault(kind, Spent())

    @property
    def calls(self) -> int:
        return sum(one.calls for one in self.kinds.values())

    @property
    def cost(self) -> float:
        """US dollars of the calls whose cost is known."""
        return sum(one.cost for one in self.kinds.values())

    @property
    def expected(self) -> float:
        """US dollars with the calls in flight at the mean of their kind."""
        return sum(one.expected for one in self.kinds.values())


class Ledger(Protocol):
    """Where the book lies."""

    def change(self, work: Callable[[Book], T]) -> T:
        """Return what *work* returns; what it changes in the book is seen by all at once."""

    def close(self) -> None:
        """Let go of the book."""


class PrivateLedger:
    """The book of a session with one process."""

    def __init__(self) -> None:
        self._book = Book()
        self._lock = threading.Lock()

    def change(self, work: Callable[[Book], T]) -> T:
        """Return what *work* returns, with the book to itself."""
        with self._lock:
            return work(self._book)

    def close(self) -> None:
        """Do nothing."""


_TABLES = (
    "CREATE TABLE IF NOT EXISTS kinds (kind TEXT PRIMARY KEY, calls INTEGER, free INTEGER, "
    "priced INTEGER, unpriced INTEGER, cost REAL)",
    "CREATE TABLE IF NOT EXISTS stopped (limit_name TEXT PRIMARY KEY)",
)


class SharedLedger:
    """The book that the workers of one session share; opened on first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0

    def change(self, work: Callable[[Book], T]) -> T:
        """Return what *work* returns, in one transaction over all workers.

        Raises `BudgetError` where the file cannot be used: a budget that cannot be counted
        together holds for nobody.
        """
        import sqlite3

        with self._lock:
            try:
                return self._change(work)
            except (sqlite3.Error, OSError) as error:
                raise BudgetError(
                    f"not asked: the budget of the workers cannot be counted in {self.path} "
                    f"({error}); make the folder writable, or run without -n"
                ) from error

    def _change(self, work: Callable[[Book], T]) -> T:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            book = _read(connection)
            found = work(book)
            _write(connection, book)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return found

    def close(self) -> None:
        """Close the file; it stays for the other workers."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def remove(self) -> None:
        """Delete the file, and those that sessions killed long ago left behind."""
        self.close()
        for path in self.path.parent.glob("session-*.db*"):
            with contextlib.suppress(OSError):
                ours = path.name.startswith(self.path.name)
                if ours or time.time() - path.stat().st_mtime > _OLD:
                    path.unlink()

    def _opened(self) -> sqlite3.Connection:
        # A connection must not be carried over a fork.
        if self._connection is None or self._process != os.getpid():
            self._connection, self._process = self._open(), os.getpid()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        private_folder(self.path.parent)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=30.0, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection) -> None:
    import sqlite3

    # It need not outlive the machine, so nothing waits for the disk; a killed worker leaves it
    # whole all the same. SQLite does not wait by itself where two processes enter WAL at once.
    connection.execute("PRAGMA synchronous = OFF")
    for last in (*[False] * 200, True):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if last or "locked" not in str(error):
                raise
            time.sleep(0.01)
    connection.execute("BEGIN IMMEDIATE")
    for table in _TABLES:
        connection.execute(table)
    connection.execute("COMMIT")


def _read(connection: sqlite3.Connection) -> Book:
    rows = connection.execute("SELECT kind, calls, free, priced, unpriced, cost FROM kinds")
    kinds = {
        kind: Spent(calls=calls, free=free, priced=priced, unpriced=unpriced, cost=cost)
        for kind, calls, free, priced, unpriced, cost in rows
    }
    stopped = connection.execute("SELECT limit_name FROM stopped").fetchone()
    return Book(kinds=kinds, stopped=stopped[0] if stopped else "")


def _write(connection: sqlite3.Connection, book: Book) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO kinds VALUES (?, ?, ?, ?, ?, ?)",
        [
            (kind, one.calls, one.free, one.priced, one.unpriced, one.cost)
            for kind, one in book.kinds.items()
        ],
    )
    if book.stopped:
        connection.execute("INSERT OR IGNORE INTO stopped VALUES (?)", (book.stopped,))


def ledger_of(settings: Settings) -> Ledger:
    """Return the ledger of the session; nothing is opened yet."""
    if not settings.session:
        return PrivateLedger()
    # With the time of its start: somebody may give every session the same name.
    name = digest_text(f"{settings.session} {settings.began}")
    return SharedLedger(settings.folder / f"session-{name}.db")
