"""The seam with real clients against a server on loopback: recorded, then replayed without it."""

# Nested `with` tells the session from what is measured in it.
# ruff: noqa: SIM117

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai
import pytest

from pytest_ailoop import recorder
from pytest_ailoop.errors import ReplayMissError
from tests.fakes.openai_server import FakeServer
from tests.fakes.sessions import FakeSession
from tests.unit.calling.apps import (
    APPS,
    aiohttp_chat,
    ask,
    async_chat,
    async_stream,
    client_of,
    plain_httpx,
    rows,
    sync_chat,
)

pytestmark = pytest.mark.usefixtures("tidy")


@pytest.mark.parametrize("app", APPS)
def test_recorded_then_replayed_then_changed(app: Any, tmp_path: Path) -> None:
    """What was recorded is replayed exactly, without a server; a changed word fails by name."""
    with FakeServer(numbered=True) as server:
        with FakeSession(tmp_path, "record") as session, session.item() as live:
            recorded = app(server.url, "terse")
        calls = server.calls
        assert calls == len(live.calls) > 0
        assert {call.origin for call in live.calls} == {"live"}
    with FakeSession(tmp_path, "replay") as session:
        with session.item() as notebook:
            assert app(server.url, "terse") == recorded
        assert {call.origin for call in notebook.calls} == {"recording"}
        stripped = [
            [
                (call.digest, call.reply_text, call.usage, call.latency, call.first_token)
                for call in sorted(one.calls, key=lambda call: call.digest)
            ]
            for one in (live, notebook)
        ]
        assert stripped[0] == stripped[1]
        with session.item() as notebook, pytest.raises(ReplayMissError) as caught:
            app(server.url, "kind")
    assert "kind" in str(caught.value)
    assert "terse" in str(caught.value)
    assert '"evals/test_app.py::test_it[one]" --ailoop-replies=record' in str(caught.value)
    assert caught.value in notebook.faults
    assert server.calls == calls


@pytest.mark.parametrize(
    "options", [{"gzip": True}, {"pretty": True}, {"gzip": True, "pretty": True}]
)
@pytest.mark.parametrize("app", [sync_chat, async_stream, plain_httpx, aiohttp_chat])
def test_layout_and_packing_survive(app: Any, options: Any, tmp_path: Path) -> None:
    """Pretty-printed and gzipped replies come back with the same text as live."""
    with FakeServer(**options) as server:
        with FakeSession(tmp_path, "record") as session, session.item():
            recorded = app(server.url, "terse")
    with FakeSession(tmp_path, "replay") as session, session.item():
        assert app(server.url, "terse") == recorded


def test_cache_saves_the_second_call(server: FakeServer, tmp_path: Path) -> None:
    """In auto mode a second session pays nothing; calls tell where the reply came from."""
    origins = []
    for _ in range(2):
        with FakeSession(tmp_path) as session, session.item() as notebook:
            sync_chat(server.url, "terse")
        origins += [call.origin for call in notebook.calls]
    assert origins == ["live", "cache"]
    assert server.calls == 1


def test_live_asks_again(server: FakeServer, tmp_path: Path) -> None:
    """Live mode reads nothing, but what it paid for is there for the next session."""
    for mode in ("live", "live", "auto"):
        with FakeSession(tmp_path, mode) as session, session.item():
            sync_chat(server.url, "terse")
    assert server.calls == 2


def test_trials_and_repeats_are_samples_of_their_own(tmp_path: Path) -> None:
    """Another trial, and the same question asked twice in an item, have replies of their own."""

    def app(url: str) -> list[Any]:
        return [sync_chat(url, "terse")[1] for _ in range(2)]

    with FakeServer(numbered=True) as server:
        with FakeSession(tmp_path, "record") as session:
            recorded = []
            for trial in (1, 2):
                with session.item(trial=trial):
                    recorded.append(app(server.url))
        assert server.calls == 4
    assert len({text for texts in recorded for text in texts}) == 4
    with FakeSession(tmp_path, "replay") as session:
        replayed = []
        for trial in (1, 2):
            with session.item(trial=trial):
                replayed.append(app(server.url))
        assert replayed == recorded
        with session.item(trial=3), pytest.raises(ReplayMissError, match="recorded for trial 1"):
            app(server.url)


def test_repeats_in_flight_together_are_told_apart(tmp_path: Path) -> None:
    """Equal questions asked at once get as many replies, and the same ones in replay."""

    async def run(url: str) -> list[str | None]:
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-test-0123456789") as client:

            async def once() -> str | None:
                reply = await client.chat.completions.create(model="m", messages=ask())
                return reply.choices[0].message.content

            return await asyncio.gather(*[once() for _ in range(4)])

    with FakeServer(numbered=True) as server, FakeSession(tmp_path, "record") as session:
        with session.item():
            recorded = asyncio.run(run(server.url))
    assert len(set(recorded)) == 4
    with FakeSession(tmp_path, "replay") as session, session.item():
        assert asyncio.run(run(server.url)) == recorded


def test_the_same_text_is_judged_once(server: FakeServer, tmp_path: Path) -> None:
    """A judge's call has one address, whatever the trial and how often it is asked."""
    with FakeSession(tmp_path) as session:
        for trial in (1, 2):
            with session.item(trial=trial) as notebook, recorder.judging():
                sync_chat(server.url, "terse")
                sync_chat(server.url, "terse")
            assert {call.purpose for call in notebook.calls} == {"judge"}
    assert server.calls == 1


def test_errors_are_not_kept_and_retried(server: FakeServer, tmp_path: Path) -> None:
    """A 500 is noted and retried by the client; only the good reply is kept, as the first one."""
    server.fail_next(500, retry_after_ms="1")
    with FakeSession(tmp_path, "record") as session, session.item() as notebook:
        sync_chat(server.url, "terse")
    assert [call.status for call in notebook.calls] == [500, 200]
    assert notebook.calls[0].error == ('HTTP 500: {"error": {"message": "asked to fail with 500"}}')
    assert notebook.calls[0].digest == notebook.calls[1].digest
    assert session.recordings.read_text().count("\n") == 2
    with FakeSession(tmp_path, "replay") as session, session.item() as notebook:
        sync_chat(server.url, "terse")
    assert server.calls == 2


def test_transport_failure_is_noted(tmp_path: Path) -> None:
    """A connection that fails leaves its error with each try, and nothing in the cache."""
    with FakeServer() as server:
        url = server.url
    with FakeSession(tmp_path) as session, session.item() as notebook:
        with pytest.raises(httpx.ConnectError):
            plain_httpx(url, "terse")
    assert [call.error for call in notebook.calls] == 3 * [
        "ConnectError: [Errno 111] Connection refused"
    ]
    assert session.store.cache.get(notebook.calls[0].digest) is None


@pytest.mark.parametrize("kind", ["sync", "async", "httpx", "stream"])
def test_a_miss_is_not_retried(kind: str, tmp_path: Path) -> None:
    """A replay miss reaches the application as what it is, at once, and is remembered."""
    apps = {"sync": sync_chat, "async": async_chat, "httpx": plain_httpx, "stream": async_stream}
    with FakeSession(tmp_path, "replay") as session, session.item() as notebook:
        with pytest.raises(Exception, match="no recording") as caught:
            apps[kind]("http://127.0.0.1:9/v1", "terse")
    assert caught.type is ReplayMissError
    assert len(notebook.calls) == len(notebook.faults) == 1
    assert "nothing is recorded there" in str(notebook.faults[0])


def test_stream_left_early_is_not_kept(server: FakeServer, tmp_path: Path) -> None:
    """A stream that the application leaves early is a call, but no reply for replay."""
    with (
        FakeSession(tmp_path) as session,
        session.item() as notebook,
        client_of(server.url) as client,
    ):
        with client.chat.completions.create(model="m", messages=ask(), stream=True) as stream:
            for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
    (call,) = notebook.calls
    assert call.error is None
    assert call.reply_text.startswith("echo")
    assert session.store.cache.get(call.digest) is None


def test_stream_is_kept_before_its_last_event(server: FakeServer, tmp_path: Path) -> None:
    """When the application sees the end of a stream, the reply is durable already."""
    body = {"model": "m", "messages": ask(), "stream": True}
    seen = []
    with FakeSession(tmp_path) as session, session.item(), httpx2.Client() as client:
        with client.stream("POST", f"{server.url}/chat/completions", json=body) as reply:
            for piece in reply.iter_bytes():
                if b"[DONE]" in piece:
                    seen = rows(session)
    assert seen == [(1,)]


def test_replayed_stream_comes_event_by_event(server: FakeServer, tmp_path: Path) -> None:
    """A replayed stream hands out each event as a piece of its own."""
    body = {"model": "m", "messages": ask(), "stream": True}
    pieces = []
    for mode in ("record", "replay"):
        with FakeSession(tmp_path, mode) as session, session.item(), httpx.Client() as client:
            with client.stream("POST", f"{server.url}/chat/completions", json=body) as reply:
                pieces = list(reply.iter_raw())
    assert len(pieces) == 8
    assert all(piece.endswith(b"\n\n") for piece in pieces)
