"""Replies of several APIs as they go over the wire."""

from __future__ import annotations

import json
from typing import Any

SSE = "text/event-stream"


CHAT_USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 7,
    "total_tokens": 27,
    "prompt_tokens_details": {"cached_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


def stream(*found: Any, done: bool = True) -> bytes:
    """Return the events as a server would send them."""
    rows = [f"data: {json.dumps(one)}\n\n" for one in found]
    return "".join(rows + (["data: [DONE]\n\n"] if done else [])).encode()


def delta(**found: Any) -> dict[str, Any]:
    return {"model": "m-1", "choices": [{"index": 0, "delta": found, "finish_reason": None}]}


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
