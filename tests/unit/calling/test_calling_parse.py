"""What is read from the bytes of chat completions and their kin."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_ailoop.calling.parse import CallFacts, facts_of
from pytest_ailoop.data.call import Usage
from tests.unit.calling.bodies import CHAT_USAGE, SSE, delta, stream

CHAT_REQUEST = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    ],
}


CHAT_PROMPT = (
    "system: Be brief.\nuser: What is this?\n[image]\n[input_audio]\n"
    'assistant: f({"x": 1})\ntool: 42'
)


CHAT_TOKENS = Usage(input_tokens=20, output_tokens=7, cached_input_tokens=5, reasoning_tokens=3)


def chat(path: str = "/v1/chat/completions", **message: Any) -> CallFacts:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    reply = {"model": "gpt-4o-mini-2024", "choices": [choice], "usage": CHAT_USAGE}
    return facts_of(path, json.dumps(CHAT_REQUEST).encode(), json.dumps(reply).encode())


def test_a_chat_reply_gives_all_its_facts() -> None:
    """Names, reason, tokens, the messages with their roles and the words are read."""
    assert chat(content="A cat.") == CallFacts(
        model_asked="gpt-4o-mini",
        model_answered="gpt-4o-mini-2024",
        finish_reason="stop",
        usage=CHAT_TOKENS,
        prompt_text=CHAT_PROMPT,
        reply_text="A cat.",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/chat/completions",
        "https://api.openai.com/v1/chat/completions",
        "/openai/deployments/x/chat/completions?api-version=2024-10-21",
        "/v1/chat/completions/",
        "/some/unknown/path",
    ],
)
def test_host_base_path_and_query_do_not_matter(path: str) -> None:
    """A path is told by its end; what is unknown is read as chat, the widest spoken form."""
    assert chat(path, content="A cat.").reply_text == "A cat."


def test_tool_calls_are_parsed_and_stand_as_lines_below_the_words() -> None:
    """Arguments are JSON values where they are JSON, the raw text where they are not."""
    calls = [
        {"id": "1", "function": {"name": "add", "arguments": '{"a": 1}'}},
        {"id": "2", "function": {"name": "say", "arguments": '{"a": '}},
        {"id": "3", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}},
    ]
    found = chat(content="Let me see.", tool_calls=calls)
    assert found.tool_calls == (
        {"name": "add", "arguments": {"a": 1}},
        {"name": "say", "arguments": '{"a": '},
        {"name": "sql", "arguments": "SELECT 1"},
    )
    assert found.reply_text == 'Let me see.\nadd({"a": 1})\nsay({"a": )\nsql(SELECT 1)'


def test_a_refusal_is_the_text_where_there_is_no_other() -> None:
    """A model that refuses has answered, and a reader must see it."""
    assert chat(content=None, refusal="I cannot.").reply_text == "I cannot."


def test_several_choices_stand_below_each_other() -> None:
    """With n=2 neither text is lost."""
    choices = [{"index": i, "message": {"content": text}} for i, text in enumerate("ab")]
    assert facts_of("/chat/completions", None, {"choices": choices}).reply_text == "a\nb"


def test_a_chat_stream_is_put_together() -> None:
    """Deltas, fragments of tool arguments, the reason and the last chunk's usage make one reply."""
    first = {"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a"'}}
    body = stream(
        delta(role="assistant", content=""),
        delta(content="Hel"),
        delta(content="lo"),
        delta(tool_calls=[first]),
        delta(
            tool_calls=[{"index": 1, "id": "c2", "function": {"name": "now", "arguments": "{}"}}]
        ),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
        {"choices": [], "usage": CHAT_USAGE},
    )
    assert CallFacts(
        model_answered="m-1",
        finish_reason="tool_calls",
        usage=CHAT_TOKENS,
        reply_text='Hello\nadd({"a": 1})\nnow({})',
        tool_calls=({"name": "add", "arguments": {"a": 1}}, {"name": "now", "arguments": {}}),
        stream=True,
    ) == facts_of("/chat/completions", None, body, SSE)


def test_tool_fragments_without_an_index_go_by_their_id() -> None:
    """Some servers leave the index out: an id opens a call, the rest belongs to the last one."""
    body = stream(
        delta(tool_calls=[{"id": "1", "function": {"name": "a", "arguments": "{"}}]),
        delta(tool_calls=[{"function": {"arguments": "}"}}]),
        delta(tool_calls=[{"id": "2", "function": {"name": "b", "arguments": "{}"}}]),
    )
    assert [call["name"] for call in facts_of("/chat/completions", None, body, SSE).tool_calls] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'data: {"choices":[{"delta":{"content":"ab"}}]}\n\n',
        b'\r\ndata:{"choices":[{"delta":{"content":"ab"}}]}\r\n\r\n',
        b': hi\n\nevent: x\nid: 1\ndata: {"choices":\ndata: [{"delta":{"content":"ab"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"ab"}}]}\n\ndata: {"choices":[{"de',
        b'data: {"choices":[{"delta":{"content":"ab"}}]}',
        b'data: 1\n\ndata: [DONE]\n\ndata: {"choices":[{"delta":{"content":"ab"}}]}\n\n',
    ],
    ids=["plain", "crlf", "comment-and-two-data-lines", "cut", "no-end", "foreign-events"],
)
@pytest.mark.parametrize("content_type", [SSE, ""])
def test_streams_are_read_as_the_standard_says(body: bytes, content_type: str) -> None:
    """Line ends, comments, several data lines and a cut end are read, header or not."""
    found = facts_of("/chat/completions", None, body, content_type)
    assert (found.stream, found.reply_text) == (True, "ab")


def test_json_under_the_header_of_a_stream_is_read_as_json() -> None:
    """A server that answers a streamed request with one object is understood."""
    body = b'{"choices":[{"message":{"content":"ab"}}]}'
    found = facts_of("/chat/completions", None, body, SSE)
    assert (found.stream, found.reply_text) == (False, "ab")


def test_what_was_parsed_already_is_not_parsed_again() -> None:
    """Objects for request and reply, and a list of events, give the same as their bytes."""
    chunks = [delta(content="a"), delta(content="b")]
    whole = facts_of("/chat/completions", CHAT_REQUEST, chunks)
    assert whole == facts_of(
        "/chat/completions", json.dumps(CHAT_REQUEST).encode(), stream(*chunks), SSE
    )
    assert whole.reply_text == "ab"


def test_legacy_completions_whole_and_streamed() -> None:
    """`/completions` has a text prompt and text choices."""
    request = {"model": "m", "prompt": ["One", "Two"]}
    pieces = [
        {"model": "m", "choices": [{"index": 0, "text": "a"}]},
        {"choices": [{"index": 0, "text": "b", "finish_reason": "length"}]},
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    ]
    whole = {
        "model": "m",
        "choices": [{"index": 0, "text": "ab", "finish_reason": "length"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    expected = CallFacts(
        model_asked="m",
        model_answered="m",
        finish_reason="length",
        usage=Usage(input_tokens=1, output_tokens=2),
        prompt_text="One\nTwo",
        reply_text="ab",
    )
    assert expected == facts_of("/v1/completions", request, whole)
    assert facts_of("/v1/completions", request, stream(*pieces), SSE).reply_text == "ab"
    assert facts_of("/completions", {"prompt": [1, 2]}, None).prompt_text == "[tokens]"


def test_embeddings_have_no_output_tokens() -> None:
    """Their output is known to be 0, so that they can be priced."""
    reply = {"model": "e", "data": [{"embedding": [0.1]}], "usage": {"prompt_tokens": 4}}
    assert CallFacts(
        model_asked="e",
        model_answered="e",
        usage=Usage(input_tokens=4, output_tokens=0),
        prompt_text="hello",
    ) == facts_of("/embeddings", {"model": "e", "input": "hello"}, reply)
