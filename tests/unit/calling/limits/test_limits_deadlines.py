"""Replies that never come, or come byte by byte, are cut in time, and the place is free."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from pytest_ailoop.calling.limits import deadlines
from pytest_ailoop.data.variant import ModelSpec
from tests.fakes.openai_server import FakeServer
from tests.fakes.raw_server import Peer, RawServer, http
from tests.fakes.sessions import FakeSession

ASKED: Any = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": null}]}\n\n'


def hang(peer: Peer) -> None:
    """Answer nothing."""
    peer.hears()
    peer.connection.settimeout(10)
    peer.connection.recv(1)


def drip(peer: Peer) -> None:
    """Answer byte by byte."""
    peer.hears()
    peer.says(HEAD)
    for _ in range(100):
        time.sleep(0.1)
        peer.says(b" ")


def stop(peer: Peer) -> None:
    """Answer half, and no more."""
    peer.hears()
    peer.says(HEAD + b"{")
    peer.connection.settimeout(10)
    peer.connection.recv(1)


def silent_stream(peer: Peer) -> None:
    """Begin a stream without an event."""
    peer.hears()
    peer.says(STREAM)
    peer.connection.settimeout(10)
    peer.connection.recv(1)


def endless_stream(peer: Peer) -> None:
    """Begin a stream that has no end."""
    peer.hears()
    peer.says(STREAM)
    for _ in range(100):
        peer.says(f"{len(EVENT):x}\r\n".encode() + EVENT + b"\r\n")
        time.sleep(0.1)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSession]:
    # The client tries again too, half a second and a whole one later.
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01, raising=False)
    spec = ModelSpec(alias="mini", model="m", timeout=0.6, first_byte_timeout=0.3, concurrency=1)
    with FakeSession(tmp_path, models={"mini": spec}) as running:
        yield running


def by_openai(url: str, **asked: Any) -> Any:
    with openai.OpenAI(base_url=url, api_key="x", max_retries=2) as client:
        return list(client.chat.completions.create(**ASKED, **asked))


def by_async_openai(url: str, **asked: Any) -> Any:
    async def run() -> Any:
        async with openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=2) as client:
            reply = await client.chat.completions.create(**ASKED, **asked)
            return [one async for one in reply] if asked else reply

    return asyncio.run(run())


WAYS = pytest.mark.parametrize("way", [by_openai, by_async_openai])


@WAYS
@pytest.mark.parametrize("serve", [hang, drip, stop])
def test_a_reply_is_cut(session: FakeSession, way: Callable[..., Any], serve: Any) -> None:
    """At the deadline the client's own timeout is raised, with the reason, and not tried again."""
    with RawServer(serve) as server, session.item() as notebook:
        begun = time.monotonic()
        with pytest.raises(openai.APITimeoutError) as caught:
            way(server.url)
        assert 0.5 <= time.monotonic() - begun <= 4.5  # The client sleeps between its own tries.
        assert 1 == server.connections
    assert isinstance(caught.value.__cause__, httpx2.ReadTimeout)
    (call,) = notebook.calls
    assert call.error == (
        "ReadTimeout: cut: model 'mini' had not answered in full after 0.6 s (timeout of its table)"
    )
    assert 0.5 <= call.latency <= 1.6
    assert (0, ()) == (session.store.limits.in_flight, session.store.flight.calls)


@WAYS
def test_a_stream_that_does_not_begin_is_tried_again(
    session: FakeSession, way: Callable[..., Any]
) -> None:
    """The first byte has a deadline of its own, and tries go on while there is time."""
    serves = [silent_stream, endless_stream]
    with RawServer(lambda peer: serves.pop(0)(peer)) as server, session.item() as notebook:
        with pytest.raises(openai.APITimeoutError):
            way(server.url, stream=True)
        assert 2 == server.connections
    first, second = notebook.calls
    assert "the stream of model 'mini' had not begun after 0.3 s" in first.error
    assert "had not answered in full after 0.6 s" in second.error
    assert 0 == session.store.limits.in_flight


def test_the_application_may_take_its_time(session: FakeSession) -> None:
    """What it does between two pieces of a stream does not count."""

    def serve(peer: Peer) -> None:
        peer.hears()
        peer.says(STREAM + f"{len(EVENT):x}\r\n".encode() + EVENT + b"\r\n")
        peer.says(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")

    with (
        RawServer(serve) as server,
        session.item() as notebook,
        openai.OpenAI(base_url=server.url, api_key="x") as client,
    ):
        for _ in client.chat.completions.create(**ASKED, stream=True):
            assert 1 == session.store.limits.in_flight
            time.sleep(0.8)
    assert [None] == [call.error for call in notebook.calls]
    assert 0 == session.store.limits.in_flight


def test_a_cut_frees_the_place_for_others(session: FakeSession) -> None:
    """With one call in flight at most, the next goes out after the cut."""
    serves = [hang]

    def serve(peer: Peer) -> None:
        if serves:
            serves.pop()(peer)
        else:
            peer.hears()
            peer.says(http())

    async def both(url: str) -> list[Any]:
        async with openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0) as client:
            first = asyncio.ensure_future(client.chat.completions.create(**ASKED))
            await asyncio.sleep(0.05)
            second = client.chat.completions.create(**ASKED, seed=1)
            return await asyncio.gather(first, second, return_exceptions=True)

    with RawServer(serve) as server, session.item():
        cut, answered = asyncio.run(both(server.url))
        assert isinstance(cut, openai.APITimeoutError)
        assert "Hi." == answered.choices[0].message.content


def test_the_thread_that_cuts_ends_with_the_session(tmp_path: Path) -> None:
    """Blocking calls have one while a session runs, the next session has its own."""
    for number in range(2):
        with FakeSession(tmp_path) as session, FakeServer() as server:
            with session.item():
                asked = {**ASKED, "seed": number}
                with openai.OpenAI(base_url=server.url, api_key="x") as client:
                    client.chat.completions.create(**asked)
            assert 1 == watches()
        assert 0 == watches()


def test_what_waits_when_the_session_ends_is_cut() -> None:
    """A thread that was left behind in a call waits for nobody any more."""
    watch = deadlines._Watch()
    near, far = socket.socketpair()
    with near, far:
        far.settimeout(5)
        watch.add(600, near)
        watch.remove(watch.add(600, far))
        watch.end()
        assert b"" == far.recv(1)
        with pytest.raises(BrokenPipeError):
            near.send(b"x")
        assert 0 == watches()


def watches() -> int:
    """Return how many threads there are that cut blocking calls."""
    return sum(one.name == "ailoop-deadlines" for one in threading.enumerate())
