"""Which item a piece of code runs for."""

from __future__ import annotations

import asyncio
import contextvars
from pathlib import Path

from pytest_ailoop import recorder
from pytest_ailoop.data.case import Case
from pytest_ailoop.data.variant import Variant


def notebook(name: str) -> recorder.Recorder:
    return recorder.Recorder(
        nodeid=name,
        case=Case(id=name),
        variant=Variant(),
        trial=1,
        recordings=Path("r.jsonl"),
        is_async=True,
    )


def test_a_context_that_outlives_its_item_gives_the_running_one() -> None:
    """A task or runner started in one item and used in the next works for the next."""
    with recorder.active(notebook("first")):
        kept = contextvars.copy_context()
    assert kept.run(recorder.current) is None
    with recorder.active(notebook("second")) as second:
        assert kept.run(recorder.current) is second


def test_a_late_context_is_not_guessed() -> None:
    """Among several running items, code of an item that has ended belongs to none."""
    with recorder.active(notebook("first")):
        kept = contextvars.copy_context()
    with recorder.active(notebook("second")), recorder.active(notebook("third")):
        assert kept.run(recorder.current) is None
        assert kept.run(recorder.unattributed)


def test_tasks_keep_to_their_items() -> None:
    """While several items run, each task finds the one that it was started in."""

    async def find(wait: asyncio.Event) -> recorder.Recorder | None:
        await wait.wait()
        return recorder.current()

    async def main() -> None:
        go = asyncio.Event()
        with recorder.active(notebook("a")) as a, recorder.active(notebook("b")) as b:
            inner = asyncio.create_task(find(go))
            recorder.adopt(a)
            outer = asyncio.create_task(find(go))
            await asyncio.sleep(0)
            go.set()
            assert (await outer, await inner) == (a, b)

    asyncio.run(main())


def test_waits_for_a_turn_are_added_up_once() -> None:
    """Calls of one item that wait for their turn at the same time count as one wait."""
    one = notebook("a")
    one.queues(10.0)
    one.queues(11.0)
    one.goes_on(12.0)
    one.goes_on(14.0)
    one.queues(20.0)
    one.goes_on(20.5)
    assert 4.5 == one.queued
