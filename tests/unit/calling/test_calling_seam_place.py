"""Where the seam lies: over which clients, hosts, threads and processes, and over which not."""

# Nested `with` tells the session from what is measured in it.
# ruff: noqa: SIM117

from __future__ import annotations

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai
import pytest

from pytest_ailoop import recorder, redaction
from pytest_ailoop.errors import BypassError, ReplyError
from tests.fakes.openai_server import FakeServer
from tests.fakes.sessions import FakeSession
from tests.unit.calling.apps import ask, client_of, plain_httpx, rows, sync_chat

pytestmark = pytest.mark.usefixtures("tidy")


def test_clients_built_before_are_seen(server: FakeServer, tmp_path: Path) -> None:
    """A client that the application built at import time is seen as well."""
    with client_of(server.url) as client:
        client.models.list()
        with FakeSession(tmp_path) as session, session.item() as notebook:
            client.chat.completions.create(model="m", messages=ask())
        assert len(notebook.calls) == 1


def test_outside_of_items_nothing_is_seen(server: FakeServer, tmp_path: Path) -> None:
    """Calls outside of items go their way, in replay too."""
    with FakeSession(tmp_path, "replay"):
        sync_chat(server.url, "terse")
    assert server.calls == 1
    assert list(tmp_path.iterdir()) == []


def test_uninstall_restores(tmp_path: Path) -> None:
    """Without a session the transports and sockets are as they were."""
    import http.client
    import socket

    from openai._vendor.httpx_aiohttp.transport import AiohttpTransport

    places: list[tuple[Any, str]] = [
        (httpx.HTTPTransport, "handle_request"),
        (httpx.AsyncHTTPTransport, "handle_async_request"),
        (httpx2.HTTPTransport, "handle_request"),
        (httpx2.AsyncHTTPTransport, "handle_async_request"),
        (AiohttpTransport, "handle_async_request"),
        (http.client.HTTPConnection, "putrequest"),
        (socket.socket, "connect"),
        (socket.socket, "connect_ex"),
        (socket, "getaddrinfo"),
    ]

    def found() -> list[Any]:
        return [vars(owner).get(name) for owner, name in places]

    before, finders = found(), list(sys.meta_path)
    with FakeSession(tmp_path, "replay") as session:
        from pytest_ailoop.calling import seam

        seam.install(session.store)
        assert all(one is not other for one, other in zip(before, found(), strict=True))
        with FakeSession(tmp_path, "live"):
            pass
        assert all(one is not other for one, other in zip(before, found(), strict=True))
    assert found() == before
    assert sys.meta_path == finders


def test_another_patch_on_top_is_respected(
    server: FakeServer, tmp_path: Path, monkeypatch: Any
) -> None:
    """A patch that lies over ours stays when we leave, and one that took ours away is repaired."""
    original = httpx.HTTPTransport.handle_request
    session = FakeSession(tmp_path)
    with session:
        ours = httpx.HTTPTransport.handle_request
        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", original)
        with session.item() as notebook:
            plain_httpx(server.url, "terse")
        assert len(notebook.calls) == 1
        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda *_: ours(*_))
        top = httpx.HTTPTransport.handle_request
        with session.item() as notebook:
            plain_httpx(server.url, "kind")
        assert len(notebook.calls) == 1
    assert httpx.HTTPTransport.handle_request is not original or top is original
    httpx.HTTPTransport.handle_request = original  # type: ignore[method-assign]


def test_passthrough_hosts_and_local_services_are_left_alone(
    server: FakeServer, tmp_path: Path
) -> None:
    """Hosts let through go live in replay; a local service that is no model is not recorded."""
    with FakeSession(tmp_path, "replay", passthrough=(server.host,)) as session:
        with session.item() as notebook:
            plain_httpx(server.url, "terse")
        assert notebook.calls == []
    with FakeSession(tmp_path, "replay") as session, session.item() as notebook:
        assert httpx.get(f"{server.url}/models").status_code == 200
    assert notebook.calls == []
    assert server.calls == 2


def test_a_thread_of_no_item_fails_by_name(server: FakeServer, tmp_path: Path) -> None:
    """With two items open, a thread that belongs to none is barred in replay and warned of else."""

    def outside() -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(plain_httpx, server.url, "terse").result()

    for mode in ("replay", "auto"):
        with FakeSession(tmp_path, mode) as session:
            with recorder.active(session.notebook("a")), recorder.active(session.notebook("b")):
                if mode == "replay":
                    with pytest.raises(BypassError, match="wrap_context"):
                        outside()
                else:
                    assert outside()[0] == 200
                    assert "wrap_context" in session.store.warnings[0]
                    with ThreadPoolExecutor(1) as pool:
                        bound = recorder.wrap_context(plain_httpx)
                        assert pool.submit(bound, server.url, "terse").result()[0] == 200
    assert server.calls == 2


def test_damaged_recordings_are_no_miss(server: FakeServer, tmp_path: Path) -> None:
    """A damaged file stops the call with file and line, although the cache has the reply."""
    with FakeSession(tmp_path, "record") as session, session.item():
        plain_httpx(server.url, "terse")
    with session.recordings.open("a") as stream:
        stream.write('{"address": \n')
    with FakeSession(tmp_path) as session, session.item() as notebook:
        with pytest.raises(ReplyError, match=r"test_app\.jsonl:3: not JSON"):
            plain_httpx(server.url, "terse")
    assert len(notebook.faults) == 1


CANARY = "sk-canary-0123456789abcdefABCDEF"


def test_no_key_is_written(tmp_path: Path) -> None:
    """A key in header, client, user part, query or path of the base URL is in no file written."""
    with FakeServer() as server:
        places = [
            (server.url, {"Authorization": f"Bearer {CANARY}"}),
            (server.url, {"x-api-key": CANARY}),
            (f"http://{CANARY}@{server.host}/v1", {}),
            (f"http://user:{CANARY}@{server.host}/v1", {}),
            (f"http://{server.host}/{CANARY}/v1", {}),
        ]
        with FakeSession(tmp_path, "record") as session:
            for number, (url, headers) in enumerate(places):
                with session.item():
                    redaction.forget()
                    body = {"model": "m", "messages": ask(f"{number} {CANARY}")}
                    for query in ("", f"?key={CANARY}"):
                        reply = httpx.post(
                            f"{url}/chat/completions{query}", json=body, headers=headers
                        )
                        assert reply.status_code == 200
            with session.item(), openai.OpenAI(base_url=server.url, api_key=CANARY) as client:
                client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": f"say {CANARY}"}]
                )
    session.store.close()
    from pytest_ailoop.calling.entries import text_in

    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) >= 3
    for path in written:
        assert CANARY.encode() not in path.read_bytes(), path
    import sqlite3

    connection = sqlite3.connect(session.store.cache.path)
    for row in connection.execute("SELECT address, entry, sum FROM replies"):
        assert CANARY not in (text_in(*row) or CANARY)
    connection.close()
    assert "[secret]" in session.recordings.read_text()


def _run(code: str, tmp_path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_client_imported_inside_the_test_is_seen(server: FakeServer, tmp_path: Path) -> None:
    """Installing imports no client; one imported inside the test for the first time is seen."""
    printed = _run(
        f"""
        import sys
        from pathlib import Path
        from tests.fakes.sessions import FakeSession
        with FakeSession(Path({str(tmp_path)!r})) as session, session.item() as notebook:
            for name in ("httpx", "httpx2", "openai", "aiohttp", "pydantic"):
                assert name not in sys.modules, name
            import asyncio, openai, httpx
            loader = openai.__spec__.loader
            client = openai.OpenAI(base_url={server.url!r}, api_key="x")
            client.chat.completions.create(model="m", messages=[])
            httpx.post({server.url!r} + "/chat/completions", json={{"model": "m"}})
            async def run():
                http = openai.DefaultAioHttpClient()
                async with openai.AsyncOpenAI(
                    base_url={server.url!r}, api_key="x", http_client=http
                ) as client:
                    await client.chat.completions.create(model="n", messages=[])
            asyncio.run(run())
            import httpx2
            assert type(httpx2.__spec__.loader) is type(loader) is type(httpx2.__loader__)
        print(len(notebook.calls))
        """,
        tmp_path,
    )
    assert printed == "3\n"


def test_alias_httpx_is_patched_once(server: FakeServer, tmp_path: Path) -> None:
    """Where httpx is another name of httpx2, a call is seen once."""
    printed = _run(
        f"""
        from pathlib import Path
        import httpx2
        httpx2.alias_httpx()
        import httpx
        assert httpx.HTTPTransport is httpx2.HTTPTransport
        original = httpx.HTTPTransport.handle_request
        from tests.fakes.sessions import FakeSession
        with FakeSession(Path({str(tmp_path)!r})) as session, session.item() as notebook:
            for module in (httpx, httpx2):
                module.post({server.url!r} + "/chat/completions", json={{"model": "m"}})
        assert httpx.HTTPTransport.handle_request is original
        print(len(notebook.calls))
        """,
        tmp_path,
    )
    assert printed == "2\n"


def test_two_processes_share_a_cache(server: FakeServer, tmp_path: Path) -> None:
    """Two processes that start on an empty cache at once both keep all that they were answered."""
    code = f"""
    import sys, httpx
    from pathlib import Path
    from tests.fakes.sessions import FakeSession
    with FakeSession(Path({str(tmp_path)!r})) as session, session.item(), httpx.Client() as client:
        for number in range(50):
            body = {{"model": "m", "number": number, "who": sys.argv[1]}}
            client.post({server.url!r} + "/chat/completions", json=body)
    print(session.store.warnings, session.store._kept)
    """
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), name],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    assert [run.communicate(timeout=60)[0] for run in runs] == ["[] {}\n"] * 2
    with FakeSession(tmp_path) as session:
        assert rows(session) == [(100,)]
