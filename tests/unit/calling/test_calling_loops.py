"""A client that was built once serves any number of event loops, and leaves nothing open."""

from __future__ import annotations

import asyncio
import gc
import warnings
from pathlib import Path
from typing import Any

import openai
import pytest

from pytest_ailoop.calling import loops
from tests.fakes.openai_server import FakeServer
from tests.fakes.sessions import FakeSession

KINDS = {
    "httpx2": openai.DefaultAsyncHttpx2Client,
    "aiohttp": openai.DefaultAioHttpClient,
}


async def ask(client: Any, word: str) -> str:
    reply = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": word}]
    )
    return str(reply.choices[0].message.content)


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest) -> Any:
    """An application's client, built where no loop runs; its server comes with the call."""
    with FakeServer() as server:
        yield openai.AsyncOpenAI(
            base_url=server.url, api_key="k", http_client=KINDS[request.param](), max_retries=0
        )


def test_one_loop_after_the_other(client: Any, tmp_path: Path) -> None:
    """Each loop that ends takes its connections along: the next one opens its own."""
    with FakeSession(tmp_path, "live") as session, session.item():
        answers = [asyncio.run(ask(client, f"word {number}")) for number in range(4)]
    assert answers == [f"echo: word {number}" for number in range(4)]


def test_loops_in_turn(client: Any, tmp_path: Path) -> None:
    """A loop that waits while another runs does not leave it a connection that it cannot use."""
    with FakeSession(tmp_path, "live") as session, session.item(), asyncio.Runner() as long:
        answers = []
        for number in range(3):
            answers.append(long.run(ask(client, f"long {number}")))
            answers.append(asyncio.run(ask(client, f"short {number}")))
    assert answers == [f"echo: {name} {n}" for n in range(3) for name in ("long", "short")]


def test_nothing_warns(client: Any, tmp_path: Path) -> None:
    """No connection is left for the garbage collector to complain of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with FakeSession(tmp_path, "live") as session, session.item():
            for word in ("one", "two"):
                asyncio.run(ask(client, word))
        gc.collect()
    assert [] == [str(one.message) for one in caught if one.category is ResourceWarning]


def test_a_connection_is_kept_on_its_loop(client: Any, tmp_path: Path) -> None:
    """On one loop a client goes on using its connection: nothing is closed between calls."""
    closed: list[Any] = []
    close = loops.close

    async def twice() -> None:
        await ask(client, "one")
        await ask(client, "two")
        assert closed == []

    with pytest.MonkeyPatch.context() as patch, FakeSession(tmp_path, "live") as session:

        async def counted(transport: Any) -> None:
            closed.append(transport)
            await close(transport)

        patch.setattr(loops, "close", counted)
        with session.item():
            asyncio.run(twice())
    assert len(closed) == 1


def test_loops_that_are_gone_are_forgotten(client: Any, tmp_path: Path) -> None:
    """A loop that was closed without its last work is not kept alive."""
    with FakeSession(tmp_path, "live") as session, session.item():
        rough = asyncio.new_event_loop()
        rough.run_until_complete(ask(client, "rough"))
        rough.run_until_complete(client.close())
        rough.close()
        fresh = openai.AsyncOpenAI(base_url=client.base_url, api_key="k")
        asyncio.run(ask(fresh, "tidy"))
    assert rough not in loops._used
