"""Whose time it was: a body's own, or that of others who kept it waiting."""

from __future__ import annotations

import asyncio
import time

import pytest

from pytest_ailoop import recorder
from pytest_ailoop.scheduling import steps
from tests.unit.scheduling.bodies import Items, body


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(steps, "time", found)
    return found


def test_long_steps_of_others_count(clock):
    """What one body computes for long keeps the others waiting, and not itself."""
    found, one, two = steps.Steps(), body(print), body(print)
    found.mark(one)
    found.mark(two)
    found.begin(one)
    clock.now += 2
    assert (0, 2) == (found.held_up(one), found.held_up(two))
    found.end()
    clock.now += 5  # Nobody runs: all wait for their models.
    found.begin(two)
    clock.now += steps.LONG / 2
    found.end()
    assert (0, 2) == (found.held_up(one), found.held_up(two))
    for each in (one, two):
        recorder.end(each.notebook)


def test_steps_before_its_begin_do_not_count(clock):
    """A body that begins later was kept from nothing before."""
    found, one, two = steps.Steps(), body(print), body(print)
    found.mark(one)
    found.begin(one)
    clock.now += 2
    found.end()
    found.mark(two)
    assert 0 == found.held_up(two)
    for each in (one, two):
        recorder.end(each.notebook)


@pytest.mark.parametrize("is_async", [True, False])
def test_time_that_others_took_is_not_spent(is_async):
    """Bodies that compute one after the other have each spent their own time alone."""

    async def work(number):
        time.sleep(0.1)
        await asyncio.sleep(0)

    def sync_work(number):
        time.sleep(0.1)

    done = Items(work if is_async else sync_work, 5, is_async=is_async, gate=5).run()
    assert all(0.1 <= one.spent < 0.3 for one in done), [one.spent for one in done]


def test_a_sync_body_is_told_where_it_is():
    """The engine shows the line of a thread that waits, from the body's own function on."""
    seen = []

    def work(number):
        with recorder.away():
            time.sleep(0.05)
            seen.append(items.engine.work.where(items.bodies[0]))

    items = Items(work, 1, is_async=False)
    items.run()
    names, place = [], seen[0]
    while place is not None:
        names.append(place.tb_frame.f_code.co_name)
        place = place.tb_next
    assert "work" in names
    assert "_body" not in names
    assert None is items.engine.work.where(items.bodies[0])
