"""A file of recordings as a session reads it: once, when it is asked for. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from pytest_ailoop.calling.identity import Request
from pytest_ailoop.calling.nearest import Neighbours
from pytest_ailoop.calling.recordings import read_recordings
from pytest_ailoop.calling.stored import StoredReply
from pytest_ailoop.digest import digest_text
from pytest_ailoop.errors import ReplyError

__all__ = ["RecordedFile"]


class RecordedFile:
    """One file of recordings, read on first use; its damage is told at each use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._replies: dict[str, StoredReply] | None = None
        self._damage: str | None = None
        self._neighbours: Neighbours | None = None
        self._texts: dict[str, str] | None = None

    def get(self, address: str) -> StoredReply | None:
        __tracebackhide__ = True
        return self._read().get(address)

    @property
    def size(self) -> int:
        return len(self._read())

    def text_of(self, digest: str) -> str | None:
        """Return the reply text that has *digest*; None where there is none, or only damage."""
        with contextlib.suppress(ReplyError):
            self._read()
        with self._lock:
            if self._texts is None:
                texts = map(_reply_text, (self._replies or {}).values())
                self._texts = {digest_text(one): one for one in texts if one}
        return self._texts.get(digest)

    def nearest(self, request: Request) -> StoredReply | None:
        with self._lock:
            if self._neighbours is None:
                self._neighbours = Neighbours((self._replies or {}).values())
        return self._neighbours.nearest(request)

    def _read(self) -> dict[str, StoredReply]:
        __tracebackhide__ = True
        if self._replies is not None:
            return self._replies
        with self._lock:
            if self._damage is None and self._replies is None:
                try:
                    self._replies = read_recordings(self._path)
                except ReplyError as error:
                    self._damage = str(error)
        if self._replies is None:
            raise ReplyError(self._damage)
        return self._replies


def _reply_text(stored: StoredReply) -> str:
    from pytest_ailoop.calling.parse import facts_of

    try:
        reply = stored.readable
    except ValueError:
        return ""
    asked = stored.request if isinstance(stored.request, dict) else None
    return facts_of(stored.path, asked, reply, stored.content_type).reply_text or ""
