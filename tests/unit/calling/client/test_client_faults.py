"""What `llm` says where no usable reply came."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pytest_ailoop.calling.client import LLM, SyncLLM
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import ReplyError
from tests.unit.calling.client.asking import KEY, Asking, Server


def fails(ask: Asking, **how: Any) -> str:
    with pytest.raises(ReplyError) as caught:
        ask(**how)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (400, "refuses this request"),
        (401, "environment variable CANARY_KEY; check it"),
        (403, "environment variable CANARY_KEY; check it"),
        (404, "model named 'm', and is base_url right?"),
        (422, "refuses this request"),
        (429, "rate or quota is used up"),
        (500, "the fault is the server's"),
        (503, "the fault is the server's"),
    ],
)
def test_a_status_is_named_with_the_next_step(ask: Asking, status: int, step: str) -> None:
    """Model, address, status, the server's words, what to do; the key is masked where it echoes."""
    ask.server.gives({"error": {"message": f"bad {KEY}\x1b[31m\nx", "type": "t"}}, status)
    found = fails(ask)
    first, second = found.split("\n")
    url = ask.server.url
    assert first == f"model 'mini' (m) at {url}: HTTP {status}: bad [secret]\\x1b[31m x"
    assert step in second
    assert KEY not in found


def test_a_stream_refused_from_the_start_is_named_alike(ask: Asking) -> None:
    """Streams and whole replies fail in the same words."""
    ask.server.gives({"error": {"message": "busy"}}, 429)
    with pytest.raises(ReplyError, match="HTTP 429: busy"):
        ask.stream()


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("application/json", b'{"error": {"message": "no credit"}}', "no choices; got .*no credit"),
        ("application/json", b'{"choices": []}', "no choices"),
        ("application/json", b'{"choices": null}', "no choices"),
        ("application/json", b'{"choices": [{"index": 0}]}', "no choices"),
        ("application/json", b'{"choi', "could not be read|Unterminated|delimiter"),
        ("application/json", b"", "could not be read|Expecting value"),
        ("text/html", b"<html>Sign in</html>", "no choices; got <html>Sign in"),
    ],
)
def test_an_answer_that_is_no_reply_is_an_error(
    ask: Asking, content_type: str, body: bytes, words: str
) -> None:
    """A page of a proxy, an error under status 200, a cut body: never an empty reply."""
    ask.server.content_type, ask.server.body = content_type, body
    with pytest.raises(ReplyError, match=words):
        ask()


def test_a_server_that_is_not_there_is_named(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Password and query of the address are not shown."""
    monkeypatch.setitem(_connection_options(), "max_retries", 0)
    found = fails(ask, spec={"base_url": "http://me:hush-hush@127.0.0.1:9/v1?x=1"})
    assert "at http://127.0.0.1:9/v1: no connection (" in found
    assert "is the server running" in found
    assert "hush" not in found


def test_a_server_that_hangs_is_named(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """A time-out says how to wait longer."""

    def slow(asked: dict[str, Any]) -> bytes:
        time.sleep(0.3)
        return b"{}"

    ask.server.body = slow
    monkeypatch.setitem(_connection_options(), "max_retries", 0)
    assert "no answer in time" in fails(ask, timeout=0.05)


def _connection_options() -> dict[str, Any]:
    from pytest_ailoop.calling.client import connections

    return connections.OPTIONS


@pytest.mark.parametrize("kind", [LLM, SyncLLM])
@pytest.mark.parametrize("name", [None, "MY_KEY"])
def test_a_missing_key_names_its_variable(
    kind: Any, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable of the configuration, else the client's own; replay is offered."""
    for one in ("MY_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(one, raising=False)
    llm = kind(ModelSpec(alias="mini", model="m", api_key_env=name))
    expected = f"{name or 'OPENAI_API_KEY'} is not set; .*--ailoop-replies=replay"
    with pytest.raises(ReplyError, match=expected):
        _ = llm.client


def test_no_key_is_needed_in_replay_and_on_this_machine(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded replies need none, nor does a local server that was given none."""
    far = ModelSpec(alias="a", model="m", base_url="https://llm.example.org/v1")
    here = ModelSpec(alias="a", model="m", base_url=server.url)
    assert SyncLLM(far, allow_no_key=True).client.api_key == "no-key-needed"
    assert SyncLLM(here)("Hello").text == "Hi."
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert SyncLLM(far).client.api_key == KEY
