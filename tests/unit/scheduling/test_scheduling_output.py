"""What bodies print, log and warn is kept with their item."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import warnings

import pytest

from pytest_ailoop.scheduling.output import held
from tests.unit.scheduling.bodies import Items


def speak(number):
    """Put out one thing of each kind that bears the item's number."""
    print("out", number)
    print("err", number, file=sys.stderr)
    sys.stdout.buffer.write(f"bytes {number}\n".encode())
    logging.getLogger("bodies").warning("log %s", number)
    warnings.warn("the same of all", UserWarning, stacklevel=1)
    warnings.warn(f"warn {number}", UserWarning, stacklevel=1)


@pytest.mark.parametrize("is_async", [True, False])
def test_output_comes_in_its_items_turn(capsys, caplog, is_async):
    """Ten bodies speak in turns of the loop; each one's words come when it is waited for."""

    async def work(number):
        for _ in range(3):
            speak(number)
            await asyncio.sleep(0)

    def sync_work(number):
        from pytest_ailoop import recorder

        for _ in range(3):
            speak(number)
            with recorder.away():
                pass

    items = Items(work if is_async else sync_work, 10, gate=10, is_async=is_async)
    for number, one in enumerate(items.bodies):
        caplog.clear()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("default")
            assert None is items.take(one).fault
        shown = capsys.readouterr()
        assert f"out {number}\nbytes {number}\n" * 3 == shown.out
        assert f"err {number}\n" * 3 == shown.err
        assert [f"log {number}"] * 3 == caplog.messages
        # Of the same place and text, once an item: as if it had run alone.
        assert ["the same of all", f"warn {number}"] == [str(one.message) for one in warned]
    items.close()


def test_warnings_of_one_place_are_all_shown_where_filters_say_so(recwarn):
    """Under `always` a body's repeated warning counts as often as it came."""

    async def work(number):
        for _ in range(3):
            warnings.warn("again", UserWarning, stacklevel=1)
            await asyncio.sleep(0)

    items = Items(work, 2, gate=2)
    for one in items.bodies:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            items.take(one)
        assert ["again"] * 3 == [str(one.message) for one in warned]
    items.close()


def test_a_warning_that_is_an_error_is_raised_in_the_body():
    """With an `error` filter the body itself gets the exception, before its turn as in it."""

    async def work(number):
        await asyncio.sleep(0)
        warnings.warn("bad", UserWarning, stacklevel=1)

    items = Items(work, 3, gate=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [UserWarning] * 3 == [type(one.fault) for one in items.run()]


def test_streams_and_handlers_are_left_as_they_were():
    """After the engine is closed, nothing of ours stands in the way of output."""

    def standing():
        return (
            sys.stdout,
            sys.stderr,
            warnings.showwarning,
            logging.Logger.callHandlers,
            threading.Thread.start,
        )

    before = standing()
    Items(speak_async, 2).run()
    assert before == standing()
    assert None is held()


async def speak_async(number):
    print(number)
