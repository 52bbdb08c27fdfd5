"""A JSON Schema in the form that `strict` asks for, as openai's own client makes it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
from typing import Any

from pytest_ailoop.errors import UsageError

__all__ = ["made_strict"]


def made_strict(schema: dict[str, Any], *, root: dict[str, Any]) -> dict[str, Any]:
    """Return *schema*, a part of *root*, changed in place.

    Objects are closed and require each property, an `allOf` of one is that one, a default of null
    goes, and a reference with words beside it gives way to what it refers to.
    """
    within = functools.partial(_strict_inside, schema, root)
    within("$defs")
    within("definitions")
    if schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
    if isinstance(schema.get("properties"), dict):
        schema["required"] = list(schema["properties"])
        within("properties")
    if isinstance(schema.get("items"), dict):
        made_strict(schema["items"], root=root)
    within("anyOf")
    within("allOf")
    if isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1:
        schema.update(schema["allOf"][0])
        del schema["allOf"]
    if "default" in schema and schema["default"] is None:
        del schema["default"]
    return _without_reference(schema, root) if "$ref" in schema and len(schema) > 1 else schema


def _strict_inside(schema: dict[str, Any], root: dict[str, Any], name: str) -> None:
    """Change the schemas that *schema* holds under *name*, in a list or by name."""
    held = schema.get(name)
    for one in held.values() if isinstance(held, dict) else held if isinstance(held, list) else ():
        if isinstance(one, dict):
            made_strict(one, root=root)


def _without_reference(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    path = str(schema.pop("$ref"))
    found: Any = root
    for name in path.removeprefix("#/").split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict) or not path.startswith("#/"):
        raise UsageError(f"the schema of output= or tools= refers to {path!r}, which is not in it")
    schema.update({**found, **schema})
    return made_strict(schema, root=root)
