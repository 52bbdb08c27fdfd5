"""What a worker sees of the items that xdist has queued for it."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_ailoop.plugin.ahead import window as window_module
from pytest_ailoop.plugin.ahead.needs import Needs
from pytest_ailoop.plugin.ahead.window import Window


class Queue:
    """The queue of a worker; counts what is read of it."""

    def __init__(self, places: Iterator[int]) -> None:
        self.places, self.read = deque(places), 0

    @contextlib.contextmanager
    def lock(self) -> Iterator[Any]:
        yield self

    def __iter__(self) -> Iterator[int]:
        for place in self.places:
            self.read += 1
            yield place


class Item:
    """An item that asks for nothing."""

    def __init__(self, number: int) -> None:
        self.number, self.parent = number, None

    def listchain(self) -> list[Any]:
        return []


class Worker:
    """xdist's part in a worker process that has *count* items before it."""

    def __init__(self, count: int) -> None:
        self.torun, self.nextitem_index = Queue(iter(range(2, count))), 1
        items = [Item(number) for number in range(count)]
        manager = SimpleNamespace(get_plugins=lambda: [self])
        config = SimpleNamespace(workerinput={}, pluginmanager=manager)
        self.session: Any = SimpleNamespace(config=config, items=items)
        self.window = Window(self.session, fits=lambda item: True)
        self.window.move(items[0])

    def goes_on(self) -> None:
        """Come to the next item."""
        current = self.session.items[self.nextitem_index]
        self.nextitem_index = self.torun.places.popleft()
        self.window.move(current)

    def given(self, count: int) -> list[int]:
        """Return the numbers of the next *count* items that are given out."""
        return [item.number for _, item in zip(range(count), self.window, strict=False)]


@pytest.fixture(autouse=True)
def _plain_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "needs_of", lambda item: Needs(None))
    monkeypatch.setattr(window_module, "is_kept", lambda item: False)


def test_all_items_are_given_out_in_turn() -> None:
    """However many are queued, each comes once, and none is left out."""
    worker = Worker(1000)
    found = worker.given(300)
    while worker.torun.places:
        worker.goes_on()
        found += worker.given(3)
    assert list(range(1, 1000)) == sorted(found)
    assert len(found) == len(set(found))


def test_a_long_queue_costs_no_more_than_a_short_one() -> None:
    """What is read for each item does not grow with what is queued."""
    read = []
    for count in (1000, 10_000):
        worker = Worker(count)
        worker.given(20)
        for _ in range(50):
            worker.goes_on()
            worker.given(1)
        read.append(worker.torun.read)
    assert read[0] == read[1] < 51 * 200


def test_items_that_xdist_took_away_are_missed() -> None:
    """Of those that were given out, only they are gone."""
    worker = Worker(300)
    worker.given(200)
    for place in range(150, 170):
        worker.torun.places.remove(place)
    worker.goes_on()
    assert {*range(2, 150), *range(170, 201)} == {item.number for item in worker.window.given}
