"""Models as strict schemas: what openai's own conversion makes, without its import."""

from __future__ import annotations

import datetime
import enum
import json
import subprocess
import sys
from typing import Annotated, Any, Literal

import openai
import pytest
from openai.lib._pydantic import _ensure_strict_json_schema
from pydantic import BaseModel, Field

from pytest_ailoop.calling.client.schema import tools_of
from pytest_ailoop.calling.client.strict import made_strict
from pytest_ailoop.errors import UsageError


class Colour(enum.Enum):
    """A colour."""

    red = "red"
    blue = "blue"


class Leaf(BaseModel):
    kind: Literal["leaf"]
    size: int | None = None


class Branch(BaseModel):
    """Something with leaves."""

    kind: Literal["branch"] = "branch"
    colour: Colour = Field(default=Colour.red, description="seen from below")
    leaves: list[Leaf]
    under: Branch | None = None
    first: Leaf = Field(description="the first one", default=None)  # type: ignore[assignment]


class Tree(BaseModel):
    model_config = {"title": "A tree", "extra": "forbid"}

    nodes: list[Annotated[Leaf | Branch, Field(discriminator="kind")]] = Field(min_length=1)
    planted: datetime.date = Field(examples=["2024-01-01"])
    names: dict[str, int]
    pair: tuple[int, str]
    either: int | str | list[float]
    near: Branch


class Free(BaseModel):
    model_config = {"extra": "allow"}

    anything: Any
    nothing: None = None


class Empty(BaseModel):
    pass


@pytest.mark.parametrize("model", [Leaf, Branch, Tree, Free, Empty])
def test_a_model_becomes_what_openai_makes_of_it(model: type[BaseModel]) -> None:
    """The same words in the same order: models follow the order of the fields."""
    (made,) = tools_of([model])
    assert json.dumps(openai.pydantic_function_tool(model)) == json.dumps(made)


SCHEMAS: list[dict[str, Any]] = [
    {"allOf": [{"type": "object", "properties": {"a": {"default": None}}}], "title": "x"},
    {"allOf": [{"type": "object"}, {"properties": {"a": {"items": {"type": "object"}}}}]},
    {"type": "object", "properties": {}, "additionalProperties": True, "required": ["b"]},
    {"definitions": {"A": {"type": "object"}}, "$ref": "#/definitions/A", "description": "d"},
    {"$ref": "#/$defs/A", "$defs": {"A": {"anyOf": [{"type": "object"}, {"type": "null"}]}}},
    {"items": [{"type": "object"}], "default": None},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_other_schemas_too(schema: dict[str, Any]) -> None:
    """Forms that pydantic does not make by itself, but lets its users write."""
    expected, made = json.loads(json.dumps(schema)), json.loads(json.dumps(schema))
    expected = _ensure_strict_json_schema(expected, path=(), root=expected)
    assert json.dumps(expected) == json.dumps(made_strict(made, root=made))


def test_a_reference_to_nothing_is_a_usage_error() -> None:
    """It is the user's schema that is at fault."""
    schema = {"$ref": "#/$defs/Gone", "description": "d"}
    with pytest.raises(UsageError, match="'#/\\$defs/Gone', which is not in it"):
        made_strict(schema, root=schema)


def test_output_and_tools_import_no_client() -> None:
    """pydantic is the user's own import; openai, half a second, is not needed."""
    script = """
import sys
from pydantic import BaseModel
from pytest_ailoop.calling.client.schema import format_of_model, tools_of

class A(BaseModel):
    b: int

def find(what: str) -> str: ...

format_of_model(A), tools_of([A, find])
print("openai" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
