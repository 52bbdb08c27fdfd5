"""Replies of `llm` that come piece by piece."""

from __future__ import annotations

import asyncio

import pytest

from pytest_ailoop.calling.client import LLM, SyncLLM, close_clients
from pytest_ailoop.data.call import Usage
from pytest_ailoop.data.reply import ToolCall
from pytest_ailoop.errors import ReplyError, UsageError
from tests.unit.calling.client.asking import Answer, Asking, Server


def test_a_stream_gives_deltas_and_then_the_reply(ask: Asking) -> None:
    """Text comes in pieces; tokens, reason and time to the first piece stand in the reply."""
    ask.server.streams({"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo"})
    deltas, reply = ask.stream(max_tokens=5)
    assert deltas == ["Hel", "lo"]
    asked = ask.server.asked[0]
    assert (asked["stream"], asked["stream_options"]) == (True, {"include_usage": True})
    assert (reply.text, reply.finish_reason, reply.model) == ("Hello", "stop", "m-2024")
    assert reply.usage == Usage(input_tokens=1_000_000, output_tokens=100_000)
    assert reply.first_token is not None
    assert reply.latency is not None
    assert 0 < reply.first_token <= reply.latency


def test_a_streams_options_can_be_taken_back(ask: Asking) -> None:
    """Some servers refuse `stream_options`."""
    ask.server.streams({"content": "a"})
    ask.stream(stream_options=None)
    assert "stream_options" not in ask.server.asked[0]


def test_a_stream_brings_tool_calls_and_output_too(ask: Asking) -> None:
    """What is not text is put together and stands in the reply."""
    part = {"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}}
    ask.server.streams(
        {"tool_calls": [part]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]},
        {"content": '{"city": "Bonn", "people": 1}'},
    )
    reply = ask.stream(output=Answer)[1]
    assert reply.tool_calls == (ToolCall(name="f", arguments={}, id="1"),)
    assert reply.parsed == Answer(city="Bonn", people=1)


def test_a_stream_without_an_end_is_an_error(ask: Asking) -> None:
    """A server that cuts a stream off without a word must not pass for a short answer."""
    ask.server.streams({"content": "Hel"}, reason=None)
    with pytest.raises(ReplyError, match=r"ended before the model said that it was done.*Hel"):
        ask.stream()


def test_the_reply_of_a_stream_is_known_at_its_end(server: Server) -> None:
    """Asking earlier says what to do; reading on after the end gives nothing."""
    server.streams({"content": "a"}, {"content": "b"})
    stream = Asking(SyncLLM, server).llm().stream("Hello")
    assert next(stream) == "a"
    with pytest.raises(UsageError, match="read it to the end"):
        _ = stream.reply
    assert list(stream) == ["b"]
    assert list(stream) == []
    assert stream.reply.text == "ab"


def test_a_stream_that_is_left_gives_its_connection_back(server: Server) -> None:
    """`close` and `aclose` may come at any time, also before the first read."""
    server.streams({"content": "a"}, {"content": "b"})
    stream = Asking(SyncLLM, server).llm().stream("Hello")
    stream.close()
    next(stream)
    stream.close()

    async def leave() -> str:
        found = Asking(LLM, server).llm().stream("Hello")
        await found.aclose()
        delta: str = await found.__anext__()
        await found.aclose()
        await close_clients()
        return delta

    assert asyncio.run(leave()) == "a"
