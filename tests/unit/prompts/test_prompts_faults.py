"""Prompt files that are refused, and with which words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ailoop.errors import PromptError
from pytest_ailoop.prompts.body import messages_in
from pytest_ailoop.prompts.load import load_prompt
from tests.unit.prompts.files import load


def refusal(tmp_path: Path, text: str | bytes, name: str = "p.prompt.md") -> str:
    with pytest.raises(PromptError) as caught:
        load(tmp_path, text, name)
    return str(caught.value)


KNOWN = (
    "description, extra_body, frequency_penalty, logit_bias, logprobs, max_completion_tokens, "
    "max_tokens, model, output_schema, parallel_tool_calls, presence_penalty, prompt_cache_key, "
    "reasoning_effort, response_format, seed, service_tier, stop, temperature, tool_choice, tools, "
    "top_logprobs, top_p, verbosity"
)


@pytest.mark.parametrize(
    ("front", "message"),
    [
        (
            "seed: 1\ntemprature: 0",
            f"3: unknown key 'temprature'; did you mean 'temperature'? (known: {KNOWN})",
        ),
        ("top_k: 3", "2: 'top_k' is not known to every server; put it below extra_body"),
        ("temperature: hot", "2: temperature must be a number, got 'hot'"),
        ("temperature: true", "2: temperature must be a number, got True"),
        ("temperature:", "2: temperature must be a number, got nothing"),
        ("temperature: .nan", "2: temperature must be a finite number, got nan"),
        ("max_tokens: 1.5", "2: max_tokens must be a whole number, got 1.5"),
        ("logprobs: 1", "2: logprobs must be true or false, got 1"),
        ("stop: []", "2: stop must be a text or a list of texts, got []"),
        ("tool_choice: 1", "2: tool_choice must be a text or a mapping, got 1"),
        ("model: [a]", "2: model must be a text, got ['a']"),
        ("- a", "2: the front matter must be `key: value` lines, got ['a']"),
        ("just words", "2: the front matter must be `key: value` lines, got 'just words'"),
        ("extra_body:\n  a: 1\n  b: 2024-01-01",
         "4: extra_body.b reads as a date; put it in quotes"),
        ("extra_body: {1: a}", "2: key 1 must be a text; put it in quotes"),
        ("output_schema: text", "2: output_schema must be a JSON Schema, got 'text'"),
        ("output_schema:", "2: output_schema must be a JSON Schema, got nothing"),
        ("output_schema: {a: 1}\nresponse_format: {type: text}",
         "3: give output_schema or response_format, not both"),
        ("tools: look_up", "2: tools must be a list, got 'look_up'"),
        ("tools: [look_up]", "2: a tool must be a mapping, got 'look_up'"),
        ("tools:\n- name: a\n- description: b",
         "4: a tool needs a name of letters, digits, '_' and '-', got nothing"),
        ("tools:\n- name: look up", "3: a tool needs a name of letters, digits, '_' and '-', "
                                    "got 'look up'"),
        ("tools:\n- name: a\n  paramters: {}",
         "4: unknown key 'paramters'; did you mean 'parameters'? "
         "(known: description, name, parameters, strict)"),
        ("tools:\n- type: web_search", "3: a tool's type must be 'function', got 'web_search'"),
        ("tools:\n- type: function\n  name: a",
         "4: unknown key 'name' (known: function, type)"),
        ("tools:\n- type: function", "3: a tool's function must be a mapping, got nothing"),
        ("tools:\n- name: a\n  strict: yes",
         "4: strict of tool 'a' must be true or false, got 'yes'"),
        ("tools:\n- name: a\n- name: a", "4: the tool 'a' is given twice"),
        ("a: [", "2: not YAML: expected the node content, but found '<stream end>'"),
        ("seed: 1\nseed: 2",
         '3: not YAML: found duplicate key "seed" with value "2" (original value: "1")'),
        ("seed: !!python/object/apply:os.system [ls]",
         "2: not YAML: could not determine a constructor for the tag "
         "'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("seed: 1\nstop: \x01", "3: not YAML: unacceptable character #x0001: "
                                "special characters are not allowed"),
        ("stop: *a", "2: not YAML: found undefined alias 'a'"),
        ("stop: " + "[" * 1000, "2: the YAML is nested too deeply or too large"),
        ("extra_body: &a {b: *a}", "2: the YAML is nested too deeply or too large"),
        ("a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
            f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ), "2: the YAML is nested too deeply or too large"),
    ],
)  # fmt: skip
def test_faulty_front_matter_is_refused(tmp_path: Path, front: str, message: str) -> None:
    """Each fault of the front matter names the file and the line."""
    assert f"p.prompt.md:{message}" == refusal(tmp_path, f"---\n{front}\n---\nbody")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.prompt.md:1: the prompt has no text"),
        ("---\nseed: 1\n---\n\n", "p.prompt.md:4: the prompt has no text"),
        ("---\nseed: 1\n", "p.prompt.md:1: the front matter that begins here has no end; "
                           "close it with a line `---`"),
        ("system:\n\nuser:\na", "p.prompt.md:1: the system message has no text"),
        ("a\nuser:\n\n", "p.prompt.md:2: the user message has no text"),
        ("\nhello\nuser:\na", "p.prompt.md:2: text before the first role line belongs to no "
                              "message; put a role above it"),
        ("{{ x }}\nuser:\na", "p.prompt.md:1: text before the first role line belongs to no "
                              "message; put a role above it"),
        ("user:\na\nAssistant:\nb", "p.prompt.md:3: a role line is written 'assistant:', "
                                    "got 'Assistant:'; if it is text, indent it"),
        ("---\nseed: 1\n---\nuser:\na\n\n{{ b }\n",
         "p.prompt.md:7: the template is not valid: unexpected '}'"),
        ("user:\n{% if a %}\nsystem:\nb\n{% endif %}",
         "p.prompt.md:2: the template is not valid: Unexpected end of template. Jinja was looking "
         "for the following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to "
         "be closed is 'if'. (a block ends within its message, before the next role line)"),
        ("a\n{{ b | nope }}",
         "p.prompt.md:2: the template is not valid: No filter named 'nope'."),
        ("a\n{% include '/etc/passwd' %}",
         "p.prompt.md:2: a prompt cannot read other files (include)"),
        ("{% import 'a' as b %}x", "p.prompt.md:1: a prompt cannot read other files (import)"),
        ("{% from 'a' import b %}x",
         "p.prompt.md:1: a prompt cannot read other files (fromimport)"),
        ("{% extends 'a' %}x", "p.prompt.md:1: a prompt cannot read other files (extends)"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
         "p.prompt.md:1: the template is nested too deeply"),
        (b"a\n\xe9", "p.prompt.md:2: not UTF-8: byte 0xe9; save the file as UTF-8"),
        ("\ud800", "p.prompt.md:1: not UTF-8: byte 0xed; save the file as UTF-8"),
        ("\ufeffa", "p.prompt.md:1: the file begins with a byte order mark; "
                    "save it as UTF-8 without BOM"),
        ("a".encode("utf-16"), "p.prompt.md:1: the file is UTF-16; save it as UTF-8"),
        ("a\nb\0", "p.prompt.md:2: a NUL character"),
    ],
)  # fmt: skip
def test_faulty_bodies_and_bytes_are_refused(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    """Each fault of the text, the roles and the template names the file and the line."""
    assert message == refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: expected a list `messages:` of `role:` and `content:`"),
        ("messages: a", "1: expected a list `messages:` of `role:` and `content:`"),
        ("messages: []", "1: the prompt has no message"),
        ("messages:\n- a", "2: a message has role and content, got 'a'"),
        ("messages:\n- role: user\n  text: a",
         "3: unknown key 'text' (known: content, role)"),
        ("messages:\n- content: a\n  role: usr",
         "3: role must be one of assistant, developer, system, tool, user, got 'usr'"),
        ("messages:\n- role: user\n  content:\n",
         "3: content must be a text, got nothing; quote what begins with {{"),
        ("messages:\n- role: user\n  content: [a]",
         "3: content must be a text, got ['a']; quote what begins with {{"),
        ("messages:\n- role: user\n  content: {{ a }}",
         "3: not YAML: found unhashable key"),
        ("messages:\n- role: user\n  content: |\n\n    a\n    {{ b }\n",
         "6: the template is not valid: unexpected '}'"),
        ("model_parameters: {}\nmessages: [{role: user, content: a}]",
         "1: unknown key 'model_parameters'; did you mean 'modelParameters'? (known: description, "
         "evaluators, jsonSchema, messages, model, modelParameters, name, output_schema, "
         "responseFormat, testData, tools)"),
        ("messages: [{role: user, content: a}]\nmodelParameters:\n  maxTokens: many",
         "3: max_tokens must be a whole number, got 'many'"),
        ("messages: [{role: user, content: a}]\nmodelParameters: 1",
         "2: modelParameters must be a mapping, got 1"),
        ("messages: [{role: user, content: a}]\nresponseFormat: xml",
         "2: responseFormat must be text, json_object or json_schema, got 'xml'"),
        ("messages: [{role: user, content: a}]\nresponseFormat: json_schema",
         "1: jsonSchema must be a JSON Schema, got nothing"),
        ("messages: [{role: user, content: a}]\nresponseFormat: json_schema\njsonSchema: '{'",
         "3: jsonSchema is not JSON: Expecting property name enclosed in double quotes: "
         "line 1 column 2 (char 1)"),
        ("messages: [{role: user, content: a}]\n---\na: 1",
         "2: not YAML: but found another document"),
    ],
)  # fmt: skip
def test_faulty_message_lists_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """Each fault of a `.prompt.yml` file names the file and the line."""
    assert f"p.prompt.yml:{message}" == refusal(tmp_path, text, "p.prompt.yml")


def test_an_unknown_camel_parameter_gets_a_suggestion(tmp_path: Path) -> None:
    """A misspelt model parameter is answered in the file's own spelling."""
    found = refusal(
        tmp_path,
        "modelParameters: {maxToken: 1}\nmessages: [{role: user, content: a}]",
        "p.prompt.yml",
    )
    assert found.startswith("p.prompt.yml:1: unknown key 'maxToken'; did you mean 'maxTokens'?")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("tersé.prompt.md", "tersé.prompt.md: no such prompt file; did you mean 'terse.prompt.md'? "
                            "(looked for from the test module's folder)"),
        ("terse", "terse: no such prompt file; did you mean 'terse.prompt.md'? "
                  "(looked for from the test module's folder)"),
        ("zzz", "zzz: no such prompt file (looked for from the test module's folder)"),
        ("none/terse.md", "none/terse.md: no such prompt file: the folder 'none' does not exist"),
        ("folder", "folder: a folder; a prompt is one file"),
        ("data.jsonl", "data.jsonl: a prompt file ends in one of "
                       ".md, .txt, .jinja, .jinja2, .j2, .yml, .yaml"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_there(tmp_path: Path, asked: str, message: str) -> None:
    """A missing prompt names the nearest one; folders and other kinds of file are refused."""
    (tmp_path / "terse.prompt.md").write_text("a")
    (tmp_path / "data.jsonl").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(PromptError) as caught:
        load_prompt(asked, base=tmp_path, root=tmp_path)
    assert message == str(caught.value)


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text("ab \n:x{}")),
                min_size=1))  # fmt: skip
def test_writing_and_cutting_are_inverse(written: list[tuple[str, str]]) -> None:
    """Messages written with role lines are cut into the same messages."""
    expected = [(role, text.strip()) for role, text in written if text.strip()]
    body = "\n".join(f"{role}:\n{text}" for role, text in expected)
    if expected:
        assert expected == [(one.role, one.source) for one in messages_in(body, "p", 1)]


def test_importing_the_loader_is_light() -> None:
    """Neither Jinja2 nor ruamel nor pydantic is imported before a prompt is loaded."""
    code = (
        "import sys; from pytest_ailoop.prompts.load import load_prompt;"
        "sys.exit(bool({'jinja2', 'ruamel', 'ruamel.yaml', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
