"""Ctrl-C, pressed once or more while a body is waited for."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from pytest_ailoop.plugin.ahead import presses as module
from pytest_ailoop.plugin.ahead.presses import Presses


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("arrived", [True, False])
def test_the_second_is_noted_and_the_third_gets_through(arrived: bool) -> None:
    """Whether the first is still on its way up or pytest puts it into words already."""
    found = Presses()
    found.listen()
    with pytest.raises(KeyboardInterrupt):
        press()
    assert not found.again
    if arrived:
        found.arrived()
    press()
    assert found.again
    with pytest.raises(KeyboardInterrupt):
        press()


def test_a_body_that_swallows_the_first_does_not_swallow_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that comes when the first cannot be on its way any more is raised like the first."""
    monkeypatch.setattr(module, "_UNWINDS", 0.0)
    found = Presses()
    found.listen()
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            press()
    assert not found.again


def test_at_rest_nothing_is_heard() -> None:
    """The handler is Python's own again, and the next body begins with none pressed."""
    found = Presses()
    found.listen()
    with pytest.raises(KeyboardInterrupt):
        press()
    press()
    found.rest()
    assert signal.default_int_handler is signal.getsignal(signal.SIGINT)
    assert found.again
    found.listen()
    assert not found.again


def test_a_handler_of_the_project_stands() -> None:
    """Who handles the signal himself is not asked to share it."""
    heard = []
    signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    found = Presses()
    found.listen()
    found.arrived()
    press()
    found.rest()
    assert ([1], False) == (heard, found.again)
    assert signal.default_int_handler is not signal.getsignal(signal.SIGINT)
