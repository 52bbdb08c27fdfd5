"""The facts that are read out of requests and replies of each API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ailoop.calling.parse import CallFacts, facts_of
from pytest_ailoop.calling.parse.body import events
from pytest_ailoop.data.call import Usage

SSE = "text/event-stream"

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
CHAT_USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 7,
    "total_tokens": 27,
    "prompt_tokens_details": {"cached_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
CHAT_TOKENS = Usage(input_tokens=20, output_tokens=7, cached_input_tokens=5, reasoning_tokens=3)


def stream(*found: Any, done: bool = True) -> bytes:
    """Return the events as a server would send them."""
    rows = [f"data: {json.dumps(one)}\n\n" for one in found]
    return "".join(rows + (["data: [DONE]\n\n"] if done else [])).encode()


def chat(path: str = "/v1/chat/completions", **message: Any) -> CallFacts:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    reply = {"model": "gpt-4o-mini-2024", "choices": [choice], "usage": CHAT_USAGE}
    return facts_of(path, json.dumps(CHAT_REQUEST).encode(), json.dumps(reply).encode())


def delta(**found: Any) -> dict[str, Any]:
    return {"model": "m-1", "choices": [{"index": 0, "delta": found, "finish_reason": None}]}


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


RESPONSES_REPLY = {
    "model": "gpt-5-mini-2025",
    "status": "completed",
    "output": [
        {"type": "reasoning", "summary": []},
        {"type": "message", "content": [{"type": "output_text", "text": "Hi."}]},
        {"type": "function_call", "call_id": "1", "name": "add", "arguments": '{"a": 1}'},
    ],
    "usage": {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 8,
        "output_tokens_details": {"reasoning_tokens": 6},
    },
}
RESPONSES_REQUEST = {
    "model": "gpt-5-mini",
    "instructions": "Be kind.",
    "input": [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "Hello"}, {"type": "input_image"}],
        },
        {"type": "function_call", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "7"},
        {"type": "reasoning", "id": "r"},
    ],
}
RESPONSES_FACTS = CallFacts(
    model_asked="gpt-5-mini",
    model_answered="gpt-5-mini-2025",
    finish_reason="completed",
    usage=Usage(input_tokens=9, output_tokens=8, cached_input_tokens=4, reasoning_tokens=6),
    prompt_text="system: Be kind.\nuser: Hello\n[image]\nassistant: f({})\ntool: 7\n[reasoning]",
    reply_text='Hi.\nadd({"a": 1})',
    tool_calls=({"name": "add", "arguments": {"a": 1}},),
)


def test_responses_whole_and_streamed() -> None:
    """`/responses` is read from its reply, and from the event that carries the whole of it."""
    assert facts_of("/v1/responses", RESPONSES_REQUEST, RESPONSES_REPLY) == RESPONSES_FACTS
    body = stream(
        {"type": "response.created", "response": {"model": "gpt-5-mini-2025", "output": []}},
        {"type": "response.output_text.delta", "delta": "Hi."},
        {"type": "response.completed", "response": RESPONSES_REPLY},
        done=False,
    )
    found = facts_of("/v1/responses", RESPONSES_REQUEST, body, SSE)
    assert (True, RESPONSES_FACTS.reply_text, RESPONSES_FACTS.usage) == (
        found.stream,
        found.reply_text,
        found.usage,
    )


def test_a_responses_stream_cut_short_keeps_what_came() -> None:
    """Without the closing event, finished items and running text are put together."""
    body = stream(
        {"type": "response.created", "response": {"model": "m", "output": []}},
        {"type": "response.output_text.delta", "delta": "Hi."},
        {"type": "response.output_item.done", "item": RESPONSES_REPLY["output"][1]},
        {"type": "response.output_text.delta", "delta": "The"},
        {"type": "response.output_item.done", "item": RESPONSES_REPLY["output"][2]},
        {"type": "response.output_text.delta", "delta": "re"},
        done=False,
    )
    found = facts_of("/responses", {"input": "Hello"}, body, SSE)
    assert (found.model_answered, found.reply_text) == ("m", 'Hi.\nThere\nadd({"a": 1})')
    assert found.prompt_text == "user: Hello"


def test_an_incomplete_response_says_why() -> None:
    """The reason stands before the bare status."""
    reply = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert facts_of("/responses", None, reply).finish_reason == "max_output_tokens"


ANTHROPIC_REPLY = {
    "model": "claude-sonnet-4-5",
    "content": [
        {"type": "text", "text": "Hi."},
        {"type": "tool_use", "id": "t", "name": "add", "input": {"a": 1}},
    ],
    "stop_reason": "tool_use",
    "usage": {
        "input_tokens": 10,
        "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 2,
        "output_tokens": 3,
    },
}
ANTHROPIC_USAGE = Usage(
    input_tokens=17, output_tokens=3, cached_input_tokens=5, cache_write_tokens=2
)


def test_anthropic_messages() -> None:
    """System, blocks and tool results are text; the cached share is counted into the input."""
    request = {
        "model": "claude",
        "system": [{"type": "text", "text": "Be kind."}],
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [{"type": "tool_use", "name": "f", "input": {}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "content": "7"}, {"type": "image"}],
            },
        ],
    }
    assert CallFacts(
        model_asked="claude",
        model_answered="claude-sonnet-4-5",
        finish_reason="tool_use",
        usage=ANTHROPIC_USAGE,
        prompt_text="system: Be kind.\nuser: Hello\nassistant: f({})\nuser: 7\n[image]",
        reply_text='Hi.\nadd({"a": 1})',
        tool_calls=({"name": "add", "arguments": {"a": 1}},),
    ) == facts_of("/v1/messages", request, ANTHROPIC_REPLY)


def test_an_anthropic_stream_is_put_together() -> None:
    """Text deltas, fragments of tool input and both usage events make one message."""
    usage = {**ANTHROPIC_REPLY["usage"], "output_tokens": 1}  # type: ignore[dict-item]
    tool = {"type": "tool_use", "id": "t", "name": "add", "input": {}}
    body = stream(
        {"type": "message_start", "message": {"model": "c", "content": [], "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi."}},
        {"type": "content_block_start", "index": 1, "content_block": tool},
        {"type": "content_block_delta", "index": 1, "delta": {"partial_json": '{"a"'}},
        {"type": "content_block_delta", "index": 1, "delta": {"partial_json": ": 1}"}},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use"},
            "usage": {"output_tokens": 3},
        },
        {"type": "message_stop"},
        done=False,
    )
    assert CallFacts(
        model_answered="c",
        finish_reason="tool_use",
        usage=ANTHROPIC_USAGE,
        reply_text='Hi.\nadd({"a": 1})',
        tool_calls=({"name": "add", "arguments": {"a": 1}},),
        stream=True,
    ) == facts_of("/messages", None, body, SSE)


def test_gemini_whole_and_streamed() -> None:
    """The model stands in the path; thoughts are no words but count as output."""
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    request = {
        "systemInstruction": {"parts": [{"text": "Be kind."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hi"}, {"inlineData": {"mimeType": "image/png"}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"x": 1}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"r": 2}}}]},
        ],
    }
    parts = [
        {"text": "hm", "thought": True},
        {"text": "Yes."},
        {"functionCall": {"name": "g", "args": {"y": 2}}},
    ]
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 4}
    reply = {
        "modelVersion": "gemini-2.5-flash-001",
        "candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": usage,
    }
    whole = facts_of(path, request, reply)
    assert (
        CallFacts(
            model_asked="gemini-2.5-flash",
            model_answered="gemini-2.5-flash-001",
            finish_reason="STOP",
            usage=Usage(input_tokens=5, output_tokens=6, reasoning_tokens=4),
            prompt_text='system: Be kind.\nuser: Hi\n[image]\nmodel: f({"x": 1})\nuser: {"r": 2}',
            reply_text='Yes.\ng({"y": 2})',
            tool_calls=({"name": "g", "arguments": {"y": 2}},),
        )
        == whole
    )
    pieces = [{"candidates": [{"content": {"parts": [part]}}]} for part in parts]
    assert whole.reply_text == facts_of(path, request, json.dumps(pieces).encode()).reply_text


@pytest.mark.parametrize(
    "body", [b"", b"<html>502</html>", b"null", b"[]", b'{"cut": ', b"\xff\xfe"]
)
def test_a_reply_that_is_no_reply_has_no_facts(body: bytes) -> None:
    """A page of a proxy, an empty or a cut body: all unknown, nothing raised."""
    found = facts_of("/chat/completions", body, body)
    assert (None, None, Usage(), "", ()) == (
        found.model_asked,
        found.model_answered,
        found.usage,
        found.reply_text,
        found.tool_calls,
    )


@pytest.mark.parametrize("tokens", [-1, True, 1.5, "7", None, {}, 10**400])
def test_a_count_that_is_no_count_is_unknown(tokens: Any) -> None:
    """Odd numbers of tokens are never taken for 0; only a huge integer is still an integer."""
    found = facts_of("/chat/completions", None, {"usage": {"prompt_tokens": tokens}})
    assert (tokens if tokens == 10**400 else None) == found.usage.input_tokens


PATHS = [
    "/chat/completions",
    "/completions",
    "/responses",
    "/embeddings",
    "/messages",
    "/models/m:generateContent",
    "",
]
WORDS = sorted(
    {
        "type",
        "role",
        "content",
        "text",
        "input",
        "output",
        "message",
        "messages",
        "choices",
        "delta",
    }
    | {"tool_calls", "function", "name", "arguments", "index", "id", "usage", "model", "prompt"}
    | {"message_start", "content_block_delta", "content_block_start", "message_delta", "refusal"}
    | {"content_block", "partial_json", "response", "item", "response.output_item.done", "parts"}
    | {"response.output_text.delta", "function_call", "tool_use", "tool_result", "system"}
    | {"candidates", "contents", "functionCall", "functionResponse", "inlineData", "mimeType"}
    | {"usageMetadata", "prompt_tokens", "prompt_tokens_details", "logprobs", "instructions"}
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATHS), JSON, JSON, st.lists(JSON, max_size=4))
def test_any_json_is_read_without_raising(
    path: str, asked: Any, told: Any, more: list[Any]
) -> None:
    """Whatever JSON comes, whole or in events, the texts are strings."""
    for reply in (told, more, stream(*more)):
        found = facts_of(path, asked, reply)
        assert isinstance(found.prompt_text + found.reply_text, str)
        assert isinstance(found.model_asked, (str, type(None)))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PATHS), st.integers(0, 600), st.binary(max_size=8), st.booleans())
def test_cut_and_damaged_bytes_are_read_without_raising(
    path: str, end: int, junk: bytes, streamed: bool
) -> None:
    """A body cut anywhere, with junk behind it, gives facts and no fault."""
    whole = stream(delta(content="héllo"), RESPONSES_REPLY, ANTHROPIC_REPLY)
    body = (whole if streamed else json.dumps(RESPONSES_REPLY).encode())[:end] + junk
    assert isinstance(facts_of(path, body, body, SSE if streamed else "").reply_text, str)


@pytest.mark.parametrize("path", PATHS)
def test_deep_nesting_is_read_without_raising(path: str) -> None:
    """A thousand and a hundred thousand levels are unknown, not a recursion fault."""
    for depth in (900, 100_000):
        body = b'{"a":' * depth + b"1" + b"}" * depth
        parts = b'{"content":[{"type":"tool_use","name":"f","input":' + body + b"}]}"
        assert isinstance(facts_of(path, body, parts).reply_text, str)


@given(st.lists(st.dictionaries(st.text(), st.text(), max_size=3), max_size=5))
def test_events_come_back_as_they_were_sent(sent: list[dict[str, str]]) -> None:
    """Reading is the inverse of sending, for any text."""
    assert sent == list(events(stream(*sent)))


@pytest.mark.parametrize(
    ("path", "flavor", "provider", "reply"),
    [
        (
            "/chat/completions",
            "chat",
            "openai",
            {"model": "gpt-4o", "choices": [], "usage": CHAT_USAGE},
        ),
        ("/responses", "responses", "openai", {**RESPONSES_REPLY, "model": "gpt-5-mini"}),
        ("/messages", "default", "anthropic", ANTHROPIC_REPLY),
    ],
)
def test_tokens_agree_with_an_independent_reader(
    path: str, flavor: str, provider: str, reply: dict[str, Any]
) -> None:
    """genai-prices' own extractors find the same numbers of tokens."""
    import genai_prices

    theirs = genai_prices.extract_usage(reply, provider_id=provider, api_flavor=flavor).usage
    ours = facts_of(path, None, reply).usage
    assert (theirs.input_tokens, theirs.output_tokens, theirs.cache_read_tokens) == (
        ours.input_tokens,
        ours.output_tokens,
        ours.cached_input_tokens,
    )
