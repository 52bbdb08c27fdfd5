"""A server that speaks bytes: each connection is handed to a function of the test's."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

__all__ = ["CHAT", "Peer", "RawServer", "http"]

CHAT: dict[str, Any] = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m-2024",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi."}}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def http(body: bytes | None = None, *headers: str, status: str = "200 OK") -> bytes:
    """Return a reply, by default one that says "Hi."."""
    body = json.dumps(CHAT).encode() if body is None else body
    if not any("length" in one.lower() or "chunked" in one for one in headers):
        headers += (f"Content-Length: {len(body)}",)
    if not any(one.lower().startswith("content-type") for one in headers):
        headers += ("Content-Type: application/json",)
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode() + body


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._rest = b""

    def hears(self) -> bytes:
        """Return the next request, head and body; empty where the client hung up."""
        while b"\r\n\r\n" not in self._rest:
            if not self._more():
                return b""
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(self._rest) < length:
            if not self._more():
                return b""
        body, self._rest = self._rest[:length], self._rest[length:]
        return head + b"\r\n\r\n" + body

    def _more(self) -> bool:
        data = self.connection.recv(65536)
        self._rest += data
        return bool(data)

    def says(self, data: bytes) -> None:
        self.connection.sendall(data)


class RawServer:
    """`with RawServer(serve) as server:`; `serve(peer)` runs in a thread of each connection.

    By default each request is answered with "Hi.". The connection ends with `serve`.
    """

    def __init__(self, serve: Callable[[Peer], None] | None = None) -> None:
        self.serve = serve or self.answer
        #: What came, and how many connections.
        self.requests: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()

    def answer(self, peer: Peer) -> None:
        while asked := peer.hears():
            self.requests.append(asked)
            peer.says(http())

    def _run(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self.serve(Peer(connection))

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
