"""What the head of a prompt file may say, and its checks. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from pytest_ailoop.frozen import dataclass
from pytest_ailoop.prompts.place import Key, Place, shown
from pytest_ailoop.text import suggestion

__all__ = ["Head", "check_plain", "check_schema", "parameter", "read_head", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The checked head of a prompt."""

    model: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[Mapping[str, Any], ...] = ()
    output_schema: Mapping[str, Any] | None = None


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _texts(value: Any) -> bool:
    return _text(value) or (isinstance(value, list) and bool(value) and all(map(_text, value)))


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _choice(value: Any) -> bool:
    return _text(value) or _mapping(value)


Test = tuple[Callable[[Any], bool], str]
NUMBER: Test = (_number, "a number")
WHOLE: Test = (_whole, "a whole number")
TEXT: Test = (_text, "a text")
FLAG: Test = (_flag, "true or false")
MAPPING: Test = (_mapping, "a mapping")

# What chat completions take beside messages; anything else a server knows goes to extra_body.
PARAMETERS: Mapping[str, Test] = {
    "extra_body": MAPPING,
    "frequency_penalty": NUMBER,
    "logit_bias": MAPPING,
    "logprobs": FLAG,
    "max_completion_tokens": WHOLE,
    "max_tokens": WHOLE,
    "parallel_tool_calls": FLAG,
    "presence_penalty": NUMBER,
    "prompt_cache_key": TEXT,
    "reasoning_effort": TEXT,
    "response_format": MAPPING,
    "seed": WHOLE,
    "service_tier": TEXT,
    "stop": (_texts, "a text or a list of texts"),
    "temperature": NUMBER,
    "tool_choice": (_choice, "a text or a mapping"),
    "top_logprobs": WHOLE,
    "top_p": NUMBER,
    "verbosity": TEXT,
}
_OWN = ("description", "model", "output_schema", "tools")
_SERVER = ("min_p", "repetition_penalty", "top_k", "typical_p")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHORT_TOOL = ("description", "name", "parameters", "strict")


def read_head(data: Any, place: Place) -> Head:
    """Return the front matter *data* as a `Head`.

    Raises `PromptError` with line and key for unknown keys and values of the wrong kind.
    """
    if data is None:
        return Head()
    if not isinstance(data, dict):
        raise place.fault(f"the front matter must be `key: value` lines, got {shown(data)}")
    check_plain(data, place)
    parameters = {}
    for key, value in data.items():
        if key in PARAMETERS:
            parameters[key] = parameter(key, value, place, key)
        elif key not in _OWN:
            raise unknown(key, [*PARAMETERS, *_OWN], place, key)
    if "output_schema" in data and "response_format" in data:
        raise place.fault("give output_schema or response_format, not both", "response_format")
    return Head(
        model=_model(data, place),
        parameters=parameters,
        tools=_tools(data.get("tools", []), place),
        output_schema=check_schema(data.get("output_schema"), place, "output_schema")
        if "output_schema" in data
        else None,
    )


def parameter(name: str, value: Any, place: Place, *keys: Key) -> Any:
    """Return *value*, checked to be what the parameter *name* takes."""
    fits, words = PARAMETERS[name]
    if not fits(value):
        raise place.fault(f"{name} must be {words}, got {shown(value)}", *keys)
    return value


def unknown(key: Any, known: list[str], place: Place, *keys: Key) -> Exception:
    """Return the error for a key that nobody knows, with the nearest one that is."""
    if key in _SERVER:
        return place.fault(f"{key!r} is not known to every server; put it below extra_body", *keys)
    hint = suggestion(str(key), known)
    return place.fault(f"unknown key {key!r}{hint} (known: {', '.join(sorted(known))})", *keys)


def check_plain(value: Any, place: Place, *keys: Key) -> None:
    """Raise `PromptError` for what YAML reads but JSON cannot hold: dates, nan, keys like `1:`."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise place.fault(f"key {key!r} must be a text; put it in quotes", *keys)
            check_plain(item, place, *keys, key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_plain(item, place, *keys, index)
    elif isinstance(value, float) and not math.isfinite(value):
        raise place.fault(f"{_spelled(keys)} must be a finite number, got {value!r}", *keys)
    elif not isinstance(value, (str, int, float, bool, type(None))):
        kind = type(value).__name__
        raise place.fault(f"{_spelled(keys)} reads as a {kind}; put it in quotes", *keys)


def check_schema(value: Any, place: Place, *keys: Key) -> dict[str, Any]:
    """Return *value*, checked to be a JSON Schema's outer shape: a mapping that says something."""
    if not isinstance(value, dict) or not value:
        raise place.fault(f"{_spelled(keys)} must be a JSON Schema, got {shown(value)}", *keys)
    return value


def _model(data: Mapping[str, Any], place: Place) -> str | None:
    if "model" in data and not _text(data["model"]):
        raise place.fault(f"model must be a text, got {shown(data['model'])}", "model")
    return data.get("model")


def _tools(value: Any, place: Place) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list):
        raise place.fault(f"tools must be a list, got {shown(value)}", "tools")
    found: dict[str, Mapping[str, Any]] = {}
    for index, raw in enumerate(value):
        tool = _tool(raw, place, "tools", index)
        name = tool["function"]["name"]
        if name in found:
            raise place.fault(f"the tool {name!r} is given twice", "tools", index)
        found[name] = tool
    return tuple(found.values())


def _tool(raw: Any, place: Place, *keys: Key) -> Mapping[str, Any]:
    """Return the OpenAI form of a tool that is written in it or in the short form."""
    if not isinstance(raw, dict):
        raise place.fault(f"a tool must be a mapping, got {shown(raw)}", *keys)
    function: Any = raw
    if "function" in raw or "type" in raw:
        for key in raw.keys() - {"type", "function"}:
            raise unknown(key, ["type", "function"], place, *keys, key)
        if raw.get("type", "function") != "function":
            words = f"a tool's type must be 'function', got {shown(raw['type'])}"
            raise place.fault(words, *keys, "type")
        keys, function = (*keys, "function"), raw.get("function")
    return {"type": "function", "function": _function(function, place, *keys)}


def _function(raw: Any, place: Place, *keys: Key) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise place.fault(f"a tool's function must be a mapping, got {shown(raw)}", *keys)
    for key in raw:
        if key not in _SHORT_TOOL:
            raise unknown(key, list(_SHORT_TOOL), place, *keys, key)
    name = raw.get("name")
    if not isinstance(name, str) or _TOOL_NAME.fullmatch(name) is None:
        raise place.fault(
            f"a tool needs a name of letters, digits, '_' and '-', got {shown(name)}", *keys
        )
    tests = {"description": TEXT, "strict": FLAG, "parameters": MAPPING}
    for key, (fits, words) in tests.items():
        if key in raw and not fits(raw[key]):
            words = f"{key} of tool {name!r} must be {words}, got {shown(raw[key])}"
            raise place.fault(words, *keys, key)
    return raw


def _spelled(keys: tuple[Key, ...]) -> str:
    return ".".join(map(str, keys)) or "the value"
