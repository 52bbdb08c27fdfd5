"""HTTP/1.1 as one connection speaks it, without any I/O: h11 does the protocol's work.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_ailoop.frozen import dataclass

if TYPE_CHECKING:
    import h11

__all__ = ["Dialogue", "NoAnswer", "NoConnection", "Origin", "RawReply"]

Headers = Sequence[tuple[bytes, bytes]]

# As long as httpcore lets them be; h11 alone stops at 16 KiB.
_LONGEST_HEAD = 100 * 1024
_EITHER = zlib.MAX_WBITS | 32  # gzip or zlib, as the data itself says
_BARE = -zlib.MAX_WBITS


class NoConnection(ConnectionError):
    """The server could not be reached, or what it sent is no HTTP."""


class NoAnswer(TimeoutError):
    """Nothing came for too long."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection leads."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class RawReply:
    """A reply as it came, read whole."""

    status: int
    headers: Headers
    """Names in lower case."""
    body: bytes
    """Without its content encoding."""

    def header(self, name: bytes) -> str:
        """Return the value of header *name* (lower case), empty where there is none."""
        return next((value.decode("latin-1") for one, value in self.headers if one == name), "")


@functools.lru_cache(maxsize=1024)
def _post(target: bytes, headers: tuple[tuple[bytes, bytes], ...], length: int) -> h11.Request:
    """Return the head of a request; h11 looks at each byte of it, once is enough."""
    import h11

    try:
        head = [*headers, (b"Content-Length", str(length).encode())]
        return h11.Request(method=b"POST", target=target, headers=head)
    except h11.LocalProtocolError as error:
        raise ValueError(str(error)) from None


class Dialogue:
    """Requests and replies of one connection, one after another."""

    def __init__(self) -> None:
        import h11  # Not needed for what is recalled.

        self._h11 = h11
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._head: h11.Response | None = None
        self._body: list[bytes] = []

    def ask(self, target: bytes, headers: Headers, body: bytes) -> bytes:
        """Return the bytes to send; raises `ValueError` where *target* or *headers* are no HTTP."""
        send = self._protocol.send
        head = send(_post(target, tuple(headers), len(body))) or b""
        data = send(self._h11.Data(data=body)) or b""
        send(self._h11.EndOfMessage())
        return head + data

    def take(self, data: bytes) -> RawReply | None:
        """Return the reply once *data* completes it; empty *data* is the connection's end.

        Raises `NoConnection` where what came is no reply or breaks off.
        """
        if not data and self._protocol.their_state is self._h11.SEND_RESPONSE:
            raise NoConnection("Server disconnected without sending a response.")
        try:
            self._protocol.receive_data(data)
            return self._next()
        except self._h11.RemoteProtocolError as error:
            raise NoConnection(str(error)) from None

    def _next(self) -> RawReply | None:
        h11 = self._h11
        while True:
            event = self._protocol.next_event()
            kind = type(event)
            if kind is h11.Data:
                self._body.append(bytes(event.data))  # type: ignore[union-attr]
            elif kind is h11.Response:
                self._head = event  # type: ignore[assignment]
            elif kind is h11.EndOfMessage:
                return self._whole()
            elif event is h11.NEED_DATA or event is h11.PAUSED:
                return None

    def _whole(self) -> RawReply:
        head, body = self._head, b"".join(self._body)
        assert head is not None
        self._head, self._body = None, []
        headers = list(head.headers)
        for name, value in headers:
            if name == b"content-encoding" and body:
                body = _unpacked(body, value.strip().lower())
        return RawReply(head.status_code, headers, body)

    def rests(self) -> bool:
        """Return whether the connection can take another request, and make it ready for it."""
        protocol, done = self._protocol, self._h11.DONE
        if protocol.our_state is not done or protocol.their_state is not done:
            return False
        protocol.start_next_cycle()
        return True


def _unpacked(body: bytes, encoding: bytes) -> bytes:
    if encoding == b"identity":
        return body
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise NoConnection(f"the reply is packed as {encoding.decode('latin-1')!r}, unasked")
    try:
        return zlib.decompress(body, _EITHER)
    except zlib.error:
        pass
    try:
        return zlib.decompress(body, _BARE)
    except zlib.error as error:
        raise NoConnection(f"the reply cannot be unpacked: {error}") from None
