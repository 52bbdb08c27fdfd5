"""The body of a prompt file, cut into its head and its messages before anything is rendered.

Roles are found in the source alone: a value that contains `system:` stays text. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_ailoop.frozen import dataclass
from pytest_ailoop.prompts.head import (
    PARAMETERS,
    Head,
    check_plain,
    check_schema,
    parameter,
    read_head,
    unknown,
)
from pytest_ailoop.prompts.place import Place, fault, shown
from pytest_ailoop.text import cut

__all__ = ["ROLES", "Message", "messages_in", "read_messages", "split_front"]

ROLES = ("assistant", "developer", "system", "tool", "user")
_ROLE = re.compile(rf"({'|'.join(ROLES)}):[ \t]*")
_FENCE = re.compile(r"---[ \t]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message as it is written: its role, and the source of its template."""

    role: str
    """One of `ROLES`; empty for what stands before the first role line."""
    source: str
    line: int
    """File line of the source's first line."""


def split_front(text: str, path: str) -> tuple[str | None, str, int]:
    """Return front matter (None where there is none), body, and the body's first line.

    Raises `PromptError` for front matter that does not end.
    """
    rows = text.split("\n")
    if _FENCE.fullmatch(rows[0]) is None:
        return None, text, 1
    for index, row in enumerate(rows[1:], 1):
        if _FENCE.fullmatch(row):
            return "\n".join(rows[1:index]), "\n".join(rows[index + 1 :]), index + 2
    raise fault(path, 1, "the front matter that begins here has no end; close it with a line `---`")


def messages_in(body: str, path: str, line: int) -> list[Message]:
    """Return the messages of *body*: what follows each role line, without blank lines around.

    Without any role line all of it is one user message. What stands before the first role line
    comes with an empty role. Raises `PromptError` for a role that is not in lower case, and for
    a message without text.
    """
    found = list(_cut_at_roles(body, path, line))
    if len(found) == 1:
        (only,) = found
        if not only.source:
            raise fault(path, line, "the prompt has no text")
        return [Message(role="user", source=only.source, line=only.line)]
    for one in found[1:]:
        if not one.source:
            raise fault(path, one.line - 1, f"the {one.role} message has no text")
    return found if found[0].source else found[1:]


def _cut_at_roles(body: str, path: str, line: int) -> Iterator[Message]:
    rows: list[str] = []
    role, start = "", line
    for number, row in enumerate(body.split("\n"), line):
        match = _ROLE.fullmatch(row)
        if match:
            yield _message(role, rows, start)
            role, start, rows = match[1], number + 1, []
            continue
        if _ROLE.fullmatch(row.lower()):
            word = row.strip()
            raise fault(
                path,
                number,
                f"a role line is written {word.lower()!r}, got {word!r}; if it is text, indent it",
            )
        rows.append(row)
    yield _message(role, rows, start)


def _message(role: str, rows: list[str], line: int) -> Message:
    blank = next((index for index, row in enumerate(rows) if row.strip()), 0)
    return Message(role=role, source="\n".join(rows[blank:]).rstrip(), line=line + blank)


_YAML_KEYS = (
    "description", "evaluators", "jsonSchema", "messages", "model", "modelParameters", "name",
    "output_schema", "responseFormat", "testData", "tools",
)  # fmt: skip


def read_messages(data: Any, place: Place) -> tuple[Head, list[Message]]:
    """Return head and messages of a `.prompt.yml` file.

    `name`, `description`, `testData` and `evaluators` are read past. Raises `PromptError` with
    the line for unknown keys, parameters, roles, and values of the wrong kind.
    """
    if not isinstance(data, dict) or not isinstance(data.get("messages"), list):
        raise place.fault("expected a list `messages:` of `role:` and `content:`", "messages")
    for key in data:
        if key not in _YAML_KEYS:
            raise unknown(key, list(_YAML_KEYS), place, str(key))
    ours = {key: data[key] for key in ("model", "output_schema", "tools") if key in data}
    head = read_head(ours, place)
    parameters, schema = _format(data, place)
    return (
        Head(
            model=head.model,
            parameters={**_parameters(data.get("modelParameters"), place), **parameters},
            tools=head.tools,
            output_schema=head.output_schema or schema,
        ),
        _listed(data["messages"], place),
    )


def _listed(raw: list[Any], place: Place) -> list[Message]:
    if not raw:
        raise place.fault("the prompt has no message", "messages")
    return [_listed_one(one, place, index) for index, one in enumerate(raw)]


def _listed_one(raw: Any, place: Place, index: int) -> Message:
    at = ("messages", index)
    if not isinstance(raw, dict):
        raise place.fault(f"a message has role and content, got {shown(raw)}", *at)
    for key in raw:
        if key not in ("content", "role"):
            raise unknown(key, ["content", "role"], place, *at, str(key))
    role, content = raw.get("role"), raw.get("content")
    if role not in ROLES:
        raise place.fault(f"role must be one of {', '.join(ROLES)}, got {shown(role)}", *at, "role")
    if not isinstance(content, str) or not content.strip():
        words = f"content must be a text, got {shown(content)}; quote what begins with {{{{"
        raise place.fault(words, *at, "content")
    return Message(role=role, source=content.rstrip(), line=place.line_of(*at, "content"))


def _parameters(raw: Any, place: Place) -> Mapping[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        words = f"modelParameters must be a mapping, got {shown(raw)}"
        raise place.fault(words, "modelParameters")
    check_plain(raw, place, "modelParameters")
    found = {}
    for key, value in raw.items():
        name = re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), key)
        at = ("modelParameters", key)
        if name not in PARAMETERS:
            raise unknown(key, [_camel(one) for one in PARAMETERS], place, *at)
        found[name] = parameter(name, value, place, *at)
    return found


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def _format(data: Mapping[str, Any], place: Place) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return parameters and schema of `responseFormat` with its `jsonSchema`, a JSON text."""
    kind = data.get("responseFormat", "text")
    if kind == "text":
        return {}, None
    if kind == "json_object":
        return {"response_format": {"type": "json_object"}}, None
    if kind != "json_schema":
        words = f"responseFormat must be text, json_object or json_schema, got {shown(kind)}"
        raise place.fault(words, "responseFormat")
    schema = data.get("jsonSchema")
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except (ValueError, RecursionError) as error:
            words = f"jsonSchema is not JSON: {cut(str(error), 120)}"
            raise place.fault(words, "jsonSchema") from None
    check_plain(schema, place, "jsonSchema")
    inner = schema.get("schema", schema) if isinstance(schema, dict) else schema
    return {}, check_schema(inner, place, "jsonSchema")
