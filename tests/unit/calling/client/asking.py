"""Both clients behind `llm` with one face, and a server that answers what a test tells it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import BaseModel

from pytest_ailoop.calling.client import LLM, SyncLLM, close_clients
from pytest_ailoop.data.reply import Reply
from pytest_ailoop.data.variant import ModelSpec

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
