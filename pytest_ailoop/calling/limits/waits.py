"""Waiting for one's turn in sync code, also where only time may be waited for.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import threading
import time

from pytest_ailoop.calling.limits.gate import Limits
from pytest_ailoop.calling.limits.lane import Lane, Ticket

__all__ = ["enter", "pause"]

# Seconds between two looks whether the run is being stopped.
_STEP = 0.25


def enter(
    limits: Limits,
    lane: Lane,
    *,
    tokens: float = 0.0,
    number: int | None = None,
    item: object = None,
    may_wait: bool = True,
) -> Ticket:
    """Return a granted ticket in sync code; raises `LimitError` where asking is of no use.

    With *may_wait* False only time is waited for: rates and pauses, but no other call's end.
    """
    turn = threading.Event()
    ticket = limits.ask(lane, turn.set, tokens=tokens, number=number, item=item)
    if ticket.granted:
        return ticket
    try:
        if may_wait:
            _wait(limits, ticket, turn)
        else:
            while wait := limits.force(ticket):
                turn.wait(wait)
        if ticket.fault is not None:
            raise ticket.fault
    except BaseException:
        limits.leave(ticket)
        raise
    return ticket


def pause(limits: Limits, lane: Lane, seconds: float) -> None:
    """Sleep before another try; raises `LimitError` where that one is of no use any more."""
    until = limits.clock() + seconds
    while (left := until - limits.clock()) > 0:
        time.sleep(min(left, _STEP))
        limits.check(lane)


def _wait(limits: Limits, ticket: Ticket, turn: threading.Event) -> None:
    while not turn.wait(limits.pump()):
        pass
