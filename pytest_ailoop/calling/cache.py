"""The local cache: replies and outputs in SQLite, safe for several threads and processes.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ailoop import redaction
from pytest_ailoop.calling.database import Database
from pytest_ailoop.calling.entries import entry_of, text_in
from pytest_ailoop.calling.stored import StoredReply, from_line, to_line

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Cache"]

_READ = {
    "replies": "SELECT entry, sum FROM replies WHERE address = ?",
    "outputs": "SELECT entry, sum FROM outputs WHERE digest = ?",
}
_WRITE = {
    "replies": "INSERT OR REPLACE INTO replies (address, entry, sum, created) VALUES (?, ?, ?, ?)",
    "outputs": "INSERT OR REPLACE INTO outputs (digest, entry, sum, created) VALUES (?, ?, ?, ?)",
}


class Cache:
    """Replies by address and outputs by digest.

    What the database cannot give or take is told in `database.warnings`; a row that is damaged
    counts in `damaged` and reads as absent.
    """

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder)
        self.path = self.database.path
        self.damaged = 0

    @property
    def warnings(self) -> list[str]:
        """What kept the cache from its work, each told once."""
        return self.database.warnings

    def get(self, address: str) -> StoredReply | None:
        """Return the reply at *address*, or None."""
        text = self._read("replies", address)
        if text is None:
            return None
        try:
            stored = from_line(text)
            if stored.address == address:
                return stored
        except ValueError:
            pass
        self.damaged += 1
        return None

    def put(self, stored: StoredReply) -> bool:
        """Keep *stored*, in place of an older reply; return whether it is durable now.

        Whoever has claimed the address is done, then.
        """
        return self._write("replies", stored.address, to_line(stored))

    def get_output(self, digest: str) -> str | None:
        """Return the text that `put_output` kept under *digest*, or None."""
        return self._read("outputs", digest)

    def put_output(self, digest: str, text: str) -> None:
        """Keep *text* under *digest*, for the difference to a later output."""
        self._write("outputs", digest, redaction.redact(text))

    def close(self) -> None:
        """Close the database; a later use opens it again."""
        self.database.close()

    def _read(self, table: str, name: str) -> str | None:
        if not self.database.there:
            return None
        query = _READ[table]
        row = self.database.run(lambda one: one.execute(query, (name,)).fetchone())
        if row is None:
            return None
        text = text_in(name, *row)
        if text is None:
            self.damaged += 1
            self.database.check()
        return text

    def _write(self, table: str, name: str, text: str) -> bool:
        row = (name, *entry_of(name, text), time.time())

        def write(connection: sqlite3.Connection) -> bool:
            connection.execute(_WRITE[table], row)
            return True

        return self.database.run(write, writing=True) is True
