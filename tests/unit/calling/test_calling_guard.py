"""The guard of replay: what tries to reach the network past the seam fails by name."""

# Nested `with` tells the session from what is measured in it.
# ruff: noqa: SIM117

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import urllib.request
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pytest_ailoop.errors import BypassError
from tests.fakes.openai_server import FakeServer
from tests.fakes.sessions import FakeSession


def _urllib(url: str) -> None:
    body = json.dumps({"model": "m", "messages": []}).encode()
    urllib.request.urlopen(f"{url}/chat/completions", data=body, timeout=5).close()


def _http_client(url: str) -> None:
    connection = http.client.HTTPConnection(url.split("/")[2])
    try:
        connection.request("POST", "/v1/embeddings", body=b"{}")
        connection.getresponse().read()
    finally:
        connection.close()


def _aiohttp(url: str) -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}/responses", json={"model": "m"}) as reply:
                await reply.read()

    asyncio.run(run())


CLIENTS = [_urllib, _http_client, _aiohttp]


@pytest.mark.parametrize("client", CLIENTS)
def test_model_calls_of_other_libraries_fail(
    client: Any, server: FakeServer, tmp_path: Path
) -> None:
    """A model's endpoint asked through another library fails, on this machine too."""
    with FakeSession(tmp_path, "replay") as session, session.item() as notebook:
        with pytest.raises(BypassError, match="call not seen by ailoop: library") as caught:
            client(server.url)
    assert f":{server.host.rpartition(':')[2]} during replay" in str(caught.value)
    assert notebook.faults == [caught.value]
    assert server.calls == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_other_modes_and_places_bar_nothing(
    client: Any, server: FakeServer, tmp_path: Path
) -> None:
    """Outside of items, in other modes and for hosts let through, other libraries work."""
    with FakeSession(tmp_path, "replay"):
        client(server.url)
    with FakeSession(tmp_path, "auto") as session, session.item():
        client(server.url)
    with FakeSession(tmp_path, "replay", passthrough=(server.host,)) as session, session.item():
        client(server.url)
    assert server.calls == 3


def test_sockets_to_other_hosts_fail(tmp_path: Path) -> None:
    """Connecting to another host, or resolving it, fails in an item, also in threads of asyncio."""

    async def resolve() -> Any:
        return await asyncio.get_running_loop().getaddrinfo("model.example", 443)

    def connect(method: str) -> None:
        with socket.socket() as sock:
            getattr(sock, method)(("192.0.2.1", 443))

    ways: list[Any] = [
        lambda: connect("connect"),
        lambda: connect("connect_ex"),
        lambda: socket.getaddrinfo("model.example", 443),
        lambda: socket.create_connection(("model.example", 443)),
        lambda: asyncio.run(resolve()),
        lambda: urllib.request.urlopen("http://model.example/v1/other"),
    ]
    with FakeSession(tmp_path, "replay") as session:
        for way in ways:
            with session.item() as notebook:
                with pytest.raises(BypassError, match=r"host (model\.example|192\.0\.2\.1):\d+"):
                    way()
            assert len(notebook.faults) == 1


def test_this_machine_is_reached(server: FakeServer, tmp_path: Path) -> None:
    """Loopback, Unix sockets and the machine's own name stay open."""
    with FakeSession(tmp_path, "replay") as session, session.item() as notebook:
        urllib.request.urlopen(f"{server.url}/models").close()
        assert socket.getaddrinfo("localhost", 80)
        first, second = socket.socketpair()
        first.close()
        second.close()
    assert notebook.faults == []


def test_hosts_let_through_are_reached_by_their_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host of `passthrough` may be resolved, and then connected to by its address."""
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 5432))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [entry])
    reached: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: reached.append(address))
    with FakeSession(tmp_path, "replay", passthrough=("db",)) as session, session.item():
        with socket.socket() as sock:
            with pytest.raises(BypassError):
                sock.connect(("192.0.2.7", 5432))
            socket.getaddrinfo("db", 5432)
            sock.connect(("192.0.2.7", 5432))
    assert reached == [("192.0.2.7", 5432)]


def test_bars_taken_down_by_others_are_set_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another's patch that puts back what stood there before ours leaves no hole."""
    before = socket.socket.connect
    with FakeSession(tmp_path, "replay") as session:
        for _ in range(3):
            with session.item(), socket.socket() as sock, pytest.raises(BypassError):
                sock.connect(("192.0.2.1", 443))
            monkeypatch.setattr(socket.socket, "connect", before)
        monkeypatch.setattr(socket.socket, "connect", lambda _, address: None)
        with session.item(), socket.socket() as sock, pytest.raises(BypassError):
            sock.connect(("192.0.2.1", 443))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_port_let_through_opens_no_other(server: FakeServer, tmp_path: Path, host: str) -> None:
    """A service let through by its port, also by its address, leaves a model beside it barred."""
    port = int(server.host.rpartition(":")[2])
    with FakeSession(tmp_path, "replay", passthrough=(f"{host}:{port}",)) as session:
        with session.item():
            _urllib(f"http://{host}:{port}/v1")
            with FakeServer() as other, pytest.raises(BypassError):
                _urllib(other.url)
    with FakeSession(tmp_path, "replay") as session, session.item(), pytest.raises(BypassError):
        _urllib(f"http://{host}:{port}/v1")
    assert server.calls == 1


def test_the_library_is_named(tmp_path: Path) -> None:
    """The message names the first package on the stack that is not the standard library."""
    with FakeSession(tmp_path, "replay") as session, session.item():
        with pytest.raises(BypassError, match="library test_calling_guard tried to reach host"):
            socket.getaddrinfo("model.example", 443)
