"""Claims on calls: taken, beaten for, given back, and free when their process is gone."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.calling import claims as rules
from pytest_ailoop.calling import processes
from pytest_ailoop.calling.cache import Cache
from pytest_ailoop.calling.claims import Claims
from pytest_ailoop.calling.processes import Others, me
from pytest_ailoop.calling.stored import StoredReply

HERE, THERE = "a" * 16, "b" * 16
MACHINE, NUMBER, _ = me().split(" ")


def reply(address: str = HERE) -> StoredReply:
    return StoredReply(address=address, path="/x", request={}, reply={"text": "hi"})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        (f"elsewhere {NUMBER} x", processes.GONE),
        (f"{MACHINE} LIVING x", processes.GONE_THOUGH_THERE),
        (f"{MACHINE} {NUMBER} x", 0),
        (f"{MACHINE} 999999999 x", 0),
        (f"{MACHINE} {10**30} x", 0),
        ("garbage", processes.GONE),
    ],
    # Names of this machine's processes differ from worker to worker; ids must not.
    ids=["elsewhere", "here, living", "here, of old", "here, gone", "here, absurd", "garbage"],
)
def test_when_a_process_counts_as_gone(name: str, seconds: float) -> None:
    """At once where the system knows that it ended, else some seconds after its last beat."""
    clock = Clock()
    others = Others(clock)
    # Asked for now: who started this process may end while other tests run.
    name = name.replace("LIVING", str(os.getppid()))
    if seconds:
        assert not others.is_gone(name, 1)
        clock.now += seconds - 0.1
        assert not others.is_gone(name, 1)
        assert not others.is_gone(name, 2)
        clock.now += seconds - 0.1
        assert not others.is_gone(name, 2)
        assert not others.is_gone(name, 1)
        clock.now += 0.2
    assert others.is_gone(name, 2)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tells by /proc")
def test_a_dead_process_that_is_still_listed_is_gone() -> None:
    """Its parent has not asked how it ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert Others(Clock()).is_gone(f"{MACHINE} {child.pid} x", 1) is sys.platform.startswith(
        "linux"
    )
    child.wait()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    found = Cache(tmp_path / ".ailoop")
    yield found
    found.close()


def rows(cache: Cache) -> Any:
    with closing(sqlite3.connect(cache.path)) as connection:
        return connection.execute("SELECT address, owner, beat FROM claims").fetchall()


def hold(cache: Cache, address: str, owner: str) -> None:
    """Claim in the name of another process."""
    values = (address, owner, 1)
    cache.database.run(lambda one: one.execute("INSERT INTO claims VALUES (?, ?, ?)", values))


def test_a_claim_ends_with_its_reply(cache: Cache) -> None:
    """Nobody sees the reply without the claim gone, nor the claim gone without the reply."""
    claims = Claims(cache.database)
    assert claims.take(HERE) == "ours"
    assert claims.take(HERE) == "ours"
    assert rows(cache) == [(HERE, me(), 0)]
    cache.put(reply())
    claims.kept(HERE)
    assert rows(cache) == []
    assert claims.take(HERE) == "kept"
    assert claims.take(HERE, since=2e9) == "ours"
    claims.drop(HERE)
    assert rows(cache) == []
    claims.take(THERE)
    claims.close()
    assert rows(cache) == []


def test_a_claim_of_another_is_held_until_it_is_gone(cache: Cache) -> None:
    """A dead one's is taken over."""
    clock = Clock()
    claims = Claims(cache.database, others=Others(clock))
    assert claims.take(THERE) == "ours"
    hold(cache, HERE, "elsewhere 7 x")
    assert claims.take(HERE) == "held"
    clock.now += processes.GONE
    assert claims.take(HERE) == "ours"
    assert (HERE, me(), 0) in rows(cache)
    claims.close()


@pytest.mark.parametrize(
    "freed", ["DELETE FROM claims", "UPDATE claims SET owner = 'x', beat = 'y'"]
)
def test_waiting_ends_when_the_claim_does(freed: str, cache: Cache) -> None:
    """One thread looks for all who wait."""
    claims = Claims(cache.database)
    claims.take(THERE)
    woken = [threading.Event() for _ in range(3)]
    for number, one in enumerate(woken):
        hold(cache, f"{number:016}", "elsewhere 7 x")
        claims.watch(f"{number:016}", one.set)
    claims.unwatch(f"{2:016}")
    assert not woken[0].wait(0.1)
    with closing(sqlite3.connect(cache.path)) as connection:
        connection.execute(f"{freed} WHERE address < 'a'")
        connection.commit()
    assert [one.wait(5) for one in woken[:2]] == [True, True]
    assert not woken[2].is_set()
    claims.close()


def test_beats_go_out_while_the_call_may_come_back(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for a call on a loop that stands still: its process may be waiting for ours."""
    monkeypatch.setattr(rules, "STILL", 0.2)
    claims = Claims(cache.database, beat=0.02)
    still = asyncio.new_event_loop()

    async def turning() -> None:
        claims.take(HERE, loop=asyncio.get_running_loop())
        claims.take(THERE, loop=still)
        claims.take("c" * 16)
        await asyncio.sleep(0.5)

    asyncio.run(turning())
    found = {address: beat for address, _, beat in rows(cache)}
    assert found[THERE] < found[HERE] <= found["c" * 16]
    claims.close()
    still.close()


def test_the_thread_ends_with_its_work(cache: Cache) -> None:
    """None is left where nothing is held, and a later call begins one."""
    claims = Claims(cache.database, beat=0.01)
    for _ in range(2):
        claims.take(HERE)
        thread = claims._thread
        assert thread is not None
        claims.drop(HERE)
        thread.join(5)
        assert claims._thread is None


def test_claims_do_not_cross_a_fork(cache: Cache) -> None:
    """The child is another process: it does not speak for its parent, nor hang by its locks."""
    for _ in range(20):
        claims = Claims(cache.database, beat=0.0001)
        claims.take(HERE)
        child = os.fork()
        if child == 0:
            os._exit(0 if claims.take(HERE) == "held" else 1)
        assert os.waitpid(child, 0)[1] == 0
        claims.close()
    claims.take(HERE)
    child = os.fork()
    if child == 0:
        held = claims.take(HERE)
        claims.take(THERE)
        claims.close()
        os._exit(0 if held == "held" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert [row[:2] for row in rows(cache)] == [(HERE, me())]
    claims.close()
