"""What ends bodies or lets them go on: drains, interruptions, cuts, and threads of their own."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from pytest_ailoop import recorder
from pytest_ailoop.scheduling.seats import BodyCut
from tests.unit.scheduling.bodies import Crowd, Items


def test_drain_ends_all_that_began_and_begins_nothing():
    """Before an item that runs alone, bodies at work end and no further one begins."""
    begun, ended = [], []

    async def work(number):
        begun.append(number)
        await asyncio.sleep(0.02 if number else 0)
        ended.append(number)

    items = Items(work, 12, gate=3)
    items.take(items.bodies[0])
    items.engine.drain()
    assert (0, begun) == (items.engine.active, sorted(ended))
    assert len(begun) < 12
    items.close()


@pytest.mark.parametrize("is_async", [True, False])
def test_an_interruption_reaches_the_waiter_and_not_the_running_body(is_async):
    """What a signal's handler gives is raised by `wait`; the body at work goes on unharmed."""
    fault = TimeoutError("too long")

    async def work(number):
        if number == 1:
            items.engine.interrupt(fault)
        await asyncio.sleep(0.01 * (10 if number == 0 else 1))

    def sync_work(number):
        if number == 1:
            items.engine.interrupt(fault)
        with recorder.away():
            time.sleep(0.01 * (10 if number == 0 else 1))

    items = Items(work if is_async else sync_work, 2, gate=2, is_async=is_async)
    items._coming.pop(0)
    with pytest.raises(TimeoutError) as caught:
        items.take(items.bodies[0])
    assert fault is caught.value
    assert None is items.take(items.bodies[1]).fault
    items.close()


def test_a_cut_body_ends_at_once():
    """Bodies that are cut run their `finally` blocks."""
    ended = []

    async def work(number):
        if number == 1:
            items.engine.interrupt(TimeoutError())
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(number)

    items = Items(work, 2, gate=2)
    with pytest.raises(TimeoutError):
        items.take(items.bodies[0])
    items.engine.stop()
    items.close()
    assert ([0, 1], [True, True]) == (sorted(ended), [one.is_cut for one in items.bodies])


def test_a_sync_body_that_waits_ends_when_it_is_back():
    """A thread that is cut while it waits does not get the baton again."""
    went_on, cut = [], []

    def work(number):
        try:
            with recorder.away():
                time.sleep(0.2)
            went_on.append(number)
        except BodyCut:
            cut.append(number)
            raise

    items = Items(work, 1, is_async=False)
    items.engine.interrupt(TimeoutError())
    with pytest.raises(TimeoutError):
        items.take(items.bodies[0])
    items.engine.stop()
    items.close()
    assert ([], [0]) == (went_on, cut)


def test_a_coroutine_runs_for_a_sync_body_while_others_go_on():
    """`run_async` of a sync body's notebook runs on the loop, in the body's context."""
    crowd, owners = Crowd(), []

    async def judge():
        with crowd.inside():
            await asyncio.sleep(0.01)
            owners.append(recorder.own().nodeid)
        return "verdict"

    found = []

    def work(number):
        found.append(recorder.own().run_async(judge()))

    Items(work, 4, gate=4, is_async=False).run()
    assert (["verdict"] * 4, 4) == (found, crowd.most)
    assert {f"item {number}" for number in range(4)} == set(owners)


def test_threads_of_a_body_belong_to_its_item():
    """A thread or pool job that a body starts is told to that body's item."""
    from concurrent.futures import ThreadPoolExecutor

    owners = []
    pool = ThreadPoolExecutor(1)

    def tell(number):
        owners.append((number, recorder.own().nodeid))

    async def work(number):
        await asyncio.sleep(0)
        thread = threading.Thread(target=tell, args=(number,))
        thread.start()
        thread.join()
        pool.submit(tell, number).result()

    Items(work, 3, gate=3).run()
    pool.shutdown()
    assert [(n, f"item {n}") for n in (0, 0, 1, 1, 2, 2)] == sorted(owners)
    assert "carrying" not in threading.Thread.start.__name__


def test_a_slow_body_holds_nobody_up():
    """While one body is waited for long, more than the lookahead begin, up to the most."""
    begun = []

    async def work(number):
        begun.append(number)
        await asyncio.sleep(0.1 if number == 0 else 0)

    items = Items(work, 40, gate=2, lookahead=4, most=30)
    items.take(items.bodies[0])
    assert list(range(31)) == sorted(begun)
    items.close()


def test_a_body_that_needs_no_waiting_lets_none_begin():
    """Where bodies end in their first step, each runs in its turn: a later one that blocks would
    keep their reports back."""
    begun = []

    def work(number):
        begun.append(number)

    items = Items(work, 5, gate=4, is_async=False)
    for number, one in enumerate(items.bodies):
        items.take(one)
        assert list(range(number + 1)) == begun
    items.close()


def test_a_released_body_goes_on_to_its_end():
    """A body that nobody will wait for is not cut; its end is told."""
    told = []

    async def work(number):
        await asyncio.sleep(0.02 if number else 0.01)

    items = Items(work, 3, gate=3)
    items.take(items.bodies[0])
    items.engine.release(items.bodies[1], lambda: told.append(items.bodies[1].is_done))
    assert [] == told
    items.take(items.bodies[2])
    items.engine.drain()
    items.close()
    assert ([True], False, None) == (told, items.bodies[1].is_cut, items.bodies[1].fault)
