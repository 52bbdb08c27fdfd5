"""The short way of a call: recalled, or sent over a connection of ours, without the openai client.

What it cannot do exactly as the client does takes the ordinary way: streams, proxies, unusual
parameters, and whatever lies over the classes that the client sends by (mocks, cassettes).
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from pytest_ailoop import recorder
from pytest_ailoop.calling import seam
from pytest_ailoop.calling.client.connections import base_url_of
from pytest_ailoop.calling.client.failures import Refused
from pytest_ailoop.calling.client.http1 import Headers, NoAnswer, RawReply
from pytest_ailoop.calling.client.sent import Sent, sent_of
from pytest_ailoop.calling.client.server import Server, server_of
from pytest_ailoop.calling.conduct import Answer, conduct, conduct_async
from pytest_ailoop.calling.credentials import key_of
from pytest_ailoop.calling.exchange import Exchange
from pytest_ailoop.calling.opening import prepare
from pytest_ailoop.calling.stored import StoredReply
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.variant import ModelSpec

__all__ = ["Found", "Lean", "is_open", "lean_of"]

_ENDPOINT = "/chat/completions"
_OURS = "pytest_ailoop.calling.transports"
# Module, class and method of all that an ordinary call passes: blocking, async.
_PASSED = (
    (
        ("httpx2", "HTTPTransport", "handle_request"),
        ("httpx2", "Client", "send"),
        ("httpcore2", "ConnectionPool", "handle_request"),
        ("openai.resources.chat.completions", "Completions", "create"),
    ),
    (
        ("httpx2", "AsyncHTTPTransport", "handle_async_request"),
        ("httpx2", "AsyncClient", "send"),
        ("httpcore2", "AsyncConnectionPool", "handle_async_request"),
        ("openai.resources.chat.completions", "AsyncCompletions", "create"),
    ),
)


class Found(NamedTuple):
    """What the short way brought."""

    completion: Any
    """The reply's JSON; text where it is none."""
    call: Call | None
    """The call as it was noted."""


class _Url(NamedTuple):
    """The parts of an address that a secret may stand in."""

    userinfo: bytes
    query: bytes


class Lean:
    """One call on the short way."""

    def __init__(self, spec: ModelSpec, exchange: Exchange, sent: Sent, body: bytes) -> None:
        self._spec, self._exchange, self._sent, self._body = spec, exchange, sent, body
        exchange.timed_out = NoAnswer

    def recalled(self) -> Found | None:
        """Return the kept reply; None, with nothing noted, where the call must be made."""
        stored = self._exchange.recalled()
        return None if stored is None else self._kept(stored)

    def ask(self, *, allow_no_key: bool) -> Found | None:
        """Return the reply, kept or live; None where the call must be made the ordinary way.

        Raises `Refused` for an error status, `NoConnection`, `NoAnswer`, `json.JSONDecodeError`,
        and what the store and the budget raise.
        """
        stored = self._exchange.found()
        if stored is not None:
            return self._kept(stored)
        server = self._server(allow_no_key)
        if server is None:
            return None

        def send() -> Answer:
            return self._answer(server.pool.ask(*self._request(server), self._waits))

        return self._brought(conduct(self._exchange, send))

    async def ask_async(self, *, allow_no_key: bool) -> Found | None:
        """Do as `ask` on the running loop."""
        stored = self._exchange.found()
        if stored is not None:
            return self._kept(stored)
        server = self._server(allow_no_key)
        if server is None:
            return None
        pool = await server.async_pool()

        async def send() -> Answer:
            return self._answer(await pool.ask(*self._request(server)))

        return self._brought(await conduct_async(self._exchange, send))

    def _server(self, allow_no_key: bool) -> Server | None:
        try:
            found = server_of(self._spec, allow_no_key=allow_no_key)
        except BaseException:
            self._exchange.withdraw()
            raise
        if found is None:
            self._exchange.withdraw()
            return None
        url = _Url(b"", self._sent.query.encode("ascii"))
        headers = found.headers_with(self._sent.headers)
        self._exchange.store.learner.learn(headers, url, found.path)
        self._exchange.key = key_of(headers)
        return found

    def _request(self, server: Server) -> tuple[bytes, Headers, bytes, float]:
        sent = self._sent
        headers = server.headers_with(sent.headers)
        deadline = self._exchange.deadline
        timeout = sent.timeout if deadline is None else min(sent.timeout, deadline.left)
        return server.target(_ENDPOINT, sent.query), headers, self._body, timeout

    def _waits(self, plug: socket.socket) -> contextlib.AbstractContextManager[None]:
        """Return what to wait inside of for what comes by *plug*: it is cut at the deadline."""
        deadline = self._exchange.deadline
        return contextlib.nullcontext() if deadline is None else deadline.waited(plug)

    def _answer(self, reply: RawReply) -> Answer:
        kind = reply.header(b"content-type")
        kept = self._exchange.answered(reply.status, kind, reply.body)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reply.headers}
        return Answer(status=reply.status, headers=headers, response=kept or reply)

    def _kept(self, stored: StoredReply) -> Found:
        content = stored.readable
        if isinstance(content, bytes):
            content = _read(content, stored.content_type)
        return Found(content, self._exchange.noted)

    def _brought(self, brought: Answer | StoredReply) -> Found | None:
        reply: StoredReply | RawReply = (
            brought if isinstance(brought, StoredReply) else brought.response
        )
        if isinstance(reply, StoredReply):
            return self._kept(reply)
        if 300 <= reply.status < 400:  # To be followed: the client knows how.
            return None
        if reply.status >= 400:
            raise Refused(reply.status, reply.body)
        return Found(_read(reply.body, reply.header(b"content-type")), self._exchange.noted)


def _read(body: bytes, content_type: str) -> Any:
    """Return the JSON in *body*, text where it is none and does not say that it is.

    Raises `json.JSONDecodeError` where it says so.
    """
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        if content_type.split(";")[0].strip().endswith("json"):
            raise
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", text, 0) from None
    return text


def lean_of(spec: ModelSpec, asked: Mapping[str, Any]) -> Lean | None:
    """Return the call that *asked* (arguments of `chat.completions.create`) makes.

    None where no item runs, or where a client alone can tell what would be sent.
    """
    store = seam.current_store()
    if store is None or recorder.current() is None:
        return None
    sent = sent_of(asked)
    if sent is None:
        return None
    made = prepare(store, base_url_of(spec), _ENDPOINT, sent.body, sent.query)
    return None if made is None else Lean(spec, made[0], sent, made[1])


def is_open(*, blocking: bool) -> bool:
    """Return whether a live call may take the short way here.

    Not where something lies over what an ordinary call passes: a mock, a cassette. Nor for an async
    call on a loop that is not asyncio's.
    """
    if not blocking:
        from pytest_ailoop.calling.loops import on_asyncio  # asyncio is there by now

        if not on_asyncio():
            return False
    return all(_is_plain(*one) for one in _PASSED[not blocking])


def _is_plain(module: str, owner: str, method: str) -> bool:
    """Return whether a method that may be patched is the library's own, or ours over that one."""
    there = sys.modules.get(module)
    if there is None:
        return True
    found = getattr(getattr(there, owner, None), method, None)
    # Who wraps a function likes to copy its names; where it was written stays.
    while (written := getattr(found, "__globals__", {}).get("__name__", "")) == _OURS:
        found = getattr(found, "__wrapped__", None)
    return str(written).partition(".")[0] == module.partition(".")[0]
