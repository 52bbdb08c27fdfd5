"""Connections of our own: kept alive, dropped when stale, and every way they can fail."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from pytest_ailoop.calling.client import pool as pool_module
from pytest_ailoop.calling.client.async_pool import AsyncPool
from pytest_ailoop.calling.client.http1 import NoAnswer, NoConnection, Origin, RawReply
from pytest_ailoop.calling.client.pool import Pool
from tests.fakes.raw_server import Peer, RawServer, http

Asks = Callable[..., list[RawReply]]
HEADERS = ((b"Host", b"127.0.0.1"), (b"Content-Type", b"application/json"))


def ask_blocking(
    port: int, times: int = 1, *, timeout: float | None = 5.0, pause: float = 0.0
) -> list[RawReply]:
    pool = Pool(Origin("127.0.0.1", port))
    try:
        replies = []
        for _ in range(times):
            replies.append(pool.ask(b"/v1/x", HEADERS, b"{}", timeout))
            time.sleep(pause)
        return replies
    finally:
        pool.close()


def ask_async(
    port: int, times: int = 1, *, timeout: float | None = 5.0, pause: float = 0.0
) -> list[RawReply]:
    async def inside() -> list[RawReply]:
        pool = AsyncPool(Origin("127.0.0.1", port))
        try:
            replies = []
            for _ in range(times):
                replies.append(await pool.ask(b"/v1/x", HEADERS, b"{}", timeout))
                await asyncio.sleep(pause)
            return replies
        finally:
            await pool.aclose()

    return asyncio.run(inside())


@pytest.fixture(params=[ask_blocking, ask_async], ids=["blocking", "async"])
def asks(request: pytest.FixtureRequest) -> Any:
    return request.param


def once(*said: bytes) -> Callable[[Peer], None]:
    """Answer one request with the pieces, then hang up."""

    def serve(peer: Peer) -> None:
        peer.hears()
        for piece in said:
            peer.says(piece)
            time.sleep(0.01)

    return serve


def test_a_connection_serves_many_calls(asks: Asks) -> None:
    """Status, headers in lower case and body come back; what was sent is one POST."""
    with RawServer() as server:
        replies = asks(server.port, 3)
    assert (server.connections, len(server.requests)) == (1, 3)
    assert [reply.status for reply in replies] == [200] * 3
    assert replies[0].header(b"content-type") == "application/json"
    assert replies[0].header(b"x-other") == ""
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /v1/x HTTP/1.1"
    assert b"content-length: 2" in head.lower()
    assert body == b"{}"


@pytest.mark.parametrize(
    "said",
    [
        (http(b"word"),),
        (http(b"word")[:20], http(b"word")[20:-2], b"rd"),
        (http(b"2\r\nwo\r\n2\r\nrd\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nwo", b"rd"),
        (b"HTTP/1.0 200 OK\r\n\r\nword",),
        (b"HTTP/1.1 100 Continue\r\n\r\n", http(b"word")),
        (http(gzip.compress(b"word"), "Content-Encoding: gzip"),),
        (http(zlib.compress(b"word"), "Content-Encoding: Deflate"),),
        (http(zlib.compress(b"word")[2:-4], "Content-Encoding: deflate"),),
        (http(b"word", "Content-Encoding: identity"),),
    ],
    ids=str.split("plain pieces chunks until-closed 1.0 continue gzip zlib deflate identity"),
)
def test_a_reply_is_read_whatever_its_form(asks: Asks, said: tuple[bytes, ...]) -> None:
    """However the body is cut, sized and packed, its own bytes come out."""
    with RawServer(once(*said)) as server:
        (reply,) = asks(server.port)
    assert (reply.status, reply.body) == (200, b"word")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ((), "without sending a response"),
        (
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nwo",),
            "without sending complete message body",
        ),
        ((b"SSH-2.0-OpenSSH_9.6\r\n\r\n",), "illegal status line"),
        ((http(b"word", "Content-Encoding: br"),), "packed as 'br'"),
        ((http(b"word", "Content-Encoding: gzip"),), "cannot be unpacked"),
    ],
    ids=["nothing", "half", "not HTTP", "unasked packing", "not packed"],
)
def test_what_is_no_reply_is_no_connection(asks: Asks, said: tuple[bytes, ...], words: str) -> None:
    """A server that hangs up or talks nonsense is named by what it did."""
    with RawServer(once(*said)) as server, pytest.raises(NoConnection, match=words):
        asks(server.port)


def test_nobody_there_is_no_connection(asks: Asks) -> None:
    """The system's own words say why."""
    with RawServer() as server:
        pass
    with pytest.raises(NoConnection, match=r"(?i)connect"):
        asks(server.port)


def test_silence_ends_the_call(asks: Asks) -> None:
    """No byte for *timeout* seconds is no answer."""
    with RawServer() as server:
        server.serve = lambda peer: bool(peer.hears()) and server.over.wait(10) and None
        with pytest.raises(NoAnswer, match="did not come in time"):
            asks(server.port, timeout=0.1)


def test_a_slow_reply_that_goes_on_is_awaited(asks: Asks) -> None:
    """The time counts from the last byte, not from the first."""
    pieces = [http(b"123456")[start : start + 20] for start in range(0, len(http(b"123456")), 20)]

    def serve(peer: Peer) -> None:
        peer.hears()
        for piece in pieces:
            time.sleep(0.1)
            peer.says(piece)

    assert len(pieces) >= 4
    with RawServer(serve) as server:
        (reply,) = asks(server.port, timeout=0.3)
    assert reply.body == b"123456"


def test_a_connection_that_the_server_closed_is_not_used_again(asks: Asks) -> None:
    """A server that hangs up while nobody asks costs a new connection and no call."""
    with RawServer(once(http())) as server:
        replies = asks(server.port, 3, pause=0.1)
    assert [reply.status for reply in replies] == [200] * 3
    assert server.connections == 3


def test_a_connection_that_rested_long_is_not_used_again(
    asks: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers drop idle connections, some without a word."""
    monkeypatch.setattr(pool_module, "_KEPT", 0.0)
    with RawServer() as server:
        asks(server.port, 3, pause=0.01)
    assert server.connections == 3


def test_a_refusal_before_all_was_read_is_heard(asks: Asks) -> None:
    """A server may say no to a long request, and hang up, while it is still being sent."""

    def serve(peer: Peer) -> None:
        peer.connection.recv(10)
        peer.says(http(b"{}", "Connection: close", status="413 Too Large"))
        while peer.connection.recv(65536):
            pass

    with RawServer(serve) as server:
        (reply,) = asks(server.port)
    assert reply.status == 413


def test_many_async_calls_have_a_connection_each_and_share_them_later() -> None:
    """As many connections as calls in flight; the next calls open none."""
    busy = 20

    async def inside() -> None:
        pool = AsyncPool(Origin("127.0.0.1", server.port))
        for _ in range(3):
            found = await asyncio.gather(
                *(pool.ask(b"/", HEADERS, b"{}", 5.0) for _ in range(busy))
            )
            assert [reply.status for reply in found] == [200] * busy
        await pool.aclose()

    with RawServer() as server:
        asyncio.run(inside())
    assert (server.connections, len(server.requests)) == (busy, 3 * busy)


def test_a_call_that_is_given_up_takes_its_connection_along() -> None:
    """What was cancelled may still be answered: nobody else must get that."""

    async def inside() -> None:
        pool = AsyncPool(Origin("127.0.0.1", server.port))
        task = asyncio.create_task(pool.ask(b"/first", HEADERS, b"{}", 5.0))
        await asyncio.to_thread(heard.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        reply = await pool.ask(b"/second", HEADERS, b"{}", 5.0)
        assert reply.body == b"/second"
        await pool.aclose()

    heard = threading.Event()

    def serve(peer: Peer) -> None:
        while asked := peer.hears():
            target = asked.split()[1]
            heard.set()
            time.sleep(0.05)
            peer.says(http(target))

    with RawServer(serve) as server:
        asyncio.run(inside())
    assert server.connections == 2
