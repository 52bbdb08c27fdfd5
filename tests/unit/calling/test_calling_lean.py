"""The short way of `llm`: what is asked, kept and noted is the same as by the openai client."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import httpx2
import pydantic
import pytest

from pytest_ailoop import recorder, redaction
from pytest_ailoop.calling.client import LLM, SyncLLM
from pytest_ailoop.calling.stored import StoredReply
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.reply import Reply
from pytest_ailoop.data.variant import ModelSpec
from tests.fakes.both_ways import ask, took_the_client
from tests.fakes.openai_server import FakeServer
from tests.fakes.raw_server import Peer, RawServer, http
from tests.fakes.sessions import FakeSession

pytestmark = pytest.mark.usefixtures("tidy")


class City(pydantic.BaseModel):
    """A city."""

    name: str
    people: int | None = None


TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
ASKED: dict[str, dict[str, Any]] = {
    "text": {"prompt": "where?"},
    "unicode": {"prompt": "wo? é ☃ \U0001f600 \x7f \x00 </script> \\u0041 \u2028"},
    "messages": {"prompt": [{"role": "system", "content": "be"}, {"role": "user", "content": "x"}]},
    "parts": {"prompt": [{"role": "user", "content": [{"type": "text", "text": "a"}, PICTURE]}]},
    "parameters": {"prompt": "x", "temperature": 0.5, "max_tokens": 5, "stop": ["a", "b"]},
    "numbers": {"prompt": "x", "temperature": 1.0, "top_p": 1e-7, "seed": 2**63, "n": 1},
    "keys that are numbers": {"prompt": "x", "logit_bias": {9: 1, 10: -100, "5": 3}},
    "tuples": {"prompt": ({"role": "user", "content": "x"},), "stop": ("a",)},
    "metadata": {"prompt": "x", "metadata": {"b": "1", "a": "2"}, "store": False, "user": "u"},
    "extra body": {"prompt": "x", "top_p": 1, "extra_body": {"top_k": 3, "none": None, "top_p": 0}},
    "extra query": {
        "prompt": "x",
        "extra_query": {"api-version": "2024-10-21", "x": 1, "y": "a b"},
    },
    "odd query": {"prompt": "x", "extra_query": {"api-version": ["1", "2"], "beta": True}},
    "extra headers": {"prompt": "x", "extra_headers": {"x-mine": "yes", "ACCEPT": "text/plain"}},
    "odd headers": {
        "prompt": "x",
        "extra_headers": {"content-type": "application/json; charset=utf-8"},
    },
    "timeout": {"prompt": "x", "timeout": 5},
    "odd timeout": {"prompt": "x", "timeout": httpx2.Timeout(5.0)},
    "tools": {"prompt": "x", "tools": [TOOL], "tool_choice": "auto"},
    "output": {"prompt": "x", "output": City},
    "logprobs": {"prompt": "x", "logprobs": 2},
    "an object of its own": {"prompt": "x", "extra_body": {"city": City(name="Bonn")}},
    "unusual": {"prompt": "x", "verbosity": "low", "service_tier": "auto", "modalities": ["text"]},
}
# What needs an encoding that the client alone knows.
LEFT_TO_THE_CLIENT = {"odd query", "odd headers", "odd timeout", "an object of its own"}


def told(value: Any, *but: str) -> dict[str, Any]:
    names = [one.name for one in dataclasses.fields(value) if one.name not in but]
    return {name: getattr(value, name) for name in names}


Live = tuple[Reply[Any], Call, StoredReply, dict[str, Any]]


def live(root: Path, server: FakeServer, kind: Any, **how: Any) -> Live:
    spec = ModelSpec(alias="m", model="fake", base_url=server.url)
    with FakeSession(root, "live") as session, session.item() as notebook:
        reply = ask(kind, spec, **how)
        (call,) = notebook.calls
        stored = session.store.cache.get(call.digest)
    assert stored is not None
    return reply, call, stored, server.requests[-1]


@pytest.mark.parametrize("kind", [LLM, SyncLLM])
@pytest.mark.parametrize("name", ASKED)
def test_both_ways_ask_keep_and_note_the_same(
    tmp_path: Path, server: FakeServer, kind: Any, name: str
) -> None:
    """Address, kept reply, call, path, query and body: recordings of the one serve the other."""
    asked = ASKED[name]
    short = live(tmp_path / "a", server, kind, **asked)
    assert took_the_client(server) is (name in LEFT_TO_THE_CLIENT)
    long = live(tmp_path / "b", server, kind, by_client=True, **asked)
    assert took_the_client(server)
    assert told(short[0], "latency", "raw") == told(long[0], "latency", "raw")
    assert told(short[1], "latency") == told(long[1], "latency")
    assert told(short[2], "latency") == told(long[2], "latency")
    assert short[1].latency is not None
    assert short[0].latency == short[1].latency == short[2].latency
    for part in ("method", "path", "body"):
        assert short[3][part] == long[3][part]
    # Models follow the order of a schema's fields.
    assert json.dumps(short[3]["body"].get("response_format")) == json.dumps(
        long[3]["body"].get("response_format")
    )


def headers_sent(server: FakeServer) -> dict[str, str]:
    names = ("Authorization", "Accept", "Content-Type", "Host", "OpenAI-Organization")
    names += ("OpenAI-Project", "x-mine", "api-key")
    given = {name.lower(): value for name, value in server.requests[-1]["headers"].items()}
    return {name.lower(): given[name.lower()] for name in names if name.lower() in given}


@pytest.mark.parametrize("kind", [LLM, SyncLLM])
def test_both_ways_send_the_same_headers(
    tmp_path: Path, server: FakeServer, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Key, organisation and project of the environment, and the call's own over them."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-123")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    own = {"x-mine": "1", "api-key": "sk-azure-456", "authorization": "Bearer other-789"}
    for extra in ({}, {"extra_headers": own}):
        sent = []
        for by_client in (False, True):
            live(tmp_path, server, kind, prompt="x", by_client=by_client, **extra)
            assert took_the_client(server) is by_client
            sent.append(headers_sent(server))
        assert sent[0] == sent[1]
    assert sent[0]["openai-organization"] == "org-1"
    assert sent[0]["openai-project"] == "proj-1"
    assert (sent[0]["authorization"], sent[0]["x-mine"]) == ("Bearer other-789", "1")


def test_secrets_of_a_call_are_learned(tmp_path: Path, server: FakeServer) -> None:
    """What the call's own headers and query bear is masked wherever it turns up."""
    extra = {"extra_headers": {"api-key": "hush-1234"}, "extra_query": {"key": "hush-5678"}}
    reply, *_ = live(tmp_path, server, SyncLLM, prompt="hush-1234 and hush-5678", **extra)
    assert not took_the_client(server)
    assert reply.text == "echo: hush-1234 and hush-5678"
    assert redaction.redact(reply.text) == "echo: [secret] and [secret]"
    assert b"hush" not in b"".join(
        path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize("kind", [LLM, SyncLLM])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("pretty", [False, True])
def test_the_kept_bytes_are_the_same(tmp_path: Path, kind: Any, packed: bool, pretty: bool) -> None:
    """Spaced, indented or packed: both ways keep what the server wrote."""
    with FakeServer(gzip=packed, pretty=pretty) as server:
        short = live(tmp_path / "a", server, kind, prompt="x")
        long = live(tmp_path / "b", server, kind, prompt="x", by_client=True)
    assert short[2].pieces == long[2].pieces


def test_many_calls_at_once_get_their_own_replies(tmp_path: Path) -> None:
    """Each tells the time of its own call, also where all ask and are answered the same."""

    async def many() -> list[Reply[Any]]:
        llm = LLM(ModelSpec(alias="m", model="fake", base_url=server.url))
        found = await asyncio.gather(*(llm("again") for _ in range(5)))
        await llm.aclose()
        return list(found)

    def serve(peer: Peer) -> None:
        peer.hears()
        time.sleep(0.02 * server.connections)
        peer.says(http())

    with RawServer(serve) as server, FakeSession(tmp_path, "live") as session:
        notebook = session.notebook()
        with recorder.active(notebook):
            replies = asyncio.run(many())
    assert [reply.text for reply in replies] == ["Hi."] * 5
    latencies = [reply.latency for reply in replies]
    assert len(set(latencies)) > 1
    assert sorted(latencies) == sorted(call.latency for call in notebook.calls)
    assert len({call.digest for call in notebook.calls}) == 5
