"""Whole rounds of trials: when they settle a group."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ailoop.data.gate import GateSpec, StopRule
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.gates import specs
from pytest_ailoop.gates.settling import Settling
from tests.fakes.gated import item
from tests.fakes.stopping import group


def rounds(records: Sequence[ItemRecord], *gates: GateSpec, most: int = 5) -> Settling:
    return group(records, *gates, rule=StopRule(by="rounds", most=most), of=0, trials=most)


def rows(n: int, trials: int, passes: int | None = None) -> list[ItemRecord]:
    """Return *n* cases of *trials*, of which in each round the first *passes* pass."""
    passes = n if passes is None else passes
    return [
        item(f"c{at}", float(at < passes), trial=number)
        for number in range(1, trials + 1)
        for at in range(n)
    ]


def test_a_clear_verdict_takes_one_round() -> None:
    """Further trials are not needed, those of the first round are."""
    found = rounds(rows(60, 1), specs.pass_rate(0.5))
    assert found.is_settled
    assert found.needs("c0", 1)
    assert not found.needs("c0", 2)
    assert "settled after 1 of 5 rounds" == found.words


def test_an_open_verdict_takes_them_all() -> None:
    """A part of a round is not looked at, and none but the last ends it."""
    found = rounds(rows(10, 4), specs.pass_rate(0.9))
    assert (4, False) == (found.seen, found.is_settled)
    assert found.needs("c0", 5)


def test_each_look_at_rounds_takes_its_share_of_the_error_rate() -> None:
    """30 of 30 prove 90 % at 5 %, and not at the 1 % of one look in five."""
    gate = specs.pass_rate(0.9)
    assert rounds(rows(30, 1), gate, most=1).is_settled
    assert not rounds(rows(30, 1), gate, most=5).is_settled
    assert rounds(rows(44, 1), gate, most=5).is_settled
