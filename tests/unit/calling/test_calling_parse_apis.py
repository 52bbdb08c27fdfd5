"""What is read from the bytes of other APIs: responses, Anthropic, Gemini."""

from __future__ import annotations

import json

from pytest_ailoop.calling.parse import CallFacts, facts_of
from pytest_ailoop.data.call import Usage
from tests.unit.calling.bodies import ANTHROPIC_REPLY, RESPONSES_REPLY, SSE, stream

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
