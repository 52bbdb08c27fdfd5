"""Items that hold a stream half read and ask again while all places are taken."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from pytest_ailoop.calling.limits import Limits, Ticket
from pytest_ailoop.calling.limits import gate as gate_module
from pytest_ailoop.settings import Settings
from tests.fakes.model_server import Clock
from tests.fakes.openai_server import FakeServer
from tests.fakes.sessions import FakeSession


def asked(word: str) -> Any:
    return {"model": "m", "messages": [{"role": "user", "content": word}]}


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSession]:
    # What stands still is not looked for, or only after this test gave up.
    monkeypatch.setattr(gate_module, "_STALE", 600.0)
    with FakeSession(tmp_path, concurrency=2) as running:
        yield running


def by_threads(url: str, count: int) -> list[str]:
    """Read half a stream in each of so many threads, ask again in all, and read the rest."""
    half, said = threading.Barrier(count), []

    def run() -> None:
        with openai.OpenAI(base_url=url, api_key="x", timeout=20) as client:
            stream = client.chat.completions.create(**asked("first"), stream=True)
            next(iter(stream))
            half.wait(10)
            said.append(client.chat.completions.create(**asked("next")).choices[0].message.content)
            list(stream)

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
        for _ in range(count)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(10)
    return said


def by_tasks(url: str, count: int) -> list[str]:
    """Do the same on one loop."""

    async def one(half: asyncio.Barrier) -> str:
        async with openai.AsyncOpenAI(base_url=url, api_key="x", timeout=20) as client:
            stream = await client.chat.completions.create(**asked("first"), stream=True)
            await anext(aiter(stream))
            await half.wait()
            reply = await client.chat.completions.create(**asked("next"))
            async for _ in stream:
                pass
            return str(reply.choices[0].message.content)

    async def all_of_them() -> list[str]:
        half = asyncio.Barrier(count)
        async with asyncio.timeout(10):
            return await asyncio.gather(*(one(half) for _ in range(count)))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("way", [by_threads, by_tasks])
def test_nobody_waits_for_a_stream_of_its_own(
    session: FakeSession, way: Callable[[str, int], list[str]]
) -> None:
    """With all places taken by streams that stand half read, the next call goes out at once."""
    with FakeServer() as server, session.item():
        assert ["echo: next", "echo: next"] == way(server.url, 2)


class Gate:
    """Limits on a clock that stands still."""

    def __init__(self, root: Path) -> None:
        settings = Settings(root=root, concurrency=1)
        self.limits = Limits(settings, clock=Clock(), wall=lambda: 1.7e9)
        self.lane = self.limits.lane("host", "m")

    def ask(self, item: str | None) -> Ticket:
        return self.limits.ask(self.lane, lambda: None, item=item)


def test_a_stream_that_is_read_at_this_moment_keeps_its_place(tmp_path: Path) -> None:
    """Its item's next call waits like any other, until the stream rests."""
    gate, reads = Gate(tmp_path), [True]
    stream = gate.ask("item")
    stream.parked, stream.is_read = True, lambda: reads[0]
    waiting = gate.ask("item")
    assert not waiting.granted
    reads[0] = False
    gate.limits.pump()
    assert waiting.granted


def test_another_items_stream_is_waited_for(tmp_path: Path) -> None:
    """Only who waits for itself is let out over the limit."""
    gate = Gate(tmp_path)
    gate.ask("item").parked = True
    assert [False, False] == [gate.ask(item).granted for item in ("other", None)]


def test_the_limit_holds_for_all_others(tmp_path: Path) -> None:
    """While one is out over the limit, the next one waits until both have left."""
    gate = Gate(tmp_path)
    stream = gate.ask("item")
    stream.parked = True
    own, other = gate.ask("item"), gate.ask("other")
    assert (True, 2) == (own.granted, gate.limits.in_flight)
    gate.limits.leave(own)
    assert not other.granted
    gate.limits.leave(stream)
    assert other.granted


def test_it_heeds_pauses_and_rates(tmp_path: Path) -> None:
    """Where the server wants to be left alone, it waits for that like any other."""
    gate = Gate(tmp_path)
    stream = gate.ask("item")
    gate.limits.told(stream, 429, {"retry-after": "5"}, b"")
    stream.parked = True
    assert not gate.ask("item").granted
