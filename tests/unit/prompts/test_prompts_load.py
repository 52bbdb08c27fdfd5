"""What a prompt file says, read whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.digest import digest_text
from pytest_ailoop.prompts.load import Prompt, load_prompt
from tests.unit.prompts.files import load


def messages(prompt: Prompt, **values: Any) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in prompt.render(**values).messages]


FULL = """---
description: what this is for
model: mini
temperature: 0.2
max_tokens: 200
stop: ["END", "STOP"]
seed: 7
extra_body: {top_k: 3}
tools:
  - name: look_up
    description: Finds an order
    parameters: {type: object, properties: {id: {type: string}}}
  - type: function
    function: {name: refund}
output_schema:
  type: object
  properties: {answer: {type: string}}
---

{# a comment may stand here #}
system:
Be terse.

  indented

user:
Example: {{ example }}
assistant:
Sure.
user:
{{ question }}

"""


def test_a_full_file_is_read_whole(tmp_path: Path) -> None:
    """Front matter, tools in both forms, schema and role lines all arrive."""
    prompt = load(tmp_path, FULL)
    assert (prompt.name, prompt.path, prompt.model) == ("p", "p.prompt.md", "mini")
    assert prompt.parameters == {
        "temperature": 0.2,
        "max_tokens": 200,
        "stop": ["END", "STOP"],
        "seed": 7,
        "extra_body": {"top_k": 3},
    }
    assert prompt.tools == (
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": "Finds an order",
                "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
            },
        },
        {"type": "function", "function": {"name": "refund"}},
    )
    assert prompt.output_schema == {
        "type": "object",
        "properties": {"answer": {"type": "string"}},
    }
    assert prompt.variables == prompt.required == {"example", "question"}
    assert messages(prompt, example="1", question="2") == [
        ("system", "Be terse.\n\n  indented"),
        ("user", "Example: 1"),
        ("assistant", "Sure."),
        ("user", "2"),
    ]


def test_rendered_carries_what_the_file_says(tmp_path: Path) -> None:
    """A rendered prompt bears the file's name, digest, parameters, tools and schema."""
    prompt = load(tmp_path, FULL)
    rendered = prompt.render(example="", question="")
    assert (rendered.name, rendered.digest) == ("p", digest_text(FULL))
    assert rendered.parameters == prompt.parameters
    assert rendered.tools == prompt.tools
    assert rendered.output_schema == prompt.output_schema


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Hello", [("user", "Hello")]),
        ("\n\nHello\nyou\n\n", [("user", "Hello\nyou")]),
        ("system:\na\nuser:\nb", [("system", "a"), ("user", "b")]),
        ("developer: \t\na\ntool:\nb", [("developer", "a"), ("tool", "b")]),
        ("user:\n\n\na\n\n", [("user", "a")]),
        ("user:\nsystem: be nice\n user:\n", [("user", "system: be nice\n user:")]),
        ("---\n---\nuser:\na", [("user", "a")]),
        ("---\n# only a comment\n---\na", [("user", "a")]),
        ("a\n---\nb", [("user", "a\n---\nb")]),
        ("user:\r\na\r\nb\r\n", [("user", "a\nb")]),
        ("{# note #}\n\nuser:\na", [("user", "a")]),
        ("{% raw %}{{ x }}{% endraw %}", [("user", "{{ x }}")]),
        ("{% for i in range(3) %}{{ i }};{% endfor %}", [("user", "0;1;2;")]),
    ],
)
def test_roles(tmp_path: Path, body: str, expected: list[tuple[str, str]]) -> None:
    """Role lines cut the body into messages; without one it is a single user message."""
    assert expected == messages(load(tmp_path, body))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("terse.prompt.md", "terse"),
        ("terse.prompt.txt", "terse"),
        ("terse.prompt.jinja", "terse"),
        ("terse.prompt.md.jinja", "terse"),
        ("terse.md.j2", "terse"),
        ("terse.md", "terse"),
        ("terse.txt", "terse"),
        ("terse.jinja", "terse"),
        ("v1.2.prompt.md", "v1.2"),
        ("TERSE.PROMPT.MD", "TERSE"),
    ],
)
def test_suffixes(tmp_path: Path, file: str, name: str) -> None:
    """Each documented suffix is read, and the prompt's name is the file's without it."""
    assert load(tmp_path, "a", file).name == name


def test_paths_are_relative_to_test_module_and_root(tmp_path: Path) -> None:
    """A prompt is looked for from the test module's folder and named from the root."""
    folder = tmp_path / "evals" / "prompts"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("x")
    expected = "evals/prompts/a.md"
    for path in (
        "prompts/a.md",
        "./prompts/../prompts/a.md",
        Path("prompts/a.md"),
        folder / "a.md",
    ):
        assert load_prompt(path, base=tmp_path / "evals", root=tmp_path).path == expected


def test_the_digest_ignores_line_ends_only(tmp_path: Path) -> None:
    """CRLF and LF are the same prompt; any other byte makes another."""
    unix, windows, other = (load(tmp_path, text) for text in ("a\nb\n", "a\r\nb\r\n", "a\nb"))
    assert unix.digest == windows.digest == digest_text("a\nb\n")
    assert unix.digest != other.digest


YAML = """name: Sorter
description: sorts
model: openai/gpt-4.1
modelParameters: {maxTokens: 5, temperature: 0, topP: 0.5, max_completion_tokens: 3}
messages:
  - role: system
    content: |
      Sort it.

      {{ hint }}
  - {role: user, content: "{{message}}"}
testData: [{message: 2024-01-01, expected: x}]
evaluators: [{name: a, string: {contains: x}}]
"""


@pytest.mark.parametrize("name", ["p.prompt.yml", "p.prompt.yaml"])
def test_a_message_list_is_read(tmp_path: Path, name: str) -> None:
    """A `.prompt.yml` file gives messages and parameters in our spelling; test data is left."""
    prompt = load(tmp_path, YAML, name)
    assert (prompt.name, prompt.model) == ("p", "openai/gpt-4.1")
    assert prompt.parameters == {
        "max_tokens": 5,
        "temperature": 0,
        "top_p": 0.5,
        "max_completion_tokens": 3,
    }
    assert prompt.text == "system:\nSort it.\n\n{{ hint }}\n\nuser:\n{{message}}"
    expected = [("system", "Sort it.\n\nh"), ("user", "m")]
    assert expected == messages(prompt, hint="h", message="m")


@pytest.mark.parametrize(
    ("lines", "parameters", "schema"),
    [
        ("responseFormat: text", {}, None),
        ("responseFormat: json_object", {"response_format": {"type": "json_object"}}, None),
        (
            "responseFormat: json_schema\n"
            'jsonSchema: \'{"name": "a", "schema": {"type": "object"}}\'',
            {},
            {"type": "object"},
        ),
        ("responseFormat: json_schema\njsonSchema: {type: object}", {}, {"type": "object"}),
        ("output_schema: {type: object}", {}, {"type": "object"}),
    ],
)
def test_response_formats_of_message_lists(
    tmp_path: Path, lines: str, parameters: Any, schema: Any
) -> None:
    """A JSON Schema in a message list becomes the output schema; JSON mode a parameter."""
    prompt = load(tmp_path, f"{lines}\nmessages: [{{role: user, content: a}}]", "p.prompt.yml")
    assert (prompt.parameters, prompt.output_schema) == (parameters, schema)
