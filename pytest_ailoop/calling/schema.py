"""The tables of the cache's database, and how a connection is made ready for them.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["KEYS", "faults", "prepare", "transaction"]

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


@functools.cache
def faults() -> tuple[type[Exception], ...]:
    """Return what use of the database may raise."""
    import sqlite3

    # The words of an error may quote a name that is damaged and no UTF-8.
    return sqlite3.Error, OSError, MemoryError, UnicodeError


def prepare(connection: sqlite3.Connection) -> None:
    """Make *connection* ready and its tables up to date.

    Raises `sqlite3.Error`, and `OSError` where the tables are those of a newer version.
    """
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
    # Writing waits for the disk there; `Database.tidy` does it earlier, where nobody waits for it.
    connection.execute("PRAGMA wal_autocheckpoint = 16000")
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
