"""Connections to one server, kept alive between calls: on one event loop, or for threads.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from pytest_ailoop.calling.client.http1 import (
    Dialogue,
    Headers,
    NoAnswer,
    NoConnection,
    Origin,
    RawReply,
)

__all__ = ["Pool", "is_stale", "newest"]

# As httpx does: servers close what rests for longer, some without a word.
_KEPT = 5.0
_PIECE = 256 * 1024
#: Returns what to wait inside of for what comes by a socket.
Waits = Callable[[socket.socket], contextlib.AbstractContextManager[None]]


class _Resting(Protocol):
    """What `newest` needs of a connection that rests."""

    since: float
    """When it came to rest, by `time.monotonic()`."""

    def fileno(self) -> int:
        """Return the socket's number, below 0 where it is closed."""

    def drop(self) -> None:
        """Close it at once."""


Resting = TypeVar("Resting", bound=_Resting)


def newest(resting: deque[Resting]) -> Resting | None:
    """Take the connection that was used last, if it is still good; drop those that are not."""
    while resting and time.monotonic() - resting[0].since > _KEPT:
        resting.popleft().drop()
    while True:
        try:
            connection = resting.pop()
        except IndexError:
            return None
        if not is_stale(connection.fileno()):
            return connection
        connection.drop()


def is_stale(number: int) -> bool:
    """Return whether a resting socket is closed, or has something to say: that is its end."""
    if number < 0:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


class _Connection:
    """One blocking connection."""

    def __init__(self, origin: Origin, tls: Any, timeout: float | None) -> None:
        try:
            found = socket.create_connection((origin.host, origin.port), timeout)
        except TimeoutError as error:
            raise NoAnswer("the connection was not made in time") from error
        except Exception as error:  # A tool that bars the network raises what it likes.
            raise NoConnection(str(error)) from error
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        #: The socket it comes by.
        self.plug = found if tls is None else _secured(found, tls, origin.host)
        self._dialogue = Dialogue()
        self.since = 0.0

    def ask(self, target: bytes, headers: Headers, body: bytes, timeout: float | None) -> RawReply:
        data = self._dialogue.ask(target, headers, body)
        self.plug.settimeout(timeout)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                # A server may refuse before it has read all, and say why.
                self.plug.sendall(data)
            while (reply := self._dialogue.take(self.plug.recv(_PIECE))) is None:
                pass
        except TimeoutError as error:
            raise NoAnswer("the reply did not come in time") from error
        except NoConnection:
            raise
        except OSError as error:
            raise NoConnection(str(error)) from error
        return reply

    def rests(self) -> bool:
        self.since = time.monotonic()
        return self._dialogue.rests()

    def fileno(self) -> int:
        return self.plug.fileno()

    def drop(self) -> None:
        self.plug.close()


def _secured(plain: socket.socket, tls: Any, host: str) -> socket.socket:
    try:
        return tls.wrap_socket(plain, server_hostname=host)  # type: ignore[no-any-return]
    except OSError as error:
        plain.close()
        broken = NoAnswer if isinstance(error, TimeoutError) else NoConnection
        raise broken(str(error)) from error


class Pool:
    """Connections for blocking calls; any number of threads may ask at once."""

    def __init__(self, origin: Origin, tls: Any = None) -> None:
        """Lead to *origin*, with the TLS context *tls* where it asks for one."""
        self._origin, self._tls = origin, tls
        self._resting: deque[_Connection] = deque()
        self._lock = threading.Lock()

    def ask(
        self,
        target: bytes,
        headers: Headers,
        body: bytes,
        timeout: float | None,
        waits: Waits = lambda plug: contextlib.nullcontext(),
    ) -> RawReply:
        """Return the reply to one POST.

        *timeout* is the longest silence, in seconds; None waits for ever. It is waited for the
        connection's socket inside of *waits*. Raises `NoConnection` and `NoAnswer`.
        """
        with self._lock:
            connection = newest(self._resting)
        if connection is None:
            connection = _Connection(self._origin, self._tls, timeout)
        try:
            with waits(connection.plug):
                reply = connection.ask(target, headers, body, timeout)
        except BaseException:
            connection.drop()
            raise
        if connection.rests():
            self._resting.append(connection)
        else:
            connection.drop()
        return reply

    def close(self) -> None:
        """Close what rests; a later call opens anew."""
        with contextlib.suppress(IndexError):
            while True:
                self._resting.pop().drop()
