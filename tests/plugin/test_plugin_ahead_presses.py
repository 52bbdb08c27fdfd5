"""A second Ctrl-C while pytest deals with the first."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from pytest_ailoop.plugin.ahead.presses import Presses


@pytest.fixture(autouse=True)
def _ordinary_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_second_one_is_taken_and_the_third_gets_through() -> None:
    """Whoever presses on is not kept waiting."""
    presses = Presses()
    presses.watch()
    signal.raise_signal(signal.SIGINT)
    assert presses.again
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_afterwards_all_is_as_before() -> None:
    """Once the run has come to its end, a Ctrl-C is what it always is."""
    presses = Presses()
    presses.watch()
    presses.rest()
    assert not presses.again
    assert signal.default_int_handler is signal.getsignal(signal.SIGINT)


def test_a_handler_of_the_project_stays() -> None:
    """Where somebody else takes the signal, it is theirs."""
    taken: list[int] = []

    def own(number: int, frame: object) -> None:
        taken.append(number)

    signal.signal(signal.SIGINT, own)
    presses = Presses()
    presses.watch()
    signal.raise_signal(signal.SIGINT)
    presses.rest()
    assert ([signal.SIGINT], False) == (taken, presses.again)
    assert own is signal.getsignal(signal.SIGINT)
