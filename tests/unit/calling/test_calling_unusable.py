"""What is kept as a reply, and what only looks like one by its status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_ailoop.calling.stored import pack
from pytest_ailoop.calling.unusable import why_unusable
from tests.fakes.openai_server import FakeServer
from tests.fakes.sessions import FakeSession

CHAT, SSE = "/chat/completions", "text/event-stream; charset=utf-8"
FINE: dict[str, Any] = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}}],
}

BODIES = [
    (CHAT, "", "the body is empty"),
    (CHAT, " \n", "the body is empty"),
    (CHAT, "<html>busy</html>", "the body is no JSON: <html>busy</html>"),
    (CHAT, json.dumps(FINE)[:40], "the body is no JSON: "),
    (CHAT, '{"error": {"message": "overloaded"}}', "the body is an error: "),
    (CHAT, "[1]", "the body holds no choices: [1]"),
    (CHAT, '{"choices": null}', "the body holds no choices: "),
    ("/deployments/x/chat/completions", '{"choices": []}', "the body holds no choices: "),
    (CHAT, json.dumps(FINE), ""),
    (CHAT, json.dumps(FINE | {"error": None}), ""),
    (CHAT, json.dumps(FINE | {"error": {"message": "a warning"}}), ""),
    (CHAT, "[" * 100_000, "the body is no JSON: "),
    ("/embeddings", '{"data": [{"embedding": [0.5]}]}', ""),
    ("/messages", '{"type": "error", "error": {"type": "overloaded_error"}}', "the body is an "),
    ("/responses", '{"status": "failed", "error": {"code": "x"}, "output": []}', "the body is an "),
    ("/responses", '{"status": "completed", "error": null, "output": [{}]}', ""),
    ("/models/gemini:streamGenerateContent", "[{}]", ""),
]


@pytest.mark.parametrize(("endpoint", "body", "expected"), BODIES)
def test_a_body_that_is_no_reply(endpoint: str, body: str, expected: str) -> None:
    """An error, a page of a gateway and half a reply are none; odd words of a model are."""
    found = why_unusable(endpoint, "application/json", body.encode())
    assert found.startswith(expected)
    assert bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("event", "bad"),
    [
        ('data: {"choices": [{"delta": {"content": "an \\"error\\""}}]}', False),
        ('data: {"error": {"message": "overloaded"}}', True),
        ('event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"}}', True),
        ('data: {"type": "response.failed", "response": {"error": {"code": "x"}}}', True),
        ('data: {"type": "response.created", "response": {"error": null}}', False),
        ('data: {"type": "error", "code": "x", "message": "overloaded"}', True),
        ("data: [DONE]", False),
    ],
)
def test_a_stream_that_tells_of_an_error(event: str, bad: bool) -> None:
    """An error event in a stream makes it no reply; the word in a text does not."""
    body = f'data: {{"choices": []}}\n\n{event}\n\n'.encode()
    assert bad == bool(why_unusable(CHAT, SSE, body))


def test_what_strict_json_does_not_know_is_kept_as_text() -> None:
    """A recording is strict JSON, whatever a server sends."""
    assert pack(b'{"a": NaN}', "application/json") == {"text": '{"a": NaN}'}


def ask(url: str) -> Any:
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    return httpx.post(f"{url}/chat/completions", json=asked).json()


def test_an_error_with_status_200_is_not_kept(tmp_path: Path) -> None:
    """The next call asks the server again, and its reply stands at the same address."""
    with FakeServer() as server, FakeSession(tmp_path) as session:
        server.fail_next(200)
        with session.item() as notebook:
            assert "error" in ask(server.url)
            (fault,) = notebook.all_faults
            assert "got no reply, and the application went on without it: the body is an error" in (
                str(fault)
            )
            assert "choices" in ask(server.url)
            assert notebook.all_faults == []
        with session.item() as notebook:
            assert "choices" in ask(server.url)
    assert server.calls == 2
    assert [call.origin for call in notebook.calls] == ["cache"]
