"""Bodies at work, and how they end."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

from pytest_ailoop import recorder
from pytest_ailoop.scheduling.body import Body
from pytest_ailoop.scheduling.work import Work
from tests.unit.scheduling.bodies import body


def ended(function: Callable[..., Any], cut: Callable[[Body], object]) -> tuple[Body, int]:
    """Begin a body, *cut* it at once, and let it end; return it, and how often that was told."""
    told: list[None] = []
    loop = asyncio.new_event_loop()
    work, one = Work(loop, over=lambda: told.append(None), broken=told.append), body(function)
    work.begin(one, contextvars.copy_context())
    cut(one)
    while work:
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    recorder.end(one.notebook)
    return one, len(told)


async def passes(number: int) -> None:
    """Do nothing."""


def test_a_body_that_never_took_a_step_is_no_pass() -> None:
    """Cancelled before its first step, it ends with that: nothing was looked at."""
    one, told = ended(passes, cut=lambda one: one.task.cancel() if one.task else None)
    assert (True, 1) == (one.is_done, told)
    assert isinstance(one.fault, asyncio.CancelledError)


def test_a_body_that_ends_well_has_no_fault() -> None:
    """It is told once, and its task's end adds nothing."""
    one, told = ended(passes, cut=lambda one: None)
    assert (True, 1, None) == (one.is_done, told, one.fault)
