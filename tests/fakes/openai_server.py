"""An OpenAI-compatible server on loopback: same question, same answer; counts; fails on demand."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class FakeServer:
    """`with FakeServer() as server: OpenAI(base_url=server.url, api_key="x")`.

    The answer to a chat is `echo: <last user message>`; two equal requests get equal bytes unless
    `numbered`, which adds how many calls came before.
    """

    def __init__(
        self,
        *,
        latency: float = 0.0,
        gzip: bool = False,
        pretty: bool = False,
        numbered: bool = False,
    ) -> None:
        #: What every answer ends with.
        self.suffix = ""
        #: Whether a question with REFUSE is answered 401, as servers do: with the key.
        self.refuses = False
        #: The names under which models answer that are asked by others.
        self.serves: dict[str, str] = {}
        #: After how many events a stream's connection breaks; None lets it end.
        self.break_streams_after: int | None = None
        self.latency, self.gzip, self.pretty, self.numbered = latency, gzip, pretty, numbered
        #: Requests that were received: method, path, headers, body (parsed where JSON).
        self.requests: list[dict[str, Any]] = []
        self._failures: list[tuple[int, dict[str, str]]] = []
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._port = 0

    @property
    def calls(self) -> int:
        """How many requests came."""
        return len(self.requests)

    @property
    def host(self) -> str:
        assert self._server is not None
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://{self.host}/v1"

    def fail_next(self, *statuses: int, **headers: str) -> None:
        """Answer the next requests with these error statuses."""
        self._failures += [(status, headers) for status in statuses]

    def settle(self) -> None:
        """Wait until all is counted that was sent, also by a process that is gone since."""
        server = self._server
        assert server is not None
        # Connections are taken in the order they came.
        with socket.create_connection(("127.0.0.1", self._port)) as last:
            name = last.getsockname()
        with server.moved:
            assert server.moved.wait_for(lambda: name in server.ended and not server.open, 20)

    def start(self) -> Self:
        """Listen; after `stop`, at the same address as before."""
        fake = self

        class Handler(_Handler):
            server_of = fake

        self._server = _Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def stop(self) -> None:
        """Stop listening; open connections are cut with the next request."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def received(self, request: dict[str, Any]) -> tuple[int, dict[str, str]] | None:
        with self._lock:
            self.requests.append(request)
            return self._failures.pop(0) if self._failures else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Several processes connect at once.
    request_queue_size = 256

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        #: How many connections are open, and whose are not any more.
        self.open, self.ended = 0, set[Any]()
        self.moved = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.moved:
            self.open += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        super().process_request_thread(request, client_address)
        with self.moved:
            self.open -= 1
            self.ended.add(client_address)
            self.moved.notify_all()


class _Handler(BaseHTTPRequestHandler):
    server_of: FakeServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("content-length", 0))))

    def _serve(self, body: bytes) -> None:
        fake = self.server_of
        try:
            asked = json.loads(body) if body else {}
        except ValueError:
            asked = {}
        failure = fake.received(
            {
                "method": self.command,
                "path": self.path,
                "headers": dict(self.headers),
                "body": asked,
            }
        )
        if fake.latency:
            time.sleep(fake.latency)
        if failure is not None:
            status, headers = failure
            self._send({"error": {"message": f"asked to fail with {status}"}}, status, headers)
            return
        if fake.refuses and b"REFUSE" in body:
            told = f"Incorrect API key provided: {self.headers.get('authorization')} {self.path}"
            told += fake.suffix
            self._send({"error": {"message": told, "code": "invalid_api_key"}}, 401)
            return
        number = fake.suffix + (f" #{fake.calls}" if fake.numbered else "")
        answer = _answer(self.path.partition("?")[0], asked, number)
        if answer is None:
            self._send({"error": {"message": "no such endpoint"}}, 404)
        elif isinstance(answer, list):
            self._stream(answer)
        elif asked.get("model") in fake.serves:
            self._send({**answer, "model": fake.serves[asked["model"]]})
        else:
            self._send(answer)

    def _send(self, answer: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        fake = self.server_of
        data = json.dumps(answer, indent=2 if fake.pretty else None).encode()
        if fake.pretty:
            data += b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "session=server-cookie-value")
        self.send_header("x-request-id", "req_fake")
        for name, value in (headers or {}).items():
            self.send_header(name.replace("_", "-"), value)
        if fake.gzip:
            data = gzip.compress(data)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, events: list[str]) -> None:
        fake = self.server_of
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        if fake.gzip:
            self.send_header("Content-Encoding", "gzip")
            events = [gzip.compress("".join(events).encode()).decode("latin-1")]
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, event in enumerate(events):
            if number == fake.break_streams_after:
                self.close_connection = True
                return
            data = event.encode("latin-1" if fake.gzip else "utf-8")
            try:
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()
            except OSError:  # The client had enough.
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")


def _answer(path: str, asked: dict[str, Any], number: str) -> Any:
    if path.endswith("/chat/completions"):
        return _chat(asked, number)
    if path.endswith("/completions"):
        return _completion(asked, number)
    if path.endswith("/responses"):
        return _responses(asked, number)
    if path.endswith("/embeddings"):
        return _embeddings(asked)
    if path.endswith("/messages"):
        return _anthropic(asked, number)
    if path.endswith("/models"):
        return {"object": "list", "data": [{"id": "fake", "object": "model"}]}
    return None


def _seed(asked: Any) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _usage(question: str, answer: str) -> dict[str, int]:
    before, after = len(question.split()), len(answer.split())
    return {"prompt_tokens": before, "completion_tokens": after, "total_tokens": before + after}


def _question(asked: dict[str, Any]) -> str:
    for message in reversed(asked.get("messages", [])):
        if message.get("role") == "user":
            content = message.get("content")
            return content if isinstance(content, str) else json.dumps(content)
    return ""


def _chat(asked: dict[str, Any], number: str) -> Any:
    question = _question(asked)
    message: dict[str, Any] = {"role": "assistant", "content": f"echo: {question}{number}"}
    finish = "stop"
    schema = (asked.get("response_format") or {}).get("json_schema")
    if schema is not None:
        message["content"] = json.dumps(_sample(schema["schema"], question))
    if asked.get("tools"):
        function = asked["tools"][0]["function"]
        arguments = json.dumps(_sample(function.get("parameters", {}), question))
        called = {"name": function["name"], "arguments": arguments}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": called}],
        }
        finish = "tool_calls"
    head = {
        "id": f"chatcmpl-{_seed(asked)[:12]}",
        "created": 1760000000,
        "model": asked.get("model"),
    }
    usage = _usage(question, message["content"] or "")
    if asked.get("stream"):
        return list(_chat_events(asked, head, message, finish, usage))
    token = {"token": "echo", "logprob": -0.25, "bytes": None, "top_logprobs": []}
    logprobs = {"content": [token], "refusal": None} if asked.get("logprobs") else None
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": logprobs}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}


def _chat_events(
    asked: dict[str, Any], head: Any, message: Any, finish: str, usage: Any
) -> Iterator[str]:
    def event(delta: dict[str, Any], done: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": done}
        return _data({**head, "object": "chat.completion.chunk", "choices": [choice]})

    yield event({"role": "assistant", "content": ""})
    if message["content"] is None:
        yield event({"tool_calls": [{"index": 0, **message["tool_calls"][0]}]})
    else:
        for position, word in enumerate(message["content"].split(" ")):
            yield event({"content": f" {word}" if position else word})
    yield event({}, finish)
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield _data({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def _data(value: Any, name: str | None = None) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return (f"event: {name}\n" if name else "") + f"data: {text}\n\n"


def _sample(schema: dict[str, Any], question: str) -> Any:
    """Return a value that fits a simple JSON Schema."""
    kind = schema.get("type", "object")
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        return {name: _sample(one, question) for name, one in schema.get("properties", {}).items()}
    if kind == "array":
        return [_sample(schema.get("items", {"type": "string"}), question)]
    return {"integer": len(question), "number": len(question) / 10, "boolean": True}.get(
        kind, question
    )


def _completion(asked: dict[str, Any], number: str) -> Any:
    answer = f"echo: {asked.get('prompt')}{number}"
    choice = {"index": 0, "text": answer, "finish_reason": "stop", "logprobs": None}
    return {
        "id": f"cmpl-{_seed(asked)[:12]}",
        "object": "text_completion",
        "created": 1760000000,
        "model": asked.get("model"),
        "choices": [choice],
        "usage": _usage(str(asked.get("prompt")), answer),
    }


def _responses(asked: dict[str, Any], number: str) -> Any:
    question = asked.get("input")
    question = question if isinstance(question, str) else json.dumps(question)
    answer = f"echo: {question}{number}"
    content = {"type": "output_text", "text": answer, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    usage = {
        "input_tokens": len(question.split()),
        "output_tokens": len(answer.split()),
        "total_tokens": len(question.split()) + len(answer.split()),
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    whole = {
        "id": f"resp_{_seed(asked)[:12]}",
        "object": "response",
        "created_at": 1760000000,
        "model": asked.get("model"),
        "status": "completed",
        "output": [{**item, "content": [content]}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }
    return list(_response_events(whole, answer)) if asked.get("stream") else whole


def _response_events(whole: dict[str, Any], answer: str) -> Iterator[str]:
    started = {**whole, "status": "in_progress", "output": [], "usage": None}
    number = 0
    yield _data(
        {"type": "response.created", "sequence_number": 0, "response": started}, "response.created"
    )
    for word in answer.split(" "):
        number += 1
        delta = {
            "type": "response.output_text.delta",
            "sequence_number": number,
            "item_id": "msg_1",
            "output_index": 0,
            "content_index": 0,
            "delta": f"{word} ",
            "logprobs": [],
        }
        yield _data(delta, "response.output_text.delta")
    done = {"type": "response.completed", "sequence_number": number + 1, "response": whole}
    yield _data(done, "response.completed")


def _embeddings(asked: dict[str, Any]) -> Any:
    texts = asked.get("input")
    texts = texts if isinstance(texts, list) else [texts]
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(str(text))}
        for index, text in enumerate(texts)
    ]
    tokens = sum(len(str(text).split()) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": asked.get("model"), "usage": usage}


def _vector(text: str) -> list[float]:
    return [byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:8]]


def _anthropic(asked: dict[str, Any], number: str) -> Any:
    question = _question(asked)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked.get("model"),
        "content": [{"type": "text", "text": f"echo: {question}{number}"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 4},
    }
