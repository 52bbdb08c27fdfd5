"""Failures of `llm`'s short way: in the words of the ordinary way, and mocks that keep working."""

# Nested `with` tells the session from what is measured in it.
# ruff: noqa: SIM117

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from pytest_ailoop import recorder
from pytest_ailoop.calling.client import LLM, SyncLLM
from pytest_ailoop.calling.client import connections as connections_module
from pytest_ailoop.calling.limits import lane as lane_module
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import ReplayMissError, ReplyError
from tests.fakes.both_ways import ask, took_the_client
from tests.fakes.openai_server import FakeServer
from tests.fakes.raw_server import CHAT, Peer, RawServer, http
from tests.fakes.sessions import FakeSession

KEY = "sk-canary-3141592653589793"


@pytest.fixture(autouse=True)
def _without_retries(tidy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", KEY)
    monkeypatch.setitem(connections_module.OPTIONS, "max_retries", 0)
    # Ours are there still, without the pauses between them.
    monkeypatch.setattr(lane_module, "_FIRST_DELAY", 0.001)


@pytest.fixture(params=[LLM, SyncLLM])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def spec_of(url: str) -> ModelSpec:
    return ModelSpec(alias="mini", model="m", base_url=url, api_key_env="CANARY_KEY")


def fails(root: Path, kind: Any, url: str, *, by_client: bool, **asked: Any) -> tuple[str, Any]:
    """Return the error's words and the call that was noted last; there may be several tries."""
    with FakeSession(root, "live") as session, session.item() as notebook:
        with pytest.raises(ReplyError) as caught:
            ask(kind, spec_of(url), by_client=by_client, prompt="Hello", **asked)
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)
    assert [] == list(session.store.flight.calls)
    *_, call = notebook.calls
    return str(caught.value), call


def error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "t"}}).encode()


FAULTS: dict[str, tuple[bytes, str]] = {
    "400": (http(error("bad"), status="400 Bad"), "HTTP 400: bad\n  next: .* refuses this"),
    "401": (
        http(error(f"bad {KEY}\x1b[31m"), status="401 No"),
        r"401: bad \[secret\]\\x1b.*\n.*CANARY_KEY",
    ),
    "404": (http(error("what?"), status="404 No"), "HTTP 404: what.\n  next: .* model named 'm'"),
    "429": (http(error("slow"), status="429 No"), "HTTP 429: slow\n  next: .* rate or quota"),
    "500": (http(b"oops", status="500 No"), "HTTP 500: Error code: 500\n  next: .* the server's"),
    "503": (http(b"", status="503 No"), "HTTP 503: Error code: 503\n"),
    "plain error": (http(b'{"message": "flat"}', status="422 No"), "HTTP 422: flat\n"),
    "error under 200": (http(error("no credit")), "no choices; got .*no credit"),
    "no choices": (http(b'{"choices": []}'), "no choices; got"),
    "no message": (http(b'{"choices": [{"index": 0}]}'), "no choices; got"),
    "cut JSON": (http(b'{"choi'), "Unterminated string.*\n  next: .*could not be read"),
    "empty": (http(b""), "Expecting value.*\n  next: .*could not be read"),
    "page": (http(b"<html>Sign in", "Content-Type: text/html"), "no choices; got <html>Sign in"),
    "list": (http(b"[1]"), "no choices; got \\[1\\]"),
}


@pytest.mark.parametrize(("said", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_reads_the_same_on_both_ways(
    tmp_path: Path, kind: Any, said: bytes, words: str
) -> None:
    """One table of words: where, what, next step; nothing of it shows the key."""

    def serve(peer: Peer) -> None:
        while peer.hears():
            peer.says(said)

    with RawServer(serve) as server:
        short, call = fails(tmp_path, kind, server.url, by_client=False)
        long, noted = fails(tmp_path, kind, server.url, by_client=True)
    assert short == long
    assert short.startswith(f"model 'mini' (m) at {server.url}: ")
    assert re.search(words, short)
    assert KEY not in short
    assert (call.error, call.status) == (noted.error, noted.status)


def test_a_server_that_is_not_there_is_named(tmp_path: Path, kind: Any) -> None:
    """The system's words, and what to look at."""
    with RawServer() as server:
        pass
    found, call = fails(tmp_path, kind, server.url, by_client=False)
    assert re.search(r"no connection \(.*[Cc]onnect.*\)\n  next: is the server running", found)
    assert call.error.startswith("NoConnection: ")


def test_a_server_that_hangs_is_named(tmp_path: Path, kind: Any) -> None:
    """A time-out says how to wait longer."""
    with RawServer() as server:
        server.serve = lambda peer: bool(peer.hears()) and server.over.wait(10) and None
        found, call = fails(tmp_path, kind, server.url, by_client=False, timeout=0.1)
    assert "no answer in time\n  next: the server is slow or hangs; give timeout=" in found
    assert call.error == "NoAnswer: the reply did not come in time"


def test_a_redirect_is_followed_as_the_client_does(tmp_path: Path, kind: Any) -> None:
    """What answers "elsewhere" is asked the ordinary way; one call is noted."""

    def serve(peer: Peer) -> None:
        while asked := peer.hears():
            server.requests.append(asked)
            old = asked.startswith(b"POST /v1/")
            where = "Location: /v2/chat/completions"
            peer.says(http(b"", where, status="308 Moved") if old else http())

    with RawServer(serve) as server:
        with FakeSession(tmp_path, "live") as session, session.item() as notebook:
            assert ask(kind, spec_of(server.url), prompt="x").text == "Hi."
    assert [call.status for call in notebook.calls] == [200]
    assert len(server.requests) == 3


def test_a_missing_key_is_told_before_anything_is_sent(
    tmp_path: Path, kind: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was asked, so no call is noted, and the question can be asked again."""
    monkeypatch.delenv("CANARY_KEY")
    with FakeSession(tmp_path, "live") as session, session.item() as notebook:
        with pytest.raises(ReplyError, match="CANARY_KEY is not set"):
            ask(kind, spec_of(server.url), prompt="x")
        assert (notebook.calls, session.store.flight.calls) == ([], ())
        monkeypatch.setenv("CANARY_KEY", KEY)
        first = ask(kind, spec_of(server.url), prompt="x")
    assert first.text == "echo: x"
    assert session.store.cache.get(notebook.calls[0].digest).occurrence == 0  # type: ignore[union-attr]


def test_a_replay_miss_names_the_test_and_no_frames_of_ours(tmp_path: Path) -> None:
    """What is missing is found without a client, and told at the line that asked."""
    with FakeSession(tmp_path, "replay") as session, session.item() as notebook:
        with pytest.raises(ReplayMissError, match="no recording of POST /chat/completions") as one:
            SyncLLM(spec_of("http://127.0.0.1:9/v1"))("Hello")
    names = [entry.name for entry in one.traceback]
    assert names == ["test_a_replay_miss_names_the_test_and_no_frames_of_ours", "__call__"]
    assert len(notebook.faults) == 1


def test_a_call_that_is_cancelled_is_noted_as_such(tmp_path: Path) -> None:
    """A time limit of the test's own ends the call; nothing is left in flight."""

    async def inside() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await LLM(spec_of(server.url))("Hello")

    with RawServer() as server, FakeSession(tmp_path, "live") as session:
        server.serve = lambda peer: bool(peer.hears()) and server.over.wait(10) and None
        with session.item() as notebook:
            asyncio.run(inside())
    assert [call.error for call in notebook.calls] == ["CancelledError:"]
    assert session.store.flight.calls == ()


def mocked(request: Any) -> httpx2.Response:
    return httpx2.Response(200, json={**CHAT, "model": "mocked"})


async def mocked_async(*_: Any, **__: Any) -> httpx2.Response:
    return mocked(None)


def over_transport(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(httpx2.HTTPTransport, "handle_request", lambda _, request: mocked(request))
    patch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", mocked_async)


def over_send(patch: pytest.MonkeyPatch) -> None:
    def send(client: Any, request: Any, **_: Any) -> httpx2.Response:
        response = mocked(request)
        response.request = request
        return response

    async def send_async(client: Any, request: Any, **_: Any) -> httpx2.Response:
        return send(client, request)

    patch.setattr(httpx2.Client, "send", send)
    patch.setattr(httpx2.AsyncClient, "send", send_async)


def over_create(patch: pytest.MonkeyPatch) -> None:
    from openai.resources.chat import completions

    def create(*_: Any, **__: Any) -> Any:
        return openai.types.chat.ChatCompletion.model_validate({**CHAT, "model": "mocked"})

    async def create_async(*_: Any, **__: Any) -> Any:
        return create()

    patch.setattr(completions.Completions, "create", create)
    patch.setattr(completions.AsyncCompletions, "create", create_async)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("mock", [over_transport, over_send, over_create])
def test_mocks_of_what_a_call_passes_are_asked(
    tmp_path: Path,
    kind: Any,
    server: FakeServer,
    mock: Callable[[pytest.MonkeyPatch], None],
    late: bool,
) -> None:
    """A mock below our seam or above it answers in place of the server; then it is gone."""
    with pytest.MonkeyPatch.context() as patch, FakeSession(tmp_path, "live") as session:
        if not late:
            mock(patch)
        with session.item():
            mock(patch)
            assert ask(kind, spec_of(server.url), prompt="x").model == "mocked"
    with FakeSession(tmp_path, "live") as session, session.item():
        assert ask(kind, spec_of(server.url), prompt="x").model == "m"
    assert (server.calls, took_the_client(server)) == (1, False)


def test_outside_of_items_the_client_is_asked(kind: Any, server: FakeServer) -> None:
    """Where nobody keeps or counts, `llm` is the openai client with other words."""
    assert recorder.current() is None
    assert ask(kind, spec_of(server.url), prompt="x").text == "echo: x"
    assert took_the_client(server)
