"""Calls of bodies that xdist took away, in the records of those who ran the items."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pytest_ailoop.data.call import Call
from pytest_ailoop.data.record import ItemKey, ItemRecord
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.plugin import stolen


def call(digest: str, origin: Any, error: str | None = None) -> Call:
    return Call(digest=digest, path="/chat", origin=origin, error=error)


def origins(ran: list[Call], taken_away: list[Call], nodeid: str = "test_it") -> list[str]:
    """Return where the calls of the item came from that *ran*, once both workers have told."""
    there = SimpleNamespace(stolen={})
    stolen.note(there, SimpleNamespace(nodeid=nodeid, calls=taken_away))
    key = ItemKey(module="test_a.py", test="test_it", case="sun", variant=Variant(), trial=1)
    record = ItemRecord(
        key=key, nodeid="test_it", outcome="passed", case_digest="", calls=tuple(ran)
    )
    kept = {record.nodeid: record}
    session = SimpleNamespace(
        records=tuple(kept.values()), add=lambda one: kept.update({one.nodeid: one})
    )
    here = SimpleNamespace(stolen={}, session=session)
    stolen.learn(here, there.stolen)
    stolen.settle(here)
    return [one.origin for one in kept["test_it"].calls]


def test_what_the_body_had_asked_was_paid_by_this_run() -> None:
    """A reply that the item found in the cache came live where its own body had asked for it."""
    found = [call("a", "cache"), call("b", "cache"), call("c", "live")]
    assert ["live", "cache", "live"] == origins(found, [call("a", "live")])


def test_what_was_found_before_stays_found() -> None:
    """Replies that the body, too, had from the cache or never got are as the item tells them."""
    found = [call("a", "cache"), call("b", "cache")]
    assert ["cache", "cache"] == origins(found, [call("a", "cache"), call("b", "live", "cut")])


def test_each_call_counts_once() -> None:
    """Of two alike, one was paid where the body made one."""
    found = [call("a", "cache"), call("a", "cache")]
    assert ["live", "cache"] == origins(found, [call("a", "live")])


def test_other_items_are_not_touched() -> None:
    """The calls are those of one item, whoever asks the same."""
    assert ["cache"] == origins([call("a", "cache")], [call("a", "live")], nodeid="test_other")
