"""`/completions` (text in, text out) and `/embeddings` (text in, vectors out).

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from pytest_ailoop.calling.parse.chat import usage_of
from pytest_ailoop.calling.parse.shapes import Answer, Api, Object, as_text, count, items, obj

__all__ = ["COMPLETIONS", "EMBEDDINGS"]


def _prompt(request: Object) -> str:
    return _texts(request.get("prompt"))


def _input(request: Object) -> str:
    return _texts(request.get("input"))


def _texts(value: Any) -> str:
    """Return one text or several; a prompt given as token numbers has no text."""
    if isinstance(value, str):
        return value
    found = [one for one in items(value) if isinstance(one, str)]
    return "\n".join(found) if found else "[tokens]" if items(value) else ""


def _answer(reply: Object) -> Answer:
    choices = [obj(choice) for choice in items(reply.get("choices"))]
    return Answer(
        model=as_text(reply.get("model")),
        finish_reason=as_text(choices[0].get("finish_reason")) if choices else None,
        usage=usage_of(obj(reply.get("usage"))),
        text="\n".join(as_text(choice.get("text")) or "" for choice in choices),
    )


def _join(events: Iterable[Object]) -> Object:
    whole: dict[str, Any] = {}
    texts: dict[int, list[str]] = {}
    reason: str | None = None
    for event in events:
        for name in ("model", "usage"):
            if event.get(name):
                whole[name] = event[name]
        for choice in map(obj, items(event.get("choices"))):
            texts.setdefault(count(choice.get("index")) or 0, []).append(
                as_text(choice.get("text")) or ""
            )
            reason = as_text(choice.get("finish_reason")) or reason
    whole["choices"] = [
        {"text": "".join(texts[index]), "finish_reason": reason} for index in sorted(texts)
    ]
    return whole


def _vectors(reply: Object) -> Answer:
    """Return model and tokens; an embedding generates none, so its output is 0 and known."""
    usage = usage_of(obj(reply.get("usage")))
    if usage.input_tokens is not None and usage.output_tokens is None:
        usage = dataclasses.replace(usage, output_tokens=0)
    return Answer(model=as_text(reply.get("model")), usage=usage)


def _last(events: Iterable[Object]) -> Object:
    found = list(events)
    return found[-1] if found else {}


COMPLETIONS = Api(_prompt, _join, _answer)
EMBEDDINGS = Api(_input, _last, _vectors)
