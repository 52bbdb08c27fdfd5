"""Adaptive concurrency against a simulated server: less cures only what load causes."""

from __future__ import annotations

import pytest

from pytest_ailoop.calling.limits.window import Window
from tests.fakes.model_server import Simulation, Weather

MIX = dict.fromkeys(("429", "500", "503", "529", "reset"), 0.06)


@pytest.mark.parametrize("seed", range(8))
def test_faults_that_load_does_not_cause_leave_the_concurrency(seed: int) -> None:
    """With 30 % random faults all of 1,000 calls finish, in 2.5 times the time, with 60 % more."""
    clean, foul = Simulation(Weather()), Simulation(Weather(faults=MIX), seed=seed)
    assert 4.0 == pytest.approx(clean.run(1000))
    assert foul.run(1000) <= 2.5 * 4.0
    assert (1000, 0) == (foul.answered, foul.lost)
    assert len(foul.sent) - 1000 <= 600
    assert 50 == clean.most == foul.most


def test_refusals_that_are_all_there_is_leave_the_concurrency() -> None:
    """30 % of 429 and nothing else is treated the same."""
    foul = Simulation(Weather(faults={"429": 0.3}), seed=1)
    assert foul.run(1000) <= 2.5 * 4.0
    assert foul.lane.window.size >= 25


@pytest.mark.parametrize(
    ("room", "refused"), [(1, 130), (3, 130), (10, 120), (25, 60), (45, 20), (50, 0)]
)
def test_the_servers_own_limit_is_found(room: int, refused: int) -> None:
    """A server that works on K calls at once is soon sent K, and refuses few."""
    busy = Simulation(Weather(room=room))
    seconds = busy.run(40 * room)
    assert 0 == busy.lost
    assert busy.refused <= refused
    assert room - 1 <= busy.lane.window.size <= room + 1
    assert seconds <= 1.5 * 40 * 0.2


def test_both_at_once_end_well() -> None:
    """A server with room for ten that also fails at random gets through, at no more than half."""
    for seed in range(5):
        both = Simulation(Weather(room=10, faults={"429": 0.05, "500": 0.05}), seed=seed)
        both.run(500)
        assert 0 == both.lost
        assert len(both.sent) <= 500 * 1.6 + 10


def replies(window: Window, count: int, *, refused: bool = False) -> None:
    epoch = window.epoch
    for _ in range(count):
        window.filled()
        window.replied(epoch, refused=refused)


def test_calls_that_were_in_flight_together_cut_once() -> None:
    """Forty refusals of one round halve once; one of the next round halves again."""
    window = Window(50)
    replies(window, 40, refused=True)
    assert 25 == window.size
    replies(window, 20, refused=True)
    assert 12 == window.size


def test_a_refused_step_is_taken_back_and_tried_again_later() -> None:
    """A step that was refused is undone; one below it is held for rounds before it is tried."""
    window = Window(16)
    replies(window, 16, refused=True)
    while window.size == 8:
        replies(window, 8)
    refused = window.size
    replies(window, 1, refused=True)
    assert (8, 12) == (window.size, refused)
    sizes = []
    while window.size < refused:
        replies(window, window.size)
        sizes.append(window.size)
    assert [10, 11, 12] == sorted(set(sizes))
    assert sizes.count(11) >= 5


def test_a_window_that_is_not_filled_does_not_grow() -> None:
    """What was never used cannot be known to be too small."""
    window = Window(16)
    window.replied(window.epoch, refused=True)
    size, epoch = window.size, window.epoch
    for _ in range(200):
        window.replied(epoch, refused=False)
    assert size == window.size


def test_one_is_the_least() -> None:
    """However much is refused, one call may be in flight."""
    window = Window(2)
    for _ in range(20):
        replies(window, 3, refused=True)
    assert 1 == window.size
