"""What a body that is over leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from pytest_ailoop import recorder
from pytest_ailoop.scheduling.carry import CarryPatch
from tests.unit.scheduling.bodies import Items, notebook


@pytest.fixture
def no_collector() -> Iterator[None]:
    """The collector of cyclic garbage looks at the oldest objects ever more rarely."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def _asleep(number: int) -> None:
    await asyncio.sleep(0.001)


def _away(number: int) -> None:
    with recorder.away():
        time.sleep(0.001)


@pytest.mark.parametrize(("function", "is_async"), [(_asleep, True), (_away, False)])
def test_a_body_that_is_over_goes_with_its_last_reference(
    no_collector: None, function: Callable[..., Any], is_async: bool
) -> None:
    """Neither its task, its thread nor the loop leads back to it."""
    items = Items(function, 6, is_async=is_async)
    for one in list(items.bodies):
        items.take(one)
        recorder.end(one.notebook)
    gone = [weakref.ref(one) for one in items.bodies]
    notebooks = [weakref.ref(one.notebook) for one in items.bodies]
    items.bodies.clear()
    del one
    # The last one's context is what the loop was driven in.
    assert [one() for one in (*gone[:-1], *notebooks[:-1])] == [None] * 10
    items.close()


def test_a_sync_body_gives_back_how_coroutines_are_run_outside_of_it() -> None:
    """After it, its thread cannot wait for the loop any more."""
    items = Items(_away, 1, is_async=False)
    outside = items.bodies[0].notebook.run_async = lambda coroutine: None
    items.run()
    assert items.bodies[0].notebook.run_async is outside


def test_a_thread_of_a_body_does_not_hold_itself(no_collector: None) -> None:
    """What carries the item into a thread is let go of when the thread runs."""
    patch, own, seen = CarryPatch(), notebook("item"), []
    try:
        with recorder.within(own):
            thread = threading.Thread(target=lambda: seen.append(recorder.own()))
            thread.start()
            thread.join()
    finally:
        patch.undo()
        recorder.end(own)
    assert seen == [own]
    gone = weakref.ref(thread)
    del thread
    assert gone() is None


def test_streams_left_half_way_end_in_silence() -> None:
    """Generators inside each other are ended one by one, whichever the loop would end first."""
    ended, told, kept = [], [], []

    async def inner(name: str) -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    async def outer(name: str) -> AsyncIterator[int]:
        try:
            async with contextlib.aclosing(inner(f"inside {name}")) as within:
                async for one in within:
                    yield one
        finally:
            ended.append(name)

    async def leaves(number: int) -> None:
        for name in range(20):
            kept.append(outer(f"{number} {name}"))
            assert 1 == await anext(kept[-1])

    items = Items(leaves, 2)
    items.engine.loop.set_exception_handler(lambda _, context: told.append(context["message"]))
    items.take(items.bodies[0])
    items.take(items.bodies[1])
    items.close()
    assert [] == told
    assert 80 == len(set(ended)) == len(ended)


def test_a_generator_that_cannot_end_is_told() -> None:
    """Its fault goes where the loop tells of faults; the others end all the same."""
    ended, told, kept = [], [], []

    async def stream(number: int) -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            ended.append(number)
            if number == 0:
                raise ValueError("no end")

    async def leaves(number: int) -> None:
        kept.append(stream(number))
        await anext(kept[-1])

    items = Items(leaves, 3)
    items.engine.loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    for one in items.bodies:
        items.take(one)
    items.close()
    assert ["no end"] == [str(one) for one in told]
    assert [0, 1, 2] == sorted(ended)
