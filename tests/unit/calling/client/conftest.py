"""A server that answers what a test tells it, and both ways to ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ailoop import recorder, redaction
from pytest_ailoop.calling.client import LLM, SyncLLM, close_clients
from pytest_ailoop.data.case import Case
from pytest_ailoop.data.variant import Variant
from tests.unit.calling.client.asking import KEY, Asking, Server


@pytest.fixture(scope="module")
def _server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def server(_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("CANARY_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    _server.asked.clear()
    _server.headers.clear()
    _server.says()
    _server.status = 200
    yield _server
    asyncio.run(close_clients())
    redaction.forget()


@pytest.fixture(params=[LLM, SyncLLM], ids=["async", "sync"])
def ask(request: pytest.FixtureRequest, server: Server) -> Asking:
    return Asking(request.param, server)


@pytest.fixture
def notebook() -> Iterator[recorder.Recorder]:
    made = recorder.Recorder(
        nodeid="t",
        case=Case(id="c"),
        variant=Variant(),
        trial=1,
        recordings=Path("none"),
        is_async=True,
    )
    with recorder.active(made):
        yield made
