"""What begins behind a body that took long."""

from __future__ import annotations

import asyncio

from tests.unit.scheduling.bodies import Items


def test_behind_a_slow_body_others_go_on_beginning() -> None:
    """For each of the many that are done and taken now, another begins: no call waits for reports.

    They are never more than before, and when they are few the lookahead counts again.
    """
    begun: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        await asyncio.sleep(0.1 if number == 0 else 0)

    items = Items(work, 60, gate=2, lookahead=4, most=30)
    items.take(items.bodies[0])
    assert 31 == len(begun)
    for number in range(1, 20):
        items.take(items.bodies[number])
        assert 31 + number == len(begun)
    items.close()
    assert sorted(begun) == list(range(50))


def test_a_lookahead_that_was_asked_for_is_kept() -> None:
    """Where no more than the lookahead may begin, none does behind a slow body either."""
    begun: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        await asyncio.sleep(0.05 if number == 0 else 0)

    items = Items(work, 20, gate=2, lookahead=4)
    for number in range(10):
        items.take(items.bodies[number])
        assert len(begun) <= number + 5
    items.close()


def test_where_reports_lag_behind_they_come_first():
    """With many bodies done and not reported, each report gives the loop two turns; else four."""
    turns = []

    async def work(number):
        if number == 0:
            await asyncio.sleep(0.05)
        if number == 29:
            while True:
                turns.append(number)
                await asyncio.sleep(0)

    items = Items(work, 30, gate=4, lookahead=30, most=30)
    items.take(items.bodies[0])
    seen = []
    for one in items.bodies[1:29]:
        before = len(turns)
        items.take(one)
        seen.append(len(turns) - before)
    items.engine.drop(items.bodies[29])
    items.close()
    assert (2, 4) == (seen[0], seen[-1])
