"""Identical calls of different items, through the seam: sync and async, whole and streamed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes.openai_server import FakeServer
from fakes.sessions import FakeSession

from pytest_ailoop import recorder
from pytest_ailoop.recorder import Recorder

BODY = {"model": "m", "messages": [{"role": "user", "content": "the same"}]}


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(latency=0.2, numbered=True) as server:
        yield server


async def ask(
    session: FakeSession,
    client: Any,
    url: str,
    notebook: Recorder,
    body: Any,
    parties: asyncio.Barrier | None = None,
) -> str:
    """Return what came; the item is open until all *parties* have their replies."""
    with recorder.active(notebook), session.store.item(notebook):
        reply = await client.post(f"{url}/chat/completions", json=body, timeout=30)
        if parties is not None:
            await asyncio.wait_for(parties.wait(), 10)
        return str(reply.text)


async def side_by_side(session: FakeSession, url: str, *notebooks: Recorder, **more: Any) -> Any:
    async with httpx2.AsyncClient(trust_env=False) as client:
        everyone = asyncio.Barrier(len(notebooks))
        body = {**BODY, **more}
        asked = (ask(session, client, url, one, body, everyone) for one in notebooks)
        return await asyncio.gather(*asked)


def origins(*notebooks: Recorder) -> list[str]:
    return sorted(call.origin for one in notebooks for call in one.calls)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", ["auto", "record"])
def test_items_share_a_call(mode: str, stream: bool, server: FakeServer, tmp_path: Path) -> None:
    """Three items ask the same: one call is live, and the others read its reply as cached."""
    with FakeSession(tmp_path, mode) as session:
        notebooks = [session.notebook(str(one)) for one in range(3)]
        texts = asyncio.run(side_by_side(session, server.url, *notebooks, stream=stream))
    assert server.calls == 1
    assert len(set(texts)) == 1
    assert origins(*notebooks) == ["cache", "cache", "live"]
    assert len(session.store.flight.calls) == 0


def test_trials_and_live_calls_are_their_own(server: FakeServer, tmp_path: Path) -> None:
    """Each trial is a sample, and each call of mode live a measurement."""
    with FakeSession(tmp_path) as session:
        trials = [session.notebook("x", trial=one) for one in (1, 2, 3)]
        asyncio.run(side_by_side(session, server.url, *trials))
    with FakeSession(tmp_path, "live") as session:
        live = [session.notebook(str(one)) for one in range(3)]
        asyncio.run(side_by_side(session, server.url, *live))
    assert origins(*trials, *live) == ["live"] * 6
    assert server.calls == 6


def test_recording_asks_anew(server: FakeServer, tmp_path: Path) -> None:
    """What an earlier run kept is not what is recorded."""
    for mode in ("auto", "record"):
        with FakeSession(tmp_path, mode) as session:
            notebook = session.notebook()
            asyncio.run(side_by_side(session, server.url, notebook))
            assert origins(notebook) == ["live"]
    assert server.calls == 2


def test_a_refused_call_is_made_by_the_next(server: FakeServer, tmp_path: Path) -> None:
    """Its status is its own; the others get the reply of the second."""
    server.fail_next(400)
    with FakeSession(tmp_path) as session:
        notebooks = [session.notebook(str(one)) for one in range(4)]
        texts = asyncio.run(side_by_side(session, server.url, *notebooks))
    assert server.calls == 2
    assert sorted(one.count("asked to fail") for one in texts) == [0, 0, 0, 1]
    assert origins(*notebooks) == ["cache", "cache", "live", "live"]


def test_a_retried_call_stays_the_one(server: FakeServer, tmp_path: Path) -> None:
    """While the leader tries again, nobody else asks."""
    server.fail_next(503, retry_after="0")
    with FakeSession(tmp_path) as session:
        notebooks = [session.notebook(str(one)) for one in range(4)]
        texts = asyncio.run(side_by_side(session, server.url, *notebooks))
    assert server.calls == 2
    assert len(set(texts)) == 1


def test_sync_bodies_share_a_call(server: FakeServer, tmp_path: Path) -> None:
    """Bodies in threads that take turns wait for each other."""
    texts: list[str] = []

    def body(session: FakeSession, notebook: Recorder) -> None:
        recorder.take_turns(nullcontext)
        with recorder.active(notebook), session.store.item(notebook), httpx2.Client() as client:
            reply = client.post(f"{server.url}/chat/completions", json=BODY, timeout=30)
            texts.append(reply.text)

    with FakeSession(tmp_path) as session:
        notebooks = [session.notebook(str(one)) for one in range(4)]
        threads = [threading.Thread(target=body, args=(session, one)) for one in notebooks]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert server.calls == 1
    assert origins(*notebooks) == ["cache", "cache", "cache", "live"]
    assert len(set(texts)) == 1


def test_a_stream_left_early_is_asked_by_the_next(server: FakeServer, tmp_path: Path) -> None:
    """Nothing is kept of it, so the one that waits makes the call."""
    server.latency = 0

    async def leave(session: FakeSession, notebook: Recorder, client: Any, begun: Any) -> None:
        with recorder.active(notebook), session.store.item(notebook):
            asked = client.stream("POST", f"{server.url}/chat/completions", json=streamed)
            async with asked as reply:
                async for _ in reply.aiter_raw():
                    begun.set()
                    break
                await asyncio.sleep(0.1)

    async def both(session: FakeSession, first: Recorder, second: Recorder) -> str:
        async with httpx2.AsyncClient(trust_env=False) as client:
            begun = asyncio.Event()
            leaving = asyncio.create_task(leave(session, first, client, begun))
            await begun.wait()
            text = await ask(session, client, server.url, second, streamed)
            await leaving
            return text

    streamed = {**BODY, "stream": True}
    with FakeSession(tmp_path) as session:
        notebooks = [session.notebook(one) for one in ("first", "second")]
        text = asyncio.run(both(session, *notebooks))
    assert server.calls == 2
    assert "[DONE]" in text
    assert origins(*notebooks) == ["live", "live"]
