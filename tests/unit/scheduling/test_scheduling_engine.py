"""How many bodies run, and in which order they end."""

from __future__ import annotations

import asyncio
import threading
import time

from pytest_ailoop import recorder
from tests.unit.scheduling.bodies import Crowd, Items


def test_the_gate_is_reached_and_never_passed():
    """Of ten bodies that wait, four are at work at once: as many as the gate lets in."""
    crowd = Crowd()

    async def work(number):
        with crowd.inside():
            await asyncio.sleep(0.01)

    done = Items(work, 10, gate=4).run()
    assert (4, 10, [None] * 10) == (crowd.most, crowd.begun, [one.fault for one in done])


def test_sync_bodies_wait_side_by_side():
    """Bodies that block in a wait of ours overlap, each in a thread of its own."""
    crowd, threads = Crowd(), set()

    def work(number):
        with crowd.inside(), recorder.away():
            threads.add(threading.get_ident())
            time.sleep(0.02)

    Items(work, 10, gate=4, is_async=False).run()
    assert (4, 10) == (crowd.most, crowd.begun)
    assert threading.get_ident() not in threads


def test_sync_bodies_run_one_at_a_time():
    """Outside of such waits no two bodies run at once, so plain globals keep their meaning."""
    value, seen = [0], []

    def work(number):
        for _ in range(20):
            value[0] = number
            time.sleep(0.002)
            seen.append(value[0] == number)
            with recorder.away():
                time.sleep(0.002)

    done = Items(work, 6, gate=6, is_async=False).run()
    assert [None] * 6 == [one.fault for one in done]
    assert (120, True) == (len(seen), all(seen))


def test_the_lookahead_bounds_what_was_started_and_not_taken():
    """While the first body is waited for, only so many of the later ones are started."""
    begun = []
    release = asyncio.Event()

    async def work(number):
        begun.append(number)
        if number == 0:
            await asyncio.sleep(0.05)
        elif number == 3:
            release.set()

    items = Items(work, 20, gate=20, lookahead=5)
    items.take(items.bodies[0])
    assert [0, 1, 2, 3, 4, 5] == sorted(begun)
    items.close()


def test_an_outcome_waits_for_its_turn():
    """Each body's own exception is kept with it, `SystemExit` and cancellation too."""
    faults = [ValueError("a"), SystemExit(3), asyncio.CancelledError(), None]

    async def work(number):
        await asyncio.sleep(0)
        if faults[number]:
            raise faults[number]

    assert faults == [one.fault for one in Items(work, 4).run()]


def test_a_sync_body_keeps_its_outcome():
    """A sync body's `SystemExit` ends its own thread and nothing else."""
    faults = [SystemExit(3), None, KeyError("x")]

    def work(number):
        if faults[number]:
            raise faults[number]

    assert faults == [one.fault for one in Items(work, 3, is_async=False).run()]


def test_nothing_moves_between_turns():
    """A body that could go on stands still while nobody waits for one."""
    steps = []

    async def work(number):
        for step in range(100):
            steps.append((number, step))
            await asyncio.sleep(0)
            if number == 0 and step == 3:
                return

    items = Items(work, 2, gate=2)
    items.take(items.bodies[0])
    before = len(steps)
    time.sleep(0.02)
    assert before == len(steps)
    items.take(items.bodies[1])
    items.close()
    assert (1, 99) == steps[-1]


def test_long_pauses_do_not_count_as_time():
    """A client's timeout of a body does not run out while an ordinary test takes long."""
    faults = []

    async def work(number):
        if number == 1:
            try:
                async with asyncio.timeout(0.3):
                    await asyncio.sleep(0.2)
            except TimeoutError as fault:
                faults.append(fault)

    items = Items(work, 2, gate=2)
    items.take(items.bodies[0])
    time.sleep(0.4)
    items.take(items.bodies[1])
    items.close()
    assert [] == faults
    assert 0.19 < items.bodies[1].duration < 0.4
