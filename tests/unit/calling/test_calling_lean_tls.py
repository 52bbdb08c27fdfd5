"""`llm`'s own connections trust whom openai's client trusts."""

# Nested `with` tells the session from what is measured in it.
# ruff: noqa: SIM117

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop import redaction
from pytest_ailoop.calling.client import LLM, SyncLLM, close_blocking_clients
from pytest_ailoop.calling.client import connections as connections_module
from pytest_ailoop.calling.client import server as server_module
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import ReplyError
from tests.fakes.both_ways import ask
from tests.fakes.raw_server import Peer, RawServer
from tests.fakes.sessions import FakeSession

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    named = ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
    subprocess.run([*command.split(), *named], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def spec(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelSpec]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def serve(peer: Peer) -> None:
        with contextlib.suppress(ssl.SSLError):
            with context.wrap_socket(peer.connection, server_side=True) as secured:
                server.answer(Peer(secured))

    monkeypatch.setenv("HUSH_KEY", "k")
    connections_module.tls.cache_clear()
    with RawServer(serve) as server:
        url = f"https://localhost:{server.port}/v1"
        yield ModelSpec(alias="m", model="m", base_url=url, api_key_env="HUSH_KEY")
    connections_module.tls.cache_clear()
    close_blocking_clients()
    server_module._servers.clear()
    redaction.forget()


@pytest.mark.parametrize("kind", [LLM, SyncLLM])
@pytest.mark.parametrize("trusted", [True, False])
def test_certificates_are_checked(
    tmp_path: Path,
    certificate: tuple[Path, Path],
    spec: ModelSpec,
    kind: Any,
    trusted: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SSL_CERT_FILE adds to whom the system trusts; a stranger is not told the key."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    refused = pytest.raises(ReplyError, match="certificate verify failed")
    with FakeSession(tmp_path, "live") as session, session.item() as notebook:
        with contextlib.nullcontext() if trusted else refused:
            assert ask(kind, spec, prompt="x").text == "Hi."
    assert [call.status for call in notebook.calls] == [200 if trusted else None]
