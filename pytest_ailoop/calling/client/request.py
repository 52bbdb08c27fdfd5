"""From what a test asks for to the keyword arguments of `chat.completions.create`.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from pytest_ailoop.calling.client.schema import format_of_model, format_of_schema, tools_of
from pytest_ailoop.data.reply import Rendered
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import UsageError
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.text import cut, suggestion

__all__ = ["Asked", "PromptLike", "build"]

PromptLike: TypeAlias = str | Sequence[Mapping[str, Any]] | Rendered
"""A user message, a list of chat messages, or a rendered prompt."""

_RESERVED = {
    "messages": "give the messages as the first argument",
    "model": "the model is the variant's; name another one in the marker",
    "stream": "use `llm.stream(...)`",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request ready to be sent, and what to make of its reply."""

    body: dict[str, Any]
    """Keyword arguments of `chat.completions.create`."""
    output: Any = None
    """The pydantic model class that the reply is read into."""
    as_json: bool = False
    """Whether the reply is read as plain JSON."""


def build(
    spec: ModelSpec,
    prompt: PromptLike,
    *,
    defaults: Mapping[str, Any],
    call: Mapping[str, Any],
    tools: Sequence[Any] | None = None,
    output: Any = None,
    logprobs: bool | int | None = None,
    stream: bool = False,
) -> Asked:
    """Return the request. Later layers win: model, prompt file, variant (*defaults*), *call*.

    None in a later layer takes a parameter back out; `extra_body` is merged by key. Raises
    `UsageError` for what is no prompt, no tool, or no parameter of the API.
    """
    rendered = prompt if isinstance(prompt, Rendered) else Rendered(messages=())
    body = _merged((spec.parameters, rendered.parameters, defaults, _logprobs(logprobs), call))
    given = tools if tools is not None else rendered.tools
    if given:
        body["tools"] = tools_of(given)
    schema = None if output is not None else rendered.output_schema
    asked_format = _format(output, schema)
    if asked_format is not None:
        if "response_format" in call:
            raise UsageError("output= and response_format= say the same thing; give one of them")
        body["response_format"] = asked_format
    _set_stream(body, stream, call)
    body |= {"model": spec.model, "messages": _messages(prompt)}
    return Asked(body=body, output=output, as_json=schema is not None)


def _format(output: Any, schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if output is not None:
        return format_of_model(output)
    return None if schema is None else format_of_schema(schema)


def _set_stream(body: dict[str, Any], stream: bool, call: Mapping[str, Any]) -> None:
    """Ask for the tokens of a stream, which are left out otherwise, unless that was taken back."""
    if not stream:
        body.pop("stream_options", None)
        return
    body["stream"] = True
    if "stream_options" not in call:
        body.setdefault("stream_options", {"include_usage": True})


def _messages(prompt: Any) -> list[dict[str, Any]]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    found = prompt.messages if isinstance(prompt, Rendered) else prompt
    if not isinstance(found, Sequence) or not found:
        raise UsageError(
            "a prompt is a text, a list of messages or `prompt.render(...)`, "
            f"got {cut(repr(prompt), 80)}"
        )
    for position, message in enumerate(found):
        if not isinstance(message, Mapping) or "role" not in message:
            raise UsageError(
                f"message {position} of the prompt is no {{'role': ..., 'content': ...}}: "
                f"{cut(repr(message), 80)}"
            )
    return [dict(message) for message in found]


def _logprobs(wanted: bool | int | None) -> dict[str, Any]:
    """Return the parameters: True is the tokens taken alone, a number that many beside each."""
    if wanted is None or wanted is False:
        return {}
    if wanted is True:
        return {"logprobs": True}
    return {"logprobs": True, "top_logprobs": wanted}


def _merged(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            _check(name)
            if name == "extra_body" and value is not None:
                extra |= value
            else:
                merged[name] = value
    if extra:
        merged["extra_body"] = extra
    return {name: value for name, value in merged.items() if value is not None}


def _check(name: str) -> None:
    if name in _RESERVED:
        raise UsageError(f"parameter {name!r} cannot be set here: {_RESERVED[name]}")
    if name in _USUAL:
        return
    known = _parameters()
    if name not in known:
        raise UsageError(
            f"{name!r} is no parameter of chat completions{suggestion(name, sorted(known))} "
            "(what only your server knows goes into extra_body={...})"
        )


#: Known without the client: no call shall cost its import, half a second.
_USUAL = frozenset(
    {
        *("audio", "extra_body", "extra_headers", "extra_query", "frequency_penalty", "logit_bias"),
        *("logprobs", "max_completion_tokens", "max_tokens", "metadata", "modalities", "n"),
        *("parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key"),
        *("reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier"),
        *("stop", "store", "stream_options", "temperature", "timeout", "tool_choice", "tools"),
        *("top_logprobs", "top_p", "user", "verbosity", "web_search_options"),
    }
)


@functools.cache
def _parameters() -> frozenset[str]:
    """Return the names that the installed client takes."""
    from openai.resources.chat.completions import Completions

    return frozenset(inspect.signature(Completions.create).parameters) - {"self"}
