"""The seam with real clients against a server on loopback: recorded, then replayed without it."""

# Nested `with` tells the session from what is measured in it.
# ruff: noqa: SIM117

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai
import pydantic
import pytest

from pytest_ailoop import recorder, redaction
from pytest_ailoop.errors import BypassError, ReplayMissError, ReplyError
from tests.fakes.openai_server import FakeServer
from tests.fakes.sessions import FakeSession


@pytest.fixture(autouse=True)
def _no_secrets() -> Iterator[None]:
    yield
    redaction.forget()


class City(pydantic.BaseModel):
    name: str
    people: int


def ask(word: str = "terse") -> list[Any]:
    text = f"You are a helper and always be {word} in what you say to people who ask for help"
    return [{"role": "system", "content": text}, {"role": "user", "content": "Hé, wo bist du?"}]


TOOL: Any = {
    "type": "function",
    "function": {
        "name": "find",
        "parameters": {"type": "object", "properties": {"what": {"type": "string"}}},
    },
}


def _client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="sk-test-0123456789")


def sync_chat(url: str, word: str) -> Any:
    with _client(url) as client:
        raw = client.chat.completions.with_raw_response.create(model="m", messages=ask(word))
        return raw.content, raw.parse().choices[0].message.content


def sync_stream(url: str, word: str) -> Any:
    with _client(url) as client:
        stream = client.chat.completions.create(
            model="m", messages=ask(word), stream=True, stream_options={"include_usage": True}
        )
        return [chunk.to_json() for chunk in stream]


def tools(url: str, word: str) -> Any:
    with _client(url) as client:
        reply = client.chat.completions.create(model="m", messages=ask(word), tools=[TOOL])
        return reply.to_json()


def parse(url: str, word: str) -> Any:
    with _client(url) as client:
        reply = client.chat.completions.parse(model="m", messages=ask(word), response_format=City)
        return reply.choices[0].message.parsed


def responses(url: str, word: str) -> Any:
    with _client(url) as client:
        return client.responses.create(model="m", input=f"be {word}").to_json()


def responses_stream(url: str, word: str) -> Any:
    with _client(url) as client:
        stream = client.responses.create(model="m", input=f"be {word}", stream=True)
        return [event.to_json() for event in stream]


def embeddings(url: str, word: str) -> Any:
    with _client(url) as client:
        return client.embeddings.create(model="m", input=["one", word]).to_json()


def async_chat(url: str, word: str) -> Any:
    async def run() -> Any:
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-test-0123456789") as client:
            reply = await client.chat.completions.create(model="m", messages=ask(word))
            return reply.to_json()

    return asyncio.run(run())


def async_stream(url: str, word: str) -> Any:
    async def run() -> Any:
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-test-0123456789") as client:
            stream = await client.chat.completions.create(
                model="m", messages=ask(word), stream=True
            )
            return [chunk.to_json() async for chunk in stream]

    return asyncio.run(run())


def aiohttp_chat(url: str, word: str) -> Any:
    async def run() -> Any:
        async with openai.AsyncOpenAI(
            base_url=url, api_key="sk-test-0123456789", http_client=openai.DefaultAioHttpClient()
        ) as client:
            reply = await client.chat.completions.create(model="m", messages=ask(word))
            stream = await client.chat.completions.create(
                model="m", messages=ask(word), stream=True
            )
            return reply.to_json(), [chunk.to_json() async for chunk in stream]

    return asyncio.run(run())


def plain_httpx(url: str, word: str) -> Any:
    with httpx.Client() as client:
        reply = client.post(f"{url}/chat/completions", json={"model": "m", "messages": ask(word)})
        return reply.status_code, reply.headers["content-type"], reply.content


def plain_httpx2(url: str, word: str) -> Any:
    body = {"model": "m", "messages": ask(word), "stream": True}
    with (
        httpx2.Client() as client,
        client.stream("POST", f"{url}/chat/completions", json=body) as reply,
    ):
        return b"".join(reply.iter_raw())


def thread_pool(url: str, word: str) -> Any:
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(sync_chat, url, f"{word} {number}") for number in range(8)]
        return [one.result() for one in asked]


APPS: list[Callable[[str, str], Any]] = [
    sync_chat,
    sync_stream,
    tools,
    parse,
    responses,
    responses_stream,
    embeddings,
    async_chat,
    async_stream,
    aiohttp_chat,
    plain_httpx,
    plain_httpx2,
    thread_pool,
]


@pytest.mark.parametrize("app", APPS)
def test_recorded_then_replayed_then_changed(app: Any, tmp_path: Path) -> None:
    """What was recorded is replayed exactly, without a server; a changed word fails by name."""
    with FakeServer(numbered=True) as server:
        with FakeSession(tmp_path, "record") as session, session.item() as live:
            recorded = app(server.url, "terse")
        calls = server.calls
        assert calls == len(live.calls) > 0
        assert {call.origin for call in live.calls} == {"live"}
    with FakeSession(tmp_path, "replay") as session:
        with session.item() as notebook:
            assert app(server.url, "terse") == recorded
        assert {call.origin for call in notebook.calls} == {"recording"}
        stripped = [
            [
                (call.digest, call.reply_text, call.usage, call.latency, call.first_token)
                for call in sorted(one.calls, key=lambda call: call.digest)
            ]
            for one in (live, notebook)
        ]
        assert stripped[0] == stripped[1]
        with session.item() as notebook, pytest.raises(ReplayMissError) as caught:
            app(server.url, "kind")
    assert "kind" in str(caught.value)
    assert "terse" in str(caught.value)
    assert '"evals/test_app.py::test_it[one]" --ailoop-replies=record' in str(caught.value)
    assert caught.value in notebook.faults
    assert server.calls == calls


@pytest.mark.parametrize(
    "options", [{"gzip": True}, {"pretty": True}, {"gzip": True, "pretty": True}]
)
@pytest.mark.parametrize("app", [sync_chat, async_stream, plain_httpx, aiohttp_chat])
def test_layout_and_packing_survive(app: Any, options: Any, tmp_path: Path) -> None:
    """Pretty-printed and gzipped replies come back with the same text as live."""
    with FakeServer(**options) as server:
        with FakeSession(tmp_path, "record") as session, session.item():
            recorded = app(server.url, "terse")
    with FakeSession(tmp_path, "replay") as session, session.item():
        assert app(server.url, "terse") == recorded


def test_cache_saves_the_second_call(server: FakeServer, tmp_path: Path) -> None:
    """In auto mode a second session pays nothing; calls tell where the reply came from."""
    origins = []
    for _ in range(2):
        with FakeSession(tmp_path) as session, session.item() as notebook:
            sync_chat(server.url, "terse")
        origins += [call.origin for call in notebook.calls]
    assert origins == ["live", "cache"]
    assert server.calls == 1


def test_live_asks_again(server: FakeServer, tmp_path: Path) -> None:
    """Live mode reads nothing, but what it paid for is there for the next session."""
    for mode in ("live", "live", "auto"):
        with FakeSession(tmp_path, mode) as session, session.item():
            sync_chat(server.url, "terse")
    assert server.calls == 2


def test_trials_and_repeats_are_samples_of_their_own(tmp_path: Path) -> None:
    """Another trial, and the same question asked twice in an item, have replies of their own."""

    def app(url: str) -> list[Any]:
        return [sync_chat(url, "terse")[1] for _ in range(2)]

    with FakeServer(numbered=True) as server:
        with FakeSession(tmp_path, "record") as session:
            recorded = []
            for trial in (1, 2):
                with session.item(trial=trial):
                    recorded.append(app(server.url))
        assert server.calls == 4
    assert len({text for texts in recorded for text in texts}) == 4
    with FakeSession(tmp_path, "replay") as session:
        replayed = []
        for trial in (1, 2):
            with session.item(trial=trial):
                replayed.append(app(server.url))
        assert replayed == recorded
        with session.item(trial=3), pytest.raises(ReplayMissError, match="recorded for trial 1"):
            app(server.url)


def test_repeats_in_flight_together_are_told_apart(tmp_path: Path) -> None:
    """Equal questions asked at once get as many replies, and the same ones in replay."""

    async def run(url: str) -> list[str | None]:
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-test-0123456789") as client:

            async def once() -> str | None:
                reply = await client.chat.completions.create(model="m", messages=ask())
                return reply.choices[0].message.content

            return await asyncio.gather(*[once() for _ in range(4)])

    with FakeServer(numbered=True) as server, FakeSession(tmp_path, "record") as session:
        with session.item():
            recorded = asyncio.run(run(server.url))
    assert len(set(recorded)) == 4
    with FakeSession(tmp_path, "replay") as session, session.item():
        assert asyncio.run(run(server.url)) == recorded


def test_the_same_text_is_judged_once(server: FakeServer, tmp_path: Path) -> None:
    """A judge's call has one address, whatever the trial and how often it is asked."""
    with FakeSession(tmp_path) as session:
        for trial in (1, 2):
            with session.item(trial=trial) as notebook, recorder.judging():
                sync_chat(server.url, "terse")
                sync_chat(server.url, "terse")
            assert {call.purpose for call in notebook.calls} == {"judge"}
    assert server.calls == 1


def test_errors_are_not_kept_and_retried(server: FakeServer, tmp_path: Path) -> None:
    """A 500 is noted and retried by the client; only the good reply is kept, as the first one."""
    server.fail_next(500, retry_after_ms="1")
    with FakeSession(tmp_path, "record") as session, session.item() as notebook:
        sync_chat(server.url, "terse")
    assert [call.status for call in notebook.calls] == [500, 200]
    assert notebook.calls[0].error == ('HTTP 500: {"error": {"message": "asked to fail with 500"}}')
    assert notebook.calls[0].digest == notebook.calls[1].digest
    assert session.recordings.read_text().count("\n") == 2
    with FakeSession(tmp_path, "replay") as session, session.item() as notebook:
        sync_chat(server.url, "terse")
    assert server.calls == 2


def test_transport_failure_is_noted(tmp_path: Path) -> None:
    """A connection that fails leaves its error with each try, and nothing in the cache."""
    with FakeServer() as server:
        url = server.url
    with FakeSession(tmp_path) as session, session.item() as notebook:
        with pytest.raises(httpx.ConnectError):
            plain_httpx(url, "terse")
    assert [call.error for call in notebook.calls] == 3 * [
        "ConnectError: [Errno 111] Connection refused"
    ]
    assert session.store.cache.get(notebook.calls[0].digest) is None


@pytest.mark.parametrize("kind", ["sync", "async", "httpx", "stream"])
def test_a_miss_is_not_retried(kind: str, tmp_path: Path) -> None:
    """A replay miss reaches the application as what it is, at once, and is remembered."""
    apps = {"sync": sync_chat, "async": async_chat, "httpx": plain_httpx, "stream": async_stream}
    with FakeSession(tmp_path, "replay") as session, session.item() as notebook:
        with pytest.raises(Exception, match="no recording") as caught:
            apps[kind]("http://127.0.0.1:9/v1", "terse")
    assert caught.type is ReplayMissError
    assert len(notebook.calls) == len(notebook.faults) == 1
    assert "nothing is recorded there" in str(notebook.faults[0])


def test_stream_left_early_is_not_kept(server: FakeServer, tmp_path: Path) -> None:
    """A stream that the application leaves early is a call, but no reply for replay."""
    with (
        FakeSession(tmp_path) as session,
        session.item() as notebook,
        _client(server.url) as client,
    ):
        with client.chat.completions.create(model="m", messages=ask(), stream=True) as stream:
            for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
    (call,) = notebook.calls
    assert call.error is None
    assert call.reply_text.startswith("echo")
    assert session.store.cache.get(call.digest) is None


def test_stream_is_kept_before_its_last_event(server: FakeServer, tmp_path: Path) -> None:
    """When the application sees the end of a stream, the reply is durable already."""
    body = {"model": "m", "messages": ask(), "stream": True}
    seen = []
    with FakeSession(tmp_path) as session, session.item(), httpx2.Client() as client:
        with client.stream("POST", f"{server.url}/chat/completions", json=body) as reply:
            for piece in reply.iter_bytes():
                if b"[DONE]" in piece:
                    seen = _rows(session)
    assert seen == [(1,)]


def _rows(session: FakeSession) -> Any:
    import sqlite3

    connection = sqlite3.connect(session.store.cache.path)
    try:
        return connection.execute("SELECT count(*) FROM replies").fetchall()
    finally:
        connection.close()


def test_replayed_stream_comes_event_by_event(server: FakeServer, tmp_path: Path) -> None:
    """A replayed stream hands out each event as a piece of its own."""
    body = {"model": "m", "messages": ask(), "stream": True}
    pieces = []
    for mode in ("record", "replay"):
        with FakeSession(tmp_path, mode) as session, session.item(), httpx.Client() as client:
            with client.stream("POST", f"{server.url}/chat/completions", json=body) as reply:
                pieces = list(reply.iter_raw())
    assert len(pieces) == 8
    assert all(piece.endswith(b"\n\n") for piece in pieces)


def test_clients_built_before_are_seen(server: FakeServer, tmp_path: Path) -> None:
    """A client that the application built at import time is seen as well."""
    with _client(server.url) as client:
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
        assert _rows(session) == [(100,)]
