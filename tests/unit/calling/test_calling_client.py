"""The clients behind `llm`, against a server on this machine that answers what a test tells it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from pytest_ailoop import recorder, redaction
from pytest_ailoop.calling.client import LLM, SyncLLM, close_clients
from pytest_ailoop.data.call import Call, Usage
from pytest_ailoop.data.case import Case
from pytest_ailoop.data.reply import Rendered, Reply, ToolCall
from pytest_ailoop.data.variant import ModelSpec, Variant
from pytest_ailoop.errors import ReplayMissError, ReplyError, UsageError

KEY = "sk-canary-3141592653589793"
USAGE = {"prompt_tokens": 1_000_000, "completion_tokens": 100_000, "total_tokens": 1_100_000}


class Answer(BaseModel):
    """A city with the number of people there."""

    city: str
    people: int


class Server:
    """Answers POSTs with what was put in; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status, self.content_type = 200, "application/json"
        self.body: bytes | Callable[[dict[str, Any]], bytes] = b"{}"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append(asked)
                outer.headers.append({k.lower(): v for k, v in self.headers.items()})
                body = outer.body(asked) if callable(outer.body) else outer.body
                self.send_response(outer.status)
                self.send_header("content-type", outer.content_type)
                self.send_header("content-length", str(len(body)))
                self.send_header("x-should-retry", "false")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def says(self, content: str | None = "Hi.", *, reason: str = "stop", **message: Any) -> None:
        """Answer with one choice."""
        whole = {"role": "assistant", "content": content, **message}
        self.gives(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": "m-2024",
                "choices": [{"index": 0, "finish_reason": reason, "message": whole}],
                "usage": USAGE,
            }
        )

    def gives(self, reply: Any, status: int = 200) -> None:
        self.status, self.content_type = status, "application/json"
        self.body = json.dumps(reply).encode()

    def streams(self, *deltas: dict[str, Any], reason: str | None = "stop") -> None:
        """Answer with a stream of the deltas, a reason and the tokens."""
        head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m-2024"}
        rows = [{**head, "choices": [{"index": 0, "delta": one}]} for one in deltas]
        if reason:
            rows.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        rows.append({**head, "choices": [], "usage": USAGE})
        self.content_type = "text/event-stream"
        text = "".join(f"data: {json.dumps(row)}\n\n" for row in rows)
        self.body = (text + "data: [DONE]\n\n").encode()


@pytest.fixture(scope="module")
def _server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def server(_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("CANARY_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    _server.asked.clear()
    _server.headers.clear()
    _server.says()
    _server.status = 200
    yield _server
    asyncio.run(close_clients())
    redaction.forget()


class Asking:
    """One way of asking, async or blocking, with the same face."""

    def __init__(self, kind: type[LLM | SyncLLM], server: Server) -> None:
        self.kind, self.server = kind, server

    def llm(self, **spec: Any) -> Any:
        how = {name: spec.pop(name) for name in ("defaults", "purpose") if name in spec}
        given = {"alias": "mini", "model": "m", "base_url": self.server.url, **spec}
        return self.kind(ModelSpec(api_key_env="CANARY_KEY", **given), **how)

    def __call__(self, prompt: Any = "Hello", *, spec: Any = None, **how: Any) -> Reply[Any]:
        llm = self.llm(**(spec or {}))
        if self.kind is SyncLLM:
            return llm(prompt, **how)  # type: ignore[no-any-return]
        return self.run(lambda: llm(prompt, **how))

    def stream(self, prompt: Any = "Hello", **how: Any) -> tuple[list[str], Reply[Any]]:
        llm = self.llm()
        if self.kind is SyncLLM:
            blocking = llm.stream(prompt, **how)
            return list(blocking), blocking.reply

        async def read() -> tuple[list[str], Reply[Any]]:
            stream = llm.stream(prompt, **how)
            return [delta async for delta in stream], stream.reply

        return self.run(read)

    def run(self, make: Callable[[], Any]) -> Any:
        async def whole() -> Any:
            try:
                return await make()
            finally:
                await close_clients()

        return asyncio.run(whole())


@pytest.fixture(params=[LLM, SyncLLM], ids=["async", "sync"])
def ask(request: pytest.FixtureRequest, server: Server) -> Asking:
    return Asking(request.param, server)


@pytest.fixture
def notebook() -> Iterator[recorder.Recorder]:
    made = recorder.Recorder(
        nodeid="t",
        case=Case(id="c"),
        variant=Variant(),
        trial=1,
        recordings=Path("none"),
        is_async=True,
    )
    with recorder.active(made):
        yield made


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


def test_a_stream_gives_deltas_and_then_the_reply(ask: Asking) -> None:
    """Text comes in pieces; tokens, reason and time to the first piece stand in the reply."""
    ask.server.streams({"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo"})
    deltas, reply = ask.stream(max_tokens=5)
    assert deltas == ["Hel", "lo"]
    asked = ask.server.asked[0]
    assert (asked["stream"], asked["stream_options"]) == (True, {"include_usage": True})
    assert (reply.text, reply.finish_reason, reply.model) == ("Hello", "stop", "m-2024")
    assert reply.usage == Usage(input_tokens=1_000_000, output_tokens=100_000)
    assert reply.first_token is not None
    assert reply.latency is not None
    assert 0 < reply.first_token <= reply.latency


def test_a_streams_options_can_be_taken_back(ask: Asking) -> None:
    """Some servers refuse `stream_options`."""
    ask.server.streams({"content": "a"})
    ask.stream(stream_options=None)
    assert "stream_options" not in ask.server.asked[0]


def test_a_stream_brings_tool_calls_and_output_too(ask: Asking) -> None:
    """What is not text is put together and stands in the reply."""
    part = {"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}}
    ask.server.streams(
        {"tool_calls": [part]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]},
        {"content": '{"city": "Bonn", "people": 1}'},
    )
    reply = ask.stream(output=Answer)[1]
    assert reply.tool_calls == (ToolCall(name="f", arguments={}, id="1"),)
    assert reply.parsed == Answer(city="Bonn", people=1)


def test_a_stream_without_an_end_is_an_error(ask: Asking) -> None:
    """A server that cuts a stream off without a word must not pass for a short answer."""
    ask.server.streams({"content": "Hel"}, reason=None)
    with pytest.raises(ReplyError, match=r"ended before the model said that it was done.*Hel"):
        ask.stream()


def test_the_reply_of_a_stream_is_known_at_its_end(server: Server) -> None:
    """Asking earlier says what to do; reading on after the end gives nothing."""
    server.streams({"content": "a"}, {"content": "b"})
    stream = Asking(SyncLLM, server).llm().stream("Hello")
    assert next(stream) == "a"
    with pytest.raises(UsageError, match="read it to the end"):
        _ = stream.reply
    assert list(stream) == ["b"]
    assert list(stream) == []
    assert stream.reply.text == "ab"


def test_a_stream_that_is_left_gives_its_connection_back(server: Server) -> None:
    """`close` and `aclose` may come at any time, also before the first read."""
    server.streams({"content": "a"}, {"content": "b"})
    stream = Asking(SyncLLM, server).llm().stream("Hello")
    stream.close()
    next(stream)
    stream.close()

    async def leave() -> str:
        found = Asking(LLM, server).llm().stream("Hello")
        await found.aclose()
        delta: str = await found.__anext__()
        await found.aclose()
        await close_clients()
        return delta

    assert asyncio.run(leave()) == "a"


def fails(ask: Asking, **how: Any) -> str:
    with pytest.raises(ReplyError) as caught:
        ask(**how)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (400, "refuses this request"),
        (401, "environment variable CANARY_KEY; check it"),
        (403, "environment variable CANARY_KEY; check it"),
        (404, "model named 'm', and is base_url right?"),
        (422, "refuses this request"),
        (429, "rate or quota is used up"),
        (500, "the fault is the server's"),
        (503, "the fault is the server's"),
    ],
)
def test_a_status_is_named_with_the_next_step(ask: Asking, status: int, step: str) -> None:
    """Model, address, status, the server's words, what to do; the key is masked where it echoes."""
    ask.server.gives({"error": {"message": f"bad {KEY}\x1b[31m\nx", "type": "t"}}, status)
    found = fails(ask)
    first, second = found.split("\n")
    url = ask.server.url
    assert first == f"model 'mini' (m) at {url}: HTTP {status}: bad [secret]\\x1b[31m x"
    assert step in second
    assert KEY not in found


def test_a_stream_refused_from_the_start_is_named_alike(ask: Asking) -> None:
    """Streams and whole replies fail in the same words."""
    ask.server.gives({"error": {"message": "busy"}}, 429)
    with pytest.raises(ReplyError, match="HTTP 429: busy"):
        ask.stream()


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("application/json", b'{"error": {"message": "no credit"}}', "no choices; got .*no credit"),
        ("application/json", b'{"choices": []}', "no choices"),
        ("application/json", b'{"choices": null}', "no choices"),
        ("application/json", b'{"choices": [{"index": 0}]}', "no choices"),
        ("application/json", b'{"choi', "could not be read|Unterminated|delimiter"),
        ("application/json", b"", "could not be read|Expecting value"),
        ("text/html", b"<html>Sign in</html>", "no choices; got <html>Sign in"),
    ],
)
def test_an_answer_that_is_no_reply_is_an_error(
    ask: Asking, content_type: str, body: bytes, words: str
) -> None:
    """A page of a proxy, an error under status 200, a cut body: never an empty reply."""
    ask.server.content_type, ask.server.body = content_type, body
    with pytest.raises(ReplyError, match=words):
        ask()


def test_a_server_that_is_not_there_is_named(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Password and query of the address are not shown."""
    monkeypatch.setitem(_connection_options(), "max_retries", 0)
    found = fails(ask, spec={"base_url": "http://me:hush-hush@127.0.0.1:9/v1?x=1"})
    assert "at http://127.0.0.1:9/v1: no connection (" in found
    assert "is the server running" in found
    assert "hush" not in found


def test_a_server_that_hangs_is_named(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """A time-out says how to wait longer."""

    def slow(asked: dict[str, Any]) -> bytes:
        time.sleep(0.3)
        return b"{}"

    ask.server.body = slow
    monkeypatch.setitem(_connection_options(), "max_retries", 0)
    assert "no answer in time" in fails(ask, timeout=0.05)


def _connection_options() -> dict[str, Any]:
    from pytest_ailoop.calling.client import connections

    return connections.OPTIONS


@pytest.mark.parametrize("kind", [LLM, SyncLLM])
@pytest.mark.parametrize("name", [None, "MY_KEY"])
def test_a_missing_key_names_its_variable(
    kind: Any, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable of the configuration, else the client's own; replay is offered."""
    for one in ("MY_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(one, raising=False)
    llm = kind(ModelSpec(alias="mini", model="m", api_key_env=name))
    expected = f"{name or 'OPENAI_API_KEY'} is not set; .*--ailoop-replies=replay"
    with pytest.raises(ReplyError, match=expected):
        _ = llm.client


def test_no_key_is_needed_in_replay_and_on_this_machine(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded replies need none, nor does a local server that was given none."""
    far = ModelSpec(alias="a", model="m", base_url="https://llm.example.org/v1")
    here = ModelSpec(alias="a", model="m", base_url=server.url)
    assert SyncLLM(far, allow_no_key=True).client.api_key == "no-key-needed"
    assert SyncLLM(here)("Hello").text == "Hi."
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert SyncLLM(far).client.api_key == KEY


def test_the_key_goes_to_the_server_and_is_a_known_secret(ask: Asking) -> None:
    """From its first use on it is masked wherever text is shown."""
    ask()
    assert ask.server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert redaction.redact(f"x {KEY}") == "x [secret]"


def test_clients_of_one_server_are_shared(server: Server) -> None:
    """One pool of connections for each server and loop; a new loop has its own."""

    async def two() -> tuple[Any, Any]:
        first, second = Asking(LLM, server).llm(), Asking(LLM, server).llm(alias="b")
        found = first.client, second.client
        await first.aclose()
        return found

    one, same = asyncio.run(two())
    other, _ = asyncio.run(two())
    assert one is same
    assert one is not other
    assert Asking(SyncLLM, server).llm().client is Asking(SyncLLM, server).llm().client


def test_the_blocking_client_works_inside_a_running_loop(server: Server) -> None:
    """It sends by itself and needs no loop."""

    async def inside() -> str:
        reply: Reply[Any] = Asking(SyncLLM, server).llm()("Hello")
        return reply.text

    assert asyncio.run(inside()) == "Hi."


def test_many_calls_may_be_in_flight_together(server: Server) -> None:
    """Each gets its own reply."""
    server.body = lambda asked: json.dumps(
        {
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"content": asked["messages"][0]["content"]},
                }
            ]
        }
    ).encode()

    async def many() -> list[str]:
        llm = Asking(LLM, server).llm()
        replies = await asyncio.gather(*(llm(str(number)) for number in range(20)))
        await llm.aclose()
        return [reply.text for reply in replies]

    assert asyncio.run(many()) == [str(number) for number in range(20)]


def test_a_price_of_ones_own_is_applied(ask: Asking) -> None:
    """A local model costs what the configuration says."""
    reply = ask(spec={"price": {"input": 2.0, "output": 10.0}})
    assert reply.cost == pytest.approx(3.0)


def seen(text: str, **more: Any) -> Call:
    return Call(
        digest="d",
        path="/chat/completions",
        origin="live",
        model_asked="m",
        reply_text=text,
        **more,
    )


def test_time_and_money_come_from_the_call_that_was_written_down(
    ask: Asking, notebook: recorder.Recorder
) -> None:
    """A replayed reply has the latency and cost of the live one, not of the replay."""
    notebook.add_call(seen("Hi.", latency=99.0, cost=99.0))

    def answer(asked: dict[str, Any]) -> bytes:
        notebook.add_call(seen("Other", latency=1.0, cost=1.0))
        notebook.add_call(seen("Hi.", latency=2.0, cost=2.0, first_token=0.5))
        notebook.add_call(seen("Hi.", latency=3.0, error="reset"))
        notebook.add_call(seen("Hi.", latency=4.0, purpose="judge"))
        return json.dumps(
            {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "Hi."}}]}
        ).encode()

    ask.server.body = answer
    reply = ask()
    assert (reply.latency, reply.cost, reply.first_token) == (2.0, 2.0, 0.5)


def test_calls_of_before_are_not_taken_for_this_one(
    ask: Asking, notebook: recorder.Recorder
) -> None:
    """Where the seam wrote nothing down, time is measured here."""
    notebook.add_call(seen("Hi.", latency=99.0, cost=99.0))
    reply = ask()
    assert reply.cost is None
    assert reply.latency is not None
    assert reply.latency < 60


@pytest.mark.parametrize("purpose", ["app", "judge"])
def test_calls_are_counted_for_whom_they_are(
    ask: Asking, purpose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge's requests are sent as such, whole and streamed; afterwards all is as before."""
    purposes: list[str] = []
    kind = ask.kind
    kept = kind._send

    def send(self: Any, turn: Any) -> Any:
        purposes.append(recorder.purpose())
        return kept(self, turn)

    monkeypatch.setattr(kind, "_send", send)
    llm = ask.llm(purpose=purpose)
    if kind is SyncLLM:
        llm("Hello")
        ask.server.streams({"content": "a"})
        list(llm.stream("Hello"))
    else:

        async def both() -> None:
            await llm("Hello")
            ask.server.streams({"content": "a"})
            async for _ in llm.stream("Hello"):
                purposes.append(recorder.purpose())
            await llm.aclose()

        asyncio.run(both())
        assert purposes.pop() == "app"
    assert purposes == [purpose, purpose]
    assert recorder.purpose() == "app"


def test_a_fault_of_the_recorded_path_is_raised_as_itself(
    ask: Asking, notebook: recorder.Recorder
) -> None:
    """A replay miss shows through the client's own error, not as a lost connection."""
    miss = ReplayMissError("no recording of this")
    notebook.faults.append(ReplayMissError("an older one"))

    def answer(asked: dict[str, Any]) -> bytes:
        notebook.faults.append(miss)
        return b'{"error": {"message": "x"}}'

    ask.server.body, ask.server.status = answer, 500
    with pytest.raises(ReplayMissError) as caught:
        ask()
    assert caught.value is miss


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_miss_is_traced_to_the_call_and_no_deeper(server: Server, wrapped: bool) -> None:
    """A fault of ours that comes up through the client does not bring the client's frames."""

    def send(turn: Any) -> Any:
        miss = ReplayMissError("no recording of this")
        if not wrapped:
            raise miss
        raise openai.APIConnectionError(request=Any) from miss  # type: ignore[arg-type]

    llm = Asking(SyncLLM, server).llm()
    llm._send = send
    with pytest.raises(ReplayMissError) as caught:
        llm("Hello")
    frames = [entry.name for entry in caught.traceback]
    assert ["test_a_miss_is_traced_to_the_call_and_no_deeper", "__call__"] == frames


def test_neither_repr_nor_locals_of_a_client_show_the_key(server: Server) -> None:
    """What a traceback with locals would print holds no key."""
    server.gives({"error": {"message": f"bad {KEY}"}}, 401)
    llm = Asking(SyncLLM, server).llm()
    with pytest.raises(ReplyError) as caught:
        llm("Hello")
    shown = [repr(llm)]
    frame = caught.tb.tb_next
    while frame is not None:
        shown += map(repr, frame.tb_frame.f_locals.values())
        frame = frame.tb_next
    assert len(shown) > 3
    assert KEY not in "".join(shown)
