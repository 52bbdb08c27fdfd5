"""Where `llm`'s short way leads: paths, proxies, the environment; and what it does not import."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.calling.client import LLM, SyncLLM, close_blocking_clients
from pytest_ailoop.calling.client import request as request_module
from pytest_ailoop.data.variant import ModelSpec
from tests.fakes.both_ways import ask, took_the_client
from tests.fakes.openai_server import FakeServer
from tests.fakes.sessions import FakeSession

pytestmark = pytest.mark.usefixtures("tidy")


@pytest.mark.parametrize(
    ("variable", "value", "by_client"),
    [
        ("HTTP_PROXY", "", False),
        ("HTTPS_PROXY", "http://127.0.0.1:9", False),
        ("HTTP_PROXY", "PROXY", True),
        ("ALL_PROXY", "PROXY", True),
        ("OPENAI_CUSTOM_HEADERS", "x-mine: 1", True),
    ],
)
@pytest.mark.parametrize("kind", [LLM, SyncLLM])
def test_proxies_are_honoured(
    tmp_path: Path,
    kind: Any,
    variable: str,
    value: str,
    by_client: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the environment puts before the server is the client's to follow."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with FakeServer() as server, FakeServer() as proxy:
        monkeypatch.setenv(variable, value.replace("PROXY", f"http://{proxy.host}"))
        asked = proxy if value == "PROXY" else server
        spec = ModelSpec(alias="m", model="fake", base_url=server.url)
        with FakeSession(tmp_path, "live") as session, session.item():
            assert ask(kind, spec, prompt="x").text == "echo: x"
        assert (server.calls, proxy.calls) == ((1, 0) if asked is server else (0, 1))
        assert took_the_client(asked) is by_client


def test_a_proxy_that_comes_later_is_seen(
    tmp_path: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the connections are closed, the next call goes by what the environment says then."""
    spec = ModelSpec(alias="m", model="fake", base_url=server.url)
    with FakeSession(tmp_path, "live") as session, session.item():
        ask(SyncLLM, spec, prompt="x")
    close_blocking_clients()
    with FakeServer() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://{proxy.host}")
        with FakeSession(tmp_path, "live") as session, session.item():
            ask(SyncLLM, spec, prompt="x")
    assert (1, 1) == (server.calls, proxy.calls)


@pytest.mark.parametrize("bypassed", ["127.0.0.1", "*", "x, 127.0.0.1"])
def test_a_host_without_proxy_is_asked_directly(
    tmp_path: Path, server: FakeServer, bypassed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_PROXY keeps the short way open for servers nearby."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", bypassed)
    spec = ModelSpec(alias="m", model="fake", base_url=server.url)
    with FakeSession(tmp_path, "live") as session, session.item():
        ask(SyncLLM, spec, prompt="x")
    assert not took_the_client(server)


@pytest.mark.parametrize("prefix", ["/v1", "/v1/", "", "/gateway/acct-1/v1"])
def test_a_path_before_the_endpoint_is_kept(
    tmp_path: Path, server: FakeServer, prefix: str
) -> None:
    """Gateways put their own path in front; the address does not see it."""
    base = f"http://{server.host}{prefix}"
    spec = ModelSpec(alias="m", model="fake", base_url=base)
    seen = []
    for by_client in (False, True):
        with FakeSession(tmp_path, "live") as session, session.item() as notebook:
            ask(SyncLLM, spec, prompt="x", by_client=by_client)
        seen.append((server.requests[-1]["path"], notebook.calls[0].digest))
    assert seen[0] == seen[1]
    assert seen[0][0] == f"{prefix.rstrip('/')}/chat/completions"


def script(root: Path, url: str, mode: str) -> str:
    return textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from pytest_ailoop.calling.client import LLM, SyncLLM, close_clients
        from pytest_ailoop.data.variant import ModelSpec
        from tests.fakes.sessions import FakeSession

        spec = ModelSpec(alias="m", model="fake", base_url={url!r})

        async def inside():
            more = dict(temperature=0, metadata={{"a": "b"}}, extra_body={{"top_k": 1}})
            assert (await LLM(spec)("where?", **more)).text == "echo: where?"
            await close_clients()

        with FakeSession(Path({str(root)!r}), {mode!r}) as session, session.item():
            asyncio.run(inside())
            assert SyncLLM(spec)("who?").text == "echo: who?"
        heavy = {{"openai", "httpx2", "httpx", "httpcore2", "anyio", "aiohttp", "pydantic"}}
        print(sorted(heavy & set(sys.modules)))
    """)


@pytest.mark.parametrize("mode", ["live", "auto"])
def test_live_calls_import_no_client(tmp_path: Path, server: FakeServer, mode: str) -> None:
    """A session whose calls are all `llm`'s never pays for the import of openai, half a second."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script(tmp_path, server.url, mode)],
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert server.calls == 2


def test_parameters_known_without_the_client_are_parameters_of_it() -> None:
    """The list that spares the import names nothing that the client does not take."""
    from openai.resources.chat.completions import Completions

    known = set(inspect.signature(Completions.create).parameters)
    assert set() == request_module._USUAL - known
