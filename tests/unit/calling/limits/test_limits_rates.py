"""Rates by our word and by the server's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ailoop.calling.limits.headers import Quota
from pytest_ailoop.calling.limits.rates import Meter, Rate


@given(
    most=st.integers(1, 20),
    wanted=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5)), max_size=60),
)
def test_no_minute_has_more(most: int, wanted: list[tuple[float, int]]) -> None:
    """No 60 seconds hold more than the limit, whenever units are asked for; too many go alone."""
    rate, now, gone = Rate(most, now=0.0), 0.0, []
    for pause, units in wanted:
        now += pause
        now += rate.wait(now, units)
        assert 0.0 == rate.wait(now, units) or rate.wait(now, units) < 1e-6
        rate.take(now, units)
        gone.append((now, units))
    for start, _ in gone:
        inside = [units for when, units in gone if start <= when < start + 60 - 1e-6]
        assert sum(inside) <= most or 1 == len(inside)


def test_a_burst_goes_at_once_and_then_waits() -> None:
    """Sixty a minute: the first sixty wait for nothing, the next for a minute."""
    rate = Rate(60, now=5.0)
    for _ in range(60):
        assert 0.0 == rate.wait(5.0)
        rate.take(5.0)
    assert 60.0 == rate.wait(5.0)
    assert 20.0 == rate.wait(45.0)
    assert 0.0 == rate.wait(65.0)


def test_an_estimate_is_corrected() -> None:
    """Tokens that were not used are there for others."""
    rate = Rate(100, now=0.0)
    entry = rate.take(0.0, 90)
    assert rate.wait(0.0, 50) > 0
    rate.correct(entry, 40)
    assert 0.0 == rate.wait(0.0, 50)
    assert 0.0 == rate.wait(61.0, 100)
    rate.correct(entry, 4000)  # Forgotten by now.
    assert 0.0 == rate.wait(61.0, 100)


@pytest.mark.parametrize(("worker", "first"), [(0, 0.0), (1, 15.0), (3, 45.0)])
def test_a_share_below_one_takes_turns(worker: int, first: float) -> None:
    """Four workers with four a minute between them would each have one; with two, every 2 min."""
    rate = Rate(0.5, now=0.0, offset=worker / 4 / 2)
    assert first == rate.wait(0.0)
    rate.take(first)
    assert 120.0 == rate.wait(first)


def test_the_servers_word_fills_up_again() -> None:
    """What is left may go; the rest comes back evenly, and all is forgotten at the reset."""
    meter = Meter()
    assert 0.0 == meter.wait(0.0)
    meter.heard(Quota(kind="requests", limit=10, remaining=2, reset=8.0), 0.0)
    meter.take()
    meter.take()
    assert 1.0 == meter.wait(0.0)
    assert 0.0 == meter.wait(1.0)
    meter.take()
    assert 0.0 == meter.wait(8.0)
    meter.heard(Quota(kind="requests", limit=10, remaining=0, reset=5.0), 10.0)
    assert 5.0 == meter.wait(10.0, units=1000)
