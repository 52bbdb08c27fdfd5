"""A damaged database is set aside, and what can be read of it goes into the new one.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ailoop.calling.entries import is_entry
from pytest_ailoop.calling.schema import KEYS, faults, transaction

if TYPE_CHECKING:
    import sqlite3

__all__ = ["alone", "set_aside", "take_over"]


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
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


def set_aside(path: Path) -> Path:
    """Move the database away, and return where to; raises `OSError`."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    # The log first: a new database must not find that of the old one.
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    return aside


def take_over(connection: sqlite3.Connection, aside: Path) -> int:
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
    with contextlib.suppress(*faults()):
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
