"""What tests of calls share: a server, clean clients, a single flight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ailoop import redaction
from pytest_ailoop.calling.client import close_blocking_clients
from tests.fakes.calls import Place
from tests.fakes.openai_server import FakeServer


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A model server on this machine."""
    with FakeServer() as running:
        yield running


@pytest.fixture
def tidy() -> Iterator[None]:
    """Neither secrets nor connections are left behind."""
    yield
    redaction.forget()
    close_blocking_clients()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A single flight that nobody may wait for in the end."""
    found = Place(tmp_path)
    yield found
    assert found.leaders == []
    assert found.claimed == 0
    found.single.close()
    found.cache.close()
