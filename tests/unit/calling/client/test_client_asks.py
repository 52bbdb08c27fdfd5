"""What `llm` asks for, and what its reply says."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ailoop.data.call import Usage
from pytest_ailoop.data.reply import Rendered, ToolCall
from pytest_ailoop.errors import UsageError
from tests.unit.calling.client.asking import Answer, Asking


def test_a_text_is_asked_as_the_user_and_answered(ask: Asking) -> None:
    """A plain string becomes one user message; the reply carries what the server said."""
    reply = ask("Hello", temperature=0)
    expected = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0}
    assert ask.server.asked == [expected]
    assert (reply.text, str(reply), reply.model, reply.finish_reason) == (
        "Hi.",
        "Hi.",
        "m-2024",
        "stop",
    )
    assert reply.usage == Usage(input_tokens=1_000_000, output_tokens=100_000)
    assert reply.parsed is None
    assert reply.parse_error is None
    assert reply.cost is None
    assert reply.first_token is None
    assert reply.latency is not None
    assert 0 < reply.latency < 60


def test_messages_go_out_as_they_are(ask: Asking) -> None:
    """A list of messages is not touched."""
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    ask(messages)
    assert ask.server.asked[0]["messages"] == messages


RENDERED = Rendered(
    messages=({"role": "user", "content": "Hi"},),
    parameters={"temperature": 0.2, "max_tokens": 7},
    tools=({"type": "function", "function": {"name": "look"}},),
    output_schema={
        "title": "My answer",
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    },
)


def test_a_rendered_prompt_brings_parameters_tools_and_schema(ask: Asking) -> None:
    """The front matter takes part, and the reply's JSON is read."""
    ask.server.says('{"a": 1}')
    assert ask(RENDERED).parsed == {"a": 1}
    asked = ask.server.asked[0]
    assert asked["messages"] == [{"role": "user", "content": "Hi"}]
    assert (asked["temperature"], asked["max_tokens"]) == (0.2, 7)
    assert asked["tools"] == list(RENDERED.tools)
    form = asked["response_format"]["json_schema"]
    assert (form["name"], form["strict"], form["schema"]) == (
        "My_answer",
        True,
        RENDERED.output_schema,
    )


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "object"}, False),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, False),
        ({"type": "array", "items": {"type": "object"}}, False),
        ({"type": "string"}, True),
    ],
)
def test_strictness_is_only_asked_where_a_schema_allows_it(
    ask: Asking, schema: dict[str, Any], strict: bool
) -> None:
    """Servers refuse `strict` with open objects and optional properties."""
    ask.server.says("1")
    ask(Rendered(messages=({"role": "user", "content": ""},), output_schema=schema))
    assert ask.server.asked[0]["response_format"]["json_schema"]["strict"] is strict


def test_a_reply_that_is_no_json_says_so(ask: Asking) -> None:
    """With a schema from the prompt file the text is read as JSON or the reason is given."""
    ask.server.says("Sure! 1")
    reply = ask(RENDERED)
    assert (reply.parsed, reply.parse_error) == (None, "no JSON; text: Sure! 1")


def test_later_layers_win(ask: Asking) -> None:
    """Model, then prompt file, then variant, then call; None takes out; extra_body is merged."""
    spec = {
        "parameters": {
            "temperature": 0.1,
            "seed": 1,
            "top_p": 0.5,
            "extra_body": {"top_k": 1, "min_p": 1},
        },
        "defaults": {"max_tokens": 9, "seed": 2},
    }
    ask.server.says('{"a": 1}')
    ask(RENDERED, spec=spec, seed=3, top_p=None, extra_body={"top_k": 5})
    asked = ask.server.asked[0]
    names = ("temperature", "max_tokens", "seed", "top_k", "min_p")
    assert [asked[name] for name in names] == [0.2, 9, 3, 5, 1]
    assert "top_p" not in asked


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"temprature": 1}, "'temprature' is no parameter.*did you mean 'temperature'"),
        ({"top_k": 1}, "'top_k' is no parameter.*extra_body"),
        ({"stream": True}, "'stream' cannot be set here: use `llm.stream"),
        ({"model": "x"}, "'model' cannot be set here"),
        ({"output": Answer, "response_format": {}}, "output= and response_format="),
        ({"output": dict}, "output= takes a pydantic model class, got <class 'dict'>"),
        ({"tools": {"type": "function"}}, "tools= takes a list"),
        ({"tools": [1]}, "a tool is .*, got 1"),
        ({"tools": [lambda x: x]}, "a tool needs a name"),
        ({"tools": [print]}, r"tool 'print' takes '\*args'"),
    ],
)
def test_what_is_written_wrong_is_refused_before_anything_is_sent(
    ask: Asking, how: dict[str, Any], message: str
) -> None:
    """A typing error in a parameter's name must not pass as the server's default."""
    with pytest.raises(UsageError, match=message):
        ask(**how)
    assert ask.server.asked == []


@pytest.mark.parametrize("prompt", [None, 5, [], ["Hello"], [{"content": "x"}], {"role": "user"}])
def test_what_is_no_prompt_is_refused(ask: Asking, prompt: Any) -> None:
    """The message says what a prompt is."""
    with pytest.raises(UsageError, match=r"a prompt is a text|is no \{'role'"):
        ask(prompt)


def test_output_is_an_instance_of_the_model(ask: Asking) -> None:
    """The schema goes out as strict JSON Schema, the answer comes back as the class."""
    ask.server.says('{"city": "Bonn", "people": 330000}')
    assert ask(output=Answer).parsed == Answer(city="Bonn", people=330000)
    form = ask.server.asked[0]["response_format"]["json_schema"]
    assert (form["name"], form["strict"]) == ("Answer", True)
    assert form["schema"]["additionalProperties"] is False
    assert form["schema"]["required"] == ["city", "people"]


@pytest.mark.parametrize(
    ("says", "error"),
    [
        (
            {"content": '{"city": "Bonn", "people": "many"}'},
            "Answer field 'people': Input should be a valid integer, unable to parse string as an "
            'integer, got \'many\'; text: {"city": "Bonn", "people": "many"}',
        ),
        (
            {"content": '{"city": "Bonn"}'},
            'Answer field \'people\': Field required; text: {"city": "Bonn"}',
        ),
        ({"content": "{}"}, "Answer field 'city': Field required (and 1 more); text: {}"),
        ({"content": None, "refusal": "No."}, "the model refused: No."),
        (
            {"content": None, "tool_calls": [{"id": "1", "type": "function", "function": {}}]},
            "the model called a tool and gave no text",
        ),
    ],
)
def test_output_that_does_not_fit_is_the_models_fault(
    ask: Asking, says: dict[str, Any], error: str
) -> None:
    """It is a reply with the field, what was expected and what came; no exception."""
    ask.server.says(**says)
    reply = ask(output=Answer)
    assert (reply.parsed, reply.parse_error) == (None, error)


def test_output_cut_off_at_the_token_limit_says_so(ask: Asking) -> None:
    """The cause stands before the symptom, and long text is cut."""
    ask.server.says('{"city": "' + "B" * 1000, reason="length")
    error = ask(output=Answer).parse_error
    assert error is not None
    assert error.startswith("cut off at the token limit; no JSON for Answer (Invalid JSON: EOF")
    assert len(error) < 450


def weather(city: str, days: int = 1, json: bool = False) -> str:
    """Tell the weather."""
    return ""


def test_tools_are_made_of_functions_and_models(ask: Asking) -> None:
    """Name, docstring and annotations of a function and of a model class become the schema."""
    own = {"type": "function", "function": {"name": "own"}}
    calls = [
        {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"a": 1}'}},
        {"id": "2", "type": "function", "function": {"name": "weather", "arguments": '{"a": '}},
    ]
    ask.server.says(None, reason="tool_calls", tool_calls=calls)
    reply = ask(tools=[weather, Answer, own])
    first, second, third = ask.server.asked[0]["tools"]
    assert (first["function"]["name"], first["function"]["description"]) == (
        "weather",
        "Tell the weather.",
    )
    properties = first["function"]["parameters"]["properties"]
    assert {name: one["type"] for name, one in properties.items()} == {
        "city": "string",
        "days": "integer",
        "json": "boolean",
    }
    assert (second["function"]["name"], third) == ("Answer", own)
    assert reply.text == ""
    assert reply.tool_calls == (
        ToolCall(name="weather", arguments={"a": 1}, id="1"),
        ToolCall(name="weather", arguments='{"a": ', id="2"),
    )


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        (None, {}),
        (False, {}),
        (True, {"logprobs": True}),
        (2, {"logprobs": True, "top_logprobs": 2}),
    ],
)
def test_logprobs_are_asked_for_and_read(ask: Asking, wanted: Any, sent: dict[str, Any]) -> None:
    """True asks for the tokens taken, a number for that many alternatives beside each."""
    token = {"token": "Hi", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    ask.server.gives(
        {
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "Hi"},
                    "logprobs": {"content": [token], "refusal": None} if sent else None,
                }
            ],
        }
    )
    reply = ask(logprobs=wanted)
    asked = ask.server.asked[0]
    assert {name: asked[name] for name in asked if "logprobs" in name} == sent
    # In one shape, whatever the server and the client add: `bytes` stays in `reply.raw`.
    shown = {"token": "Hi", "logprob": -0.5, "top_logprobs": []}
    assert reply.logprobs == ((shown,) if sent else None)
    assert reply.usage == Usage()
