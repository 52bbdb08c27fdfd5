"""Identical calls in threads and on several loops: who may wait for whom."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from pytest_ailoop import recorder
from tests.fakes.calls import HERE, Place, reply, turns


def in_threads(work: list[Callable[[], Any]]) -> tuple[list[Any], Callable[[], None]]:
    results: list[Any] = [None] * len(work)

    def run(number: int) -> None:
        results[number] = work[number]()

    threads = [threading.Thread(target=run, args=(one,)) for one in range(len(work))]
    for one in threads:
        one.start()

    def join() -> None:
        for one in threads:
            one.join(10)

    return results, join


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def waiting(place: Place) -> int:
    return sum(len(one.waiting) for one in list(place.single._leads.values()))


def test_threads_wait_as_well(place: Place) -> None:
    """Sync calls in threads are made once."""
    start = threading.Event()
    asked = [lambda one=one: place.ask_in_thread(str(one), "hi", start) for one in range(8)]
    results, join = in_threads(asked)
    until(lambda: waiting(place) == 7)
    start.set()
    join()
    assert results == ["hi"] * 8
    assert len(place.out) == 1


def test_a_thread_that_fails_hands_on(place: Place) -> None:
    """The next thread leads."""
    assert place.single.join(HERE, "first") is None
    start = threading.Event()
    start.set()
    results, join = in_threads([lambda: place.ask_in_thread("second", "hi", start)])
    until(lambda: waiting(place) == 1)
    place.single.leave(HERE, "first")
    join()
    assert results == ["hi"]


def test_blocking_code_that_may_not_wait_makes_its_own_call(place: Place) -> None:
    """It goes out at once; what it brings is for all who wait."""
    assert place.single.join(HERE, "leader") is None
    start = threading.Event()
    results, join = in_threads([lambda: place.ask_in_thread("waiter", "hi", start)])
    until(lambda: waiting(place) == 1)
    assert place.single.join(HERE, "main", may_wait=False) is None
    place.keep(reply("by main"))
    join()
    assert results == ["by main"]
    place.single.leave(HERE, "leader")
    assert place.out == []


@contextmanager
def turn_taking(takes_turns: bool) -> Iterator[None]:
    recorder.take_turns(nullcontext if takes_turns else None)
    try:
        yield
    finally:
        recorder.take_turns(None)


@pytest.mark.parametrize("takes_turns", [True, False])
def test_who_waits_for_a_call_on_a_loop(takes_turns: bool, place: Place) -> None:
    """A body that lets others go on waits; a thread that may hold the loop up does not."""

    def ask() -> Any:
        with turn_taking(takes_turns):
            return place.single.join(HERE, "thread")

    async def both() -> list[Any]:
        assert await place.single.join_async(HERE, "task") is None
        thread = asyncio.create_task(asyncio.to_thread(ask))
        if takes_turns:
            await asyncio.to_thread(until, lambda: waiting(place) == 1)
        else:
            assert await thread is None
        place.keep(reply())
        return [await thread]

    assert asyncio.run(both()) == ([reply()] if takes_turns else [None])


def test_a_loop_does_not_wait_for_another(place: Place) -> None:
    """The other loop stands still while this one runs, so its call would never end."""
    assert asyncio.run(place.single.join_async(HERE, "there")) is None
    assert asyncio.run(place.single.join_async(HERE, "here")) is None
    place.single.leave(HERE, "here")
    place.single.leave(HERE, "there")


def test_a_waiter_whose_loop_is_gone_is_passed_over(place: Place) -> None:
    """The next one that can hear is told to lead."""
    loop = asyncio.new_event_loop()

    async def begin() -> None:
        assert await place.single.join_async(HERE, "first") is None
        tasks.append(asyncio.ensure_future(place.single.join_async(HERE, "second")))
        await turns()

    def ask() -> Any:
        with turn_taking(True):
            return place.single.join(HERE, "third")

    tasks: list[Any] = []
    loop.run_until_complete(begin())
    results, join = in_threads([ask])
    until(lambda: waiting(place) == 2)
    loop.close()
    place.single.leave(HERE, "first")
    join()
    assert results == [None]
    assert place.leaders == ["third"]
    place.single.leave(HERE, "third")
    tasks[0]._log_destroy_pending = False
    tasks[0].get_coro().close()


def test_a_forked_process_leads_for_itself(place: Place) -> None:
    """Its parent's calls end in the parent."""
    assert place.single.join(HERE, "parent") is None
    child = os.fork()
    if child == 0:
        # With a claim of its own it waits for nobody.
        found = [place.single.join(one, "child", may_wait=False) for one in ("b" * 16, HERE)]
        leaders = place.leaders
        place.single.close()
        os._exit(0 if [*found, *leaders] == [None, None, "child", "child"] else 1)
    assert os.waitpid(child, 0)[1] == 0
    place.single.leave(HERE, "parent")


@pytest.mark.parametrize("holds_another", [False, True])
def test_who_waits_for_another_process(holds_another: bool, place: Place) -> None:
    """Code that may wait for nobody does, unless the other process could be waiting for ours."""
    other = "INSERT INTO claims VALUES (?, 'elsewhere 7 x', 1)"
    if holds_another:
        assert place.single.join("b" * 16, "held") is None
    place.cache.database.run(lambda one: one.execute(other, (HERE,)), writing=True)
    keeping = threading.Timer(0.1, lambda: place.cache.put(reply()))
    keeping.start()
    found = place.single.join(HERE, "main", may_wait=False)
    assert found == (None if holds_another else reply())
    keeping.join()
    place.single.leave(HERE, "main")
    place.single.leave("b" * 16, "held")
