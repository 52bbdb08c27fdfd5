"""Identical calls in flight are made once: who leads, who waits, and what they are told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.calling.cache import Cache
from pytest_ailoop.calling.claims import Claims
from pytest_ailoop.calling.single import Single
from pytest_ailoop.calling.stored import StoredReply
from tests.fakes.calls import HERE, Place, reply, turns


def test_the_first_leads_and_the_others_get_its_reply(place: Place) -> None:
    """Of a hundred equal calls at once one goes out, and all get what it brought."""

    async def ends() -> str:
        await turns()
        return f"by {place.out}"

    async def all_at_once() -> list[str]:
        return await asyncio.gather(*(place.ask(str(one), ends) for one in range(100)))

    assert set(asyncio.run(all_at_once())) == {"by ['0']"}
    assert place.out == ["0"]


def test_a_failure_is_not_shared(place: Place) -> None:
    """The next in line tries, and what it gets is for the rest."""

    async def ends() -> str:
        await turns()
        if len(place.out) == 1:
            raise ConnectionError("reset")
        return "at last"

    async def all_at_once() -> list[Any]:
        asked = (place.ask(str(one), ends) for one in range(5))
        return await asyncio.gather(*asked, return_exceptions=True)

    first, *rest = asyncio.run(all_at_once())
    assert isinstance(first, ConnectionError)
    assert rest == ["at last"] * 4
    assert place.out == ["0", "1"]


def test_a_server_that_is_down_is_not_asked_in_turn(place: Place) -> None:
    """After two in a row without a reply, all who wait try side by side."""
    over: list[str] = []
    seen: list[int] = []

    async def ends() -> str:
        seen.append(len(over))
        await turns()
        over.append("")
        raise ConnectionError("refused")

    async def all_at_once() -> list[Any]:
        asked = (place.ask(str(one), ends) for one in range(6))
        return await asyncio.gather(*asked, return_exceptions=True)

    assert all(isinstance(one, ConnectionError) for one in asyncio.run(all_at_once()))
    assert place.out == ["0", "1", "2", "3", "4", "5"]
    assert seen == [0, 1, 2, 2, 2, 2]


@pytest.mark.parametrize("cancelled", [["0"], ["1"], ["0", "1"], ["0", "1", "2"]])
def test_who_is_cancelled_keeps_nobody_waiting(cancelled: list[str], place: Place) -> None:
    """A leader's cancelling hands on, a waiter's does nothing, and neither counts as a failure."""

    async def ends() -> str:
        await turns(50)
        return "hi"

    async def some_of_them() -> list[Any]:
        tasks = {str(one): asyncio.create_task(place.ask(str(one), ends)) for one in range(4)}
        await turns(5)
        for name in cancelled:
            tasks[name].cancel()
        return await asyncio.gather(*tasks.values(), return_exceptions=True)

    answers = asyncio.run(some_of_them())
    assert [one for one in answers if one == "hi"] == ["hi"] * (4 - len(cancelled))
    assert len(place.out) == (2 if "0" in cancelled else 1)


def test_handed_on_and_cancelled_in_one_step(place: Place) -> None:
    """Who was made the leader and is cancelled before it knows hands on as well."""

    async def ends() -> str:
        await turns(50)
        return "hi"

    async def race() -> list[Any]:
        names = ["0", "1", "2"]
        tasks = [asyncio.create_task(place.ask(one, ends)) for one in names]
        await turns(5)
        place.single.leave(HERE, names[0], failed=False)
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(race())
    assert [answers[0], answers[2]] == ["hi", "hi"]
    assert place.out == ["0", "2"]


def test_another_address_is_another_call(place: Place) -> None:
    """Trials and repeats have addresses of their own, and wait for nobody."""

    async def both() -> list[Any]:
        return [await place.single.join_async(one * 16, one) for one in "abc"]

    assert asyncio.run(both()) == [None, None, None]
    for one in "abc":
        place.single.leave(one * 16, one)


def test_an_item_that_is_over_hands_on(place: Place) -> None:
    """A stream that nobody read to its end keeps nobody waiting after its item."""

    async def both() -> None:
        assert await place.single.join_async(HERE, "stream", "item") is None
        waiting = asyncio.create_task(place.single.join_async(HERE, "other", "item 2"))
        await turns()
        assert not waiting.done()
        place.single.end_of("item 3")
        place.single.end_of("item")
        assert await waiting is None

    asyncio.run(both())
    assert place.leaders == ["other"]
    place.single.leave(HERE, "other")


def test_nothing_is_shared_without_claims(tmp_path: Path) -> None:
    """In mode live each call is a measurement of its own."""
    single = Single(None, lambda address: reply())
    assert [single.join(HERE, one) for one in range(3)] == [None, None, None]
    assert asyncio.run(single.join_async(HERE, "x")) is None
    single.kept(HERE)
    single.leave(HERE, 0)
    single.close()


def test_a_cache_of_no_use_does_not_stop_it(tmp_path: Path) -> None:
    """Without a database the calls of this process are still made once."""
    (tmp_path / ".ailoop").write_text("no folder")
    kept: dict[str, StoredReply] = {}
    single = Single(Claims(Cache(tmp_path / ".ailoop").database), kept.get)

    async def both() -> list[Any]:
        first = await single.join_async(HERE, "first")
        second = asyncio.create_task(single.join_async(HERE, "second"))
        await turns()
        kept[HERE] = reply()
        single.kept(HERE)
        return [first, await second]

    assert asyncio.run(both()) == [None, reply()]


def test_a_kept_reply_that_cannot_be_read_is_asked_again(place: Place) -> None:
    """The row says there is a reply; its bytes are damaged."""
    place.keep(reply())
    place.cache.database.run(lambda one: one.execute("UPDATE replies SET sum = 'x'"))
    assert place.single.join(HERE, "again") is None
    place.keep(reply("new"))
    assert place.single.join(HERE, "late") == reply("new")
