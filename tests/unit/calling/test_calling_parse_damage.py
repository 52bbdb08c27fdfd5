"""Bytes that are no reply, cut or damaged: nothing raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ailoop.calling.parse import facts_of
from pytest_ailoop.calling.parse.body import events
from pytest_ailoop.data.call import Usage
from tests.unit.calling.bodies import (
    ANTHROPIC_REPLY,
    CHAT_USAGE,
    RESPONSES_REPLY,
    SSE,
    delta,
    stream,
)


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
