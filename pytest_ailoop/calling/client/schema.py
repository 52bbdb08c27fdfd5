"""Python types as JSON Schema for the server: what `output=` and `tools=` take.

Models become what openai's own conversion makes of them, so that its servers accept the result as
`strict`; without the import of openai. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_type_hints

from pytest_ailoop.calling.client.strict import made_strict
from pytest_ailoop.errors import UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["format_of_model", "format_of_schema", "tools_of"]


def format_of_model(output: Any) -> dict[str, Any]:
    """Return the `response_format` that asks for *output*, a pydantic model class."""
    if not _is_model(output):
        raise UsageError(f"output= takes a pydantic model class, got {output!r}")
    return _format(output.__name__, dict(_tool_of_model(output)["function"]["parameters"]), True)


def format_of_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `response_format` that asks for a JSON Schema of the user's.

    `strict` where the schema fulfils what strictness asks; servers refuse it elsewhere.
    """
    return _format(str(schema.get("title") or "output"), dict(schema), _is_strict(schema))


def _format(name: str, schema: dict[str, Any], strict: bool) -> dict[str, Any]:
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:64] or "output"
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "strict": strict, "schema": schema},
    }


def _is_strict(schema: Any) -> bool:
    """Return whether each object in *schema* is closed and requires all of its properties."""
    if isinstance(schema, (list, tuple)):
        return all(map(_is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, Mapping):
        required = schema.get("required")
        if schema.get("additionalProperties") is not False or not isinstance(required, list):
            return False
        if set(required) != set(properties or ()):
            return False
    return all(map(_is_strict, schema.values()))


def tools_of(tools: Sequence[Any]) -> list[dict[str, Any]]:
    """Return OpenAI function tools: those given as they are, models and callables converted."""
    if isinstance(tools, (str, Mapping)) or not isinstance(tools, Sequence):
        raise UsageError(f"tools= takes a list of tools, got {tools!r}")
    return [_tool(tool) for tool in tools]


def _tool(tool: Any) -> dict[str, Any]:
    if isinstance(tool, Mapping):
        return dict(tool)
    if _is_model(tool):
        return _tool_of_model(tool)
    if callable(tool):
        return _tool_of_callable(tool)
    raise UsageError(
        f"a tool is an OpenAI tool dict, a pydantic model class or a function, got {tool!r}"
    )


def _is_model(candidate: Any) -> bool:
    from pydantic import BaseModel

    return inspect.isclass(candidate) and issubclass(candidate, BaseModel)


@functools.lru_cache(maxsize=256)
def _tool_of_model(
    model: type[BaseModel], name: str | None = None, description: str | None = None
) -> dict[str, Any]:
    schema = model.model_json_schema()
    function = {
        "name": name or model.__name__,
        "strict": True,
        "parameters": made_strict(schema, root=schema),
    }
    # Not what it inherits: that would be pydantic's.
    told = model.__doc__ if description is None else description
    if told is not None:
        function["description"] = told
    return {"type": "function", "function": function}


@functools.lru_cache(maxsize=256)
def _tool_of_callable(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the tool of a function: its name, its docstring and its annotated parameters."""
    from pydantic import create_model

    name = getattr(function, "__name__", type(function).__name__)
    if not name.isidentifier():
        raise UsageError(f"a tool needs a name; {function!r} has none, write a def")
    fields: dict[str, Any] = {
        f"field{position}": field for position, field in enumerate(_fields(name, function))
    }
    return _tool_of_model(create_model(name, **fields), name, inspect.getdoc(function))


def _fields(name: str, function: Callable[..., Any]) -> Iterator[tuple[Any, Any]]:
    """Yield type and default of each parameter, aliased: `json` or `_x` can name no field."""
    from pydantic import Field

    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise UsageError(f"tool {name!r}: an annotation cannot be read: {error}") from None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise UsageError(
                f"tool {name!r} takes {str(parameter)!r}; a model can only fill named parameters"
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        yield hints.get(parameter.name, Any), Field(default, alias=parameter.name)
