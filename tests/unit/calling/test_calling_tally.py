"""What a session paid, counted by one process or by several together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ailoop.calling.tally import Tally
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.money import Money
from pytest_ailoop.settings import Settings

LIVE = Call(digest="d", path="/chat/completions", origin="live", cost=0.1)
LOST = replace(LIVE, cost=None, error="ConnectError: no")
CACHED = replace(LIVE, origin="cache", cost=0.25)
RECORDED = replace(CACHED, origin="recording", cost=None)


@pytest.mark.parametrize("session", ["", "abc"])
def test_live_and_stored_calls_are_counted_apart(tmp_path: Path, session: str) -> None:
    """A cost that is not known is counted as such, and added to nothing."""
    tally = Tally(Settings(root=tmp_path, session=session))
    for call in (LIVE, LIVE, LIVE, LOST, CACHED, RECORDED):
        tally.add(call)
    paid = Money(known=0.3, priced=3, unknown=1)
    assert (paid, Money(known=0.25, priced=1, unknown=1)) == tally.sums()
    tally.close()
    assert bool(session) == any((tmp_path / ".ailoop").glob("session-*.paid"))


def test_workers_count_together_and_leave_nothing(tmp_path: Path) -> None:
    """Each worker's calls are in the sum; half a line of a killed one is passed over."""
    settings = Settings(root=tmp_path, session="abc")
    one, other, controller = (Tally(settings) for _ in range(3))
    one.add(LIVE)
    other.add(CACHED)
    other.add(LIVE)
    (path,) = (tmp_path / ".ailoop").glob("session-*.paid")
    with path.open("a") as stream:
        stream.write("live 0.0")
    assert Money(known=0.2, priced=2) == controller.sums()[0]
    one.close()
    other.close()
    controller.remove()
    assert [] == list((tmp_path / ".ailoop").glob("session-*"))


def test_another_session_counts_by_itself(tmp_path: Path) -> None:
    """A session of the same name that began at another time has a count of its own."""
    one = Tally(Settings(root=tmp_path, session="abc", began=1.0))
    one.add(LIVE)
    one.close()
    assert Money() == Tally(Settings(root=tmp_path, session="abc", began=2.0)).sums()[0]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    """Where the working folder is none, the count is known to be broken, and nothing raises."""
    (tmp_path / ".ailoop").write_text("")
    tally = Tally(Settings(root=tmp_path, session="abc"))
    tally.add(LIVE)
    tally.add(LIVE)
    assert tally.is_broken
