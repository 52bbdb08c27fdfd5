"""Stock clients through the seam, against a server that has bad moments."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from pytest_ailoop import recorder
from pytest_ailoop.calling.client import LLM, SyncLLM, close_blocking_clients
from pytest_ailoop.calling.limits import lane as lane_module
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import LimitError
from tests.fakes.openai_server import FakeServer
from tests.fakes.raw_server import Peer, RawServer, http
from tests.fakes.sessions import FakeSession

ASKED: Any = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
SPENT = b'{"error": {"message": "You have no credit left.", "code": "insufficient_quota"}}'


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lane_module, "_FIRST_DELAY", 0.001)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001, raising=False)
    yield
    close_blocking_clients()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[FakeSession]:
    with FakeSession(tmp_path) as running:
        yield running


def by_openai(url: str, **asked: Any) -> Any:
    with openai.OpenAI(base_url=url, api_key="x", max_retries=2) as client:
        return client.chat.completions.create(**ASKED, **asked).choices[0].message.content


def by_async_openai(url: str, **asked: Any) -> Any:
    async def run() -> Any:
        async with openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=2) as client:
            reply = await client.chat.completions.create(**ASKED, **asked)
            return reply.choices[0].message.content

    return asyncio.run(run())


def by_llm(url: str) -> Any:
    async def run() -> Any:
        reply = await LLM(ModelSpec(alias="m", model="m", base_url=url))("hello")
        return reply.text

    return asyncio.run(run())


def by_sync_llm(url: str) -> Any:
    return SyncLLM(ModelSpec(alias="m", model="m", base_url=url))("hello").text


STOCK = pytest.mark.parametrize("way", [by_openai, by_async_openai])
ALL = pytest.mark.parametrize("way", [by_openai, by_async_openai, by_llm, by_sync_llm])


@ALL
def test_bad_moments_pass(
    session: FakeSession, server: FakeServer, way: Callable[..., Any]
) -> None:
    """Tries that failed are noted, the reply comes, and the item has no fault."""
    server.fail_next(500, 503, 429, 529)
    with session.item() as notebook:
        assert "echo: hello" == way(server.url)
    assert [500, 503, 429, 529, 200] == [call.status for call in notebook.calls]
    assert 1 == len({call.digest for call in notebook.calls})
    assert [] == notebook.all_faults


def test_a_call_keeps_its_address_between_tries(
    session: FakeSession, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same question, asked while the first one is about to be tried again, is the second."""
    monkeypatch.setattr(lane_module, "_FIRST_DELAY", 0.2)
    server.fail_next(500, retry_after="0.2")

    async def run(notebook: recorder.Recorder) -> None:
        async with openai.AsyncOpenAI(base_url=server.url, api_key="x") as client:
            first = asyncio.ensure_future(client.chat.completions.create(**ASKED))
            while not notebook.calls:
                await asyncio.sleep(0.01)
            await asyncio.gather(first, client.chat.completions.create(**ASKED))

    with session.item() as notebook:
        asyncio.run(run(notebook))
    failed, *answered = notebook.calls
    assert (500, [200, 200]) == (failed.status, [call.status for call in answered])
    assert failed.digest in {call.digest for call in answered}
    assert 2 == len({call.digest for call in answered})


@STOCK
def test_clients_do_not_try_once_more(
    session: FakeSession, server: FakeServer, way: Callable[..., Any]
) -> None:
    """Where the server never answers, five tries are made and not three times five."""
    server.fail_next(*[500] * 30)
    with session.item() as notebook:
        with pytest.raises(openai.InternalServerError):
            way(server.url)
        assert 5 == server.calls == len(notebook.calls)
        with pytest.raises(openai.InternalServerError):
            way(server.url)
    assert 6 == server.calls


@STOCK
def test_connections_are_not_tried_once_more(session: FakeSession, way: Callable[..., Any]) -> None:
    """An exception of ours stays one: the client's own tries do not reach the network."""
    with RawServer(lambda peer: None) as server, session.item() as notebook:
        with pytest.raises(openai.APIConnectionError):
            way(server.url)
        assert 5 == server.connections == len(notebook.calls)
    assert 0 == session.store.limits.in_flight


@ALL
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_what_cannot_heal_is_asked_once(
    session: FakeSession, server: FakeServer, way: Callable[..., Any], status: int
) -> None:
    """A refusal of the request itself is final."""
    server.fail_next(status, status)
    with session.item(), pytest.raises(Exception, match=str(status)):
        way(server.url)
    assert 1 == server.calls


@ALL
def test_an_empty_account_is_asked_once(session: FakeSession, way: Callable[..., Any]) -> None:
    """After a spent quota all items hear of it at once, in words; the server is left alone."""
    asked = []

    def serve(peer: Peer) -> None:
        while peer.hears():
            asked.append(1)
            peer.says(http(SPENT, status="429 Too Many Requests"))

    with RawServer(serve) as server:
        for name in ("one", "two", "three"):
            with session.item(name) as notebook, pytest.raises(Exception, match=r"quota|credit"):
                way(server.url)
            fault = notebook.all_faults[0]
            assert isinstance(fault, LimitError)
            assert "is not asked any more in this run: HTTP 429" in str(fault)
            assert "You have no credit left." in str(fault)
    assert 1 == len(asked)


def test_a_response_without_a_call_is_one_that_clients_know(session: FakeSession) -> None:
    """An application meets the rate limit's own error, as from the server, and at once."""
    with RawServer(lambda peer: _says(peer, SPENT)) as server, session.item():
        for _ in range(2):
            with pytest.raises(openai.RateLimitError):
                by_openai(server.url)
        with pytest.raises(openai.RateLimitError, match="look at the plan") as caught:
            by_openai(server.url, seed=1)
    assert "false" == caught.value.response.headers["x-should-retry"]


def _says(peer: Peer, body: bytes) -> None:
    while peer.hears():
        peer.says(http(body, status="429 Too Many Requests"))


class Counting(RawServer):
    """Counts what is in flight."""

    def __init__(self) -> None:
        super().__init__(self.work)
        self.now = self.most = 0
        self._lock = threading.Lock()

    def work(self, peer: Peer) -> None:
        while peer.hears():
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            self.over.wait(0.02)
            with self._lock:
                self.now -= 1
            peer.says(http())


def test_async_and_sync_calls_share_the_places(tmp_path: Path) -> None:
    """Forty async and forty sync calls at once: never more than five in flight, and five once."""
    with FakeSession(tmp_path, concurrency=5) as session, Counting() as server, session.item():
        blocking = openai.OpenAI(base_url=server.url, api_key="x")
        pool = ThreadPoolExecutor(40)
        sync = [
            pool.submit(
                recorder.wrap_context(blocking.chat.completions.create), **ASKED, seed=-number
            )
            for number in range(1, 41)
        ]

        async def many() -> None:
            async with openai.AsyncOpenAI(base_url=server.url, api_key="x") as client:
                calls = [
                    client.chat.completions.create(**ASKED, seed=number) for number in range(1, 41)
                ]
                await asyncio.gather(*calls)

        asyncio.run(many())
        assert 40 == sum(one.result().model == "m-2024" for one in sync)
        pool.shutdown()
        blocking.close()
    assert 5 == server.most
    assert (0, 0) == (session.store.limits.in_flight, session.store.limits.waiting)


def test_cancelled_waiters_leave_the_line(tmp_path: Path) -> None:
    """Whoever gives up while waiting, or in flight, holds nothing."""
    with FakeSession(tmp_path, concurrency=1) as session, FakeServer(latency=0.2) as server:

        async def run() -> Any:
            async with openai.AsyncOpenAI(base_url=server.url, api_key="x") as client:
                tasks = [
                    asyncio.ensure_future(client.chat.completions.create(**ASKED, seed=number))
                    for number in range(4)
                ]
                await asyncio.sleep(0.1)
                for task in tasks[:3]:
                    task.cancel()
                return await asyncio.wait_for(tasks[3], 5)

        with session.item():
            assert "echo: hello" == asyncio.run(run()).choices[0].message.content
    assert (0, 0) == (session.store.limits.in_flight, session.store.limits.waiting)


def test_the_main_thread_never_waits_for_others(tmp_path: Path) -> None:
    """A blocking call inside a coroutine goes out though the one place is taken: on this loop."""
    with FakeSession(tmp_path, concurrency=1) as session, FakeServer(latency=0.05) as server:

        async def run() -> None:
            async with openai.AsyncOpenAI(base_url=server.url, api_key="x") as client:
                task = asyncio.ensure_future(client.chat.completions.create(**ASKED, seed=1))
                await asyncio.sleep(0.02)
                assert "echo: hello" == by_openai(server.url)
                await task

        with session.item():
            asyncio.run(asyncio.wait_for(run(), 10))


def test_a_tools_own_service_is_left_alone(session: FakeSession, server: FakeServer) -> None:
    """What is no model's API is asked once, without limits: it may not bear a second time."""
    import httpx2

    from pytest_ailoop.calling import identity

    with pytest.MonkeyPatch.context() as patch, session.item(), httpx2.Client() as client:
        patch.setattr("pytest_ailoop.calling.opening.is_loopback", lambda host: False)
        server.fail_next(503)
        assert 503 == client.post(f"{server.url}/search", json={"q": 1}).status_code
    assert identity.endpoint_of("/v1/search") is None
    assert (1, []) == (server.calls, session.store.limits.lanes)
