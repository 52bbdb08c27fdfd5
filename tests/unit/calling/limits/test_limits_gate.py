"""Who may go when: places, order, pauses, breakers, budgets of retries, shares of workers."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.calling.limits import Limits, Ticket
from pytest_ailoop.calling.limits.slots import Slots, share_of
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import LimitError
from pytest_ailoop.settings import Settings
from tests.fakes.model_server import Clock, Simulation, Weather


class Gate:
    """Limits on a clock that counts, and who went in which order."""

    def __init__(self, root: Path, concurrency: int = 2, **settings: Any) -> None:
        self.clock, self.went = Clock(), []
        self.limits = Limits(
            Settings(root=root, concurrency=concurrency, **settings),
            clock=self.clock,
            wall=lambda: 1.7e9,
            jitter=random.Random(0),
        )

    def ask(self, name: str, model: str = "m", *, live: Any = lambda: True, **asked: Any) -> Ticket:
        spec = asked.pop("spec", None)
        lane = self.limits.lane("host", model, "", spec)
        ticket = self.limits.ask(lane, lambda: self.went.append(name), live, **asked)
        if ticket.granted and name not in self.went:
            self.went.append(name)
        return ticket

    def told(self, ticket: Ticket, status: int | None, said: bytes = b"", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.limits.told(ticket, status, named, said)
        self.limits.leave(ticket)


def test_places_go_in_the_order_of_arrival(tmp_path: Path) -> None:
    """Who waits longest is next, whichever model it asks; a further try keeps its place."""
    gate = Gate(tmp_path)
    first, second = gate.ask("a"), gate.ask("b", "other")
    third, fourth = gate.ask("c"), gate.ask("d", "other")
    assert ["a", "b"] == gate.went
    gate.limits.leave(second)
    gate.limits.leave(second)
    assert ["a", "b", "c"] == gate.went
    gate.ask("late")
    gate.ask("again", number=first.number)
    gate.limits.leave(first)
    assert ["a", "b", "c", "again"] == gate.went
    gate.limits.leave(fourth)  # Cancelled while it waited.
    gate.limits.leave(third)
    assert (["a", "b", "c", "again", "late"], 2, 0) == (
        gate.went,
        gate.limits.in_flight,
        gate.limits.waiting,
    )


def test_a_models_own_concurrency_holds(tmp_path: Path) -> None:
    """A model with one place waits for it, and others go past."""
    gate = Gate(tmp_path, 8)
    spec = ModelSpec(alias="m", model="m", concurrency=1)
    first = gate.ask("a", spec=spec)
    gate.ask("b", spec=spec)
    gate.ask("c", "other")
    assert ["a", "c"] == gate.went
    gate.limits.leave(first)
    assert ["a", "c", "b"] == gate.went


def test_a_loop_that_stands_still_holds_nobody_up(tmp_path: Path) -> None:
    """A waiter that cannot go on keeps its place but not the others; where all that is in flight
    stands still, the next one goes out over the limit."""
    gate, runs = Gate(tmp_path, 1), [True]
    held = gate.ask("held", live=lambda: runs[0])
    still = gate.ask("still", live=lambda: runs[0])
    gate.ask("live")
    gate.limits.pump()
    assert ["held"] == gate.went
    runs[0] = False
    gate.limits.pump()
    assert ["held", "live"] == gate.went
    assert not still.granted
    runs[0] = True
    gate.limits.leave(held)
    assert not still.granted  # One is still out.


def test_a_stream_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    """Streams that are all in flight and rest for seconds let the next one out."""
    gate = Gate(tmp_path, 1)
    gate.ask("stream").parked = True
    gate.ask("next")
    gate.clock.now += 4
    gate.limits.pump()
    assert ["stream"] == gate.went
    gate.clock.now += 2
    gate.limits.pump()
    assert ["stream", "next"] == gate.went


def test_a_pause_holds_for_all_of_the_lane(tmp_path: Path) -> None:
    """After a retry-after nobody asks that model before; others go on."""
    gate = Gate(tmp_path)
    gate.told(gate.ask("a"), 429, retry_after="2")
    gate.ask("b")
    gate.ask("c", "other")
    assert ["a", "c"] == gate.went
    for seconds, went in ((1.99, ["a", "c"]), (0.01, ["a", "c", "b"])):
        gate.clock.now += seconds
        gate.limits.pump()
        assert went == gate.went


@pytest.mark.parametrize("told", ["soon", "-5", "nan", "inf", ""])
def test_a_garbled_pause_is_none(tmp_path: Path, told: str) -> None:
    """What is no number of seconds holds nobody up."""
    gate = Gate(tmp_path)
    gate.told(gate.ask("a"), 500, retry_after=told)
    gate.ask("b")
    assert ["a", "b"] == gate.went


def test_a_pause_that_is_too_long_is_a_fault(tmp_path: Path) -> None:
    """Who waits and who comes is told at once, with the seconds."""
    gate = Gate(tmp_path, 1)
    first, waiting = gate.ask("a"), gate.ask("b")
    gate.told(first, 429, retry_after="86400")
    assert isinstance(waiting.fault, LimitError)
    with pytest.raises(LimitError, match=r"model 'm': .* alone for 86400 s .* than 120 s"):
        gate.ask("c")
    gate.clock.now += 86400 - 119
    assert not gate.ask("d").granted
    (warning,) = gate.limits.warnings()
    assert "model 'm' was not asked any more: its server wants to be left alone for 24 h" in warning
    assert "no more than 120 s are waited for; next: run again after that" in warning


def test_a_spent_quota_stops_its_model_alone(tmp_path: Path) -> None:
    """A lane whose account is empty says so at once; other models go on."""
    gate = Gate(tmp_path)
    said = b'{"error": {"code": "insufficient_quota", "message": "pay first"}}'
    gate.told(gate.ask("a"), 429, said)
    with pytest.raises(LimitError, match=r"'m' is not asked any more .*429.*pay first"):
        gate.ask("b")
    assert gate.ask("c", "other").granted
    (warning,) = gate.limits.warnings()
    assert "model 'm' was not asked any more: HTTP 429" in warning


def test_a_quota_that_is_used_up_is_waited_for(tmp_path: Path) -> None:
    """`remaining: 0` holds the next call until some of it is back."""
    gate = Gate(tmp_path)
    quota = {
        "x_ratelimit_limit_requests": "10",
        "x_ratelimit_remaining_requests": "0",
        "x_ratelimit_reset_requests": "5s",
    }
    gate.told(gate.ask("a"), 200, **quota)
    gate.ask("b")
    assert ["a"] == gate.went
    gate.clock.now += 0.5
    gate.limits.pump()
    assert ["a", "b"] == gate.went


def test_rpm_and_tpm_hold() -> None:
    """No minute sees more requests, nor tokens, than the model's table says."""
    spec = ModelSpec(alias="m", model="m", rpm=30)
    paced = Simulation(Weather(), spec=spec)
    paced.run(100)
    for start in paced.sent:
        assert 30 >= sum(start <= when < start + 60 - 1e-6 for when in paced.sent)
    assert 180 == pytest.approx(paced.sent[-1] - paced.sent[0], abs=1)


def test_tokens_are_counted_as_used(tmp_path: Path) -> None:
    """An estimate holds its place until the reply says how many it really took."""
    gate = Gate(tmp_path, 8)
    spec = ModelSpec(alias="m", model="m", tpm=100)
    first = gate.ask("a", spec=spec, tokens=90.0)
    gate.ask("b", spec=spec, tokens=50.0)
    assert ["a"] == gate.went
    gate.limits.used(first, 20, 5)
    gate.told(first, 200)
    assert ["a", "b"] == gate.went


@pytest.mark.parametrize(("status", "most"), [(500, 5), (200, 12)])
def test_tries_are_counted(tmp_path: Path, status: int, most: int) -> None:
    """A call has twelve tries; five where the server never answered any."""
    gate = Gate(tmp_path)
    ticket = gate.ask("a")
    ticket.lane.calls = 1000
    gate.limits.told(ticket, status, {}, b"")
    allowed = [tries for tries in range(1, 20) if gate.limits.may_retry(ticket, tries)]
    assert list(range(1, most)) == allowed


def test_retries_have_a_budget(tmp_path: Path) -> None:
    """Ten, and six for each ten calls; what a cut of the window answers is not counted."""
    gate = Gate(tmp_path, 64)
    tickets = [gate.ask(str(number)) for number in range(20)]
    allowed = [gate.limits.may_retry(one, 1) for one in tickets for _ in range(2)]
    assert [True] * 22 + [False] * 18 == allowed
    gate.told(tickets[0], 429)
    assert all(gate.limits.may_retry(one, 1) for one in tickets)
    new = gate.ask("new")
    assert [True, False] == [gate.limits.may_retry(new, 1) for _ in range(2)]


def test_a_server_that_was_never_reached_is_tried_three_times(tmp_path: Path) -> None:
    """No connection, ever: it is rather the address than the moment."""
    ticket = Gate(tmp_path).ask("a")
    lane = ticket.lane
    assert lane.may_retry(ticket, 2, unconnected=True)
    assert not lane.may_retry(ticket, 3, unconnected=True)


def test_delays_grow_and_stay_short_where_others_are_answered(tmp_path: Path) -> None:
    """Full jitter: anything up to a bound, which is low while the server answers other calls."""
    gate = Gate(tmp_path)
    lane = gate.ask("a").lane
    assert max(lane.delay(1) for _ in range(200)) == pytest.approx(0.5, abs=0.02)
    assert max(lane.delay(9) for _ in range(200)) == pytest.approx(0.6, abs=0.02)
    for _ in range(60):
        gate.told(gate.ask("b"), 500)
    assert max(lane.delay(9) for _ in range(200)) == pytest.approx(8.0, abs=0.3)
    assert min(lane.delay(9) for _ in range(200)) < 0.3


def test_refusals_are_told_at_the_end(tmp_path: Path) -> None:
    """One line a model, with what became of its concurrency."""
    gate = Gate(tmp_path, 4)
    tickets = [gate.ask(str(number)) for number in range(4)]
    for ticket in tickets:
        gate.told(ticket, 429)
    gate.clock.now += 5
    for _ in range(20):
        gate.told(gate.ask("x"), 200)
    assert ["model 'm' refused 4 calls (429, 503, 529); concurrency went down to 2"] == list(
        gate.limits.warnings()
    )


def test_nobody_goes_once_the_run_is_stopped(tmp_path: Path) -> None:
    """Who waits is told; who comes is told."""
    stopped = [False]
    limits = Limits(
        Settings(root=tmp_path, concurrency=1), clock=Clock(), is_stopped=lambda: stopped[0]
    )
    lane = limits.lane("host", "m")
    limits.ask(lane, lambda: None)
    waiting = limits.ask(lane, lambda: None)
    stopped[0] = True
    limits.pump()
    assert isinstance(waiting.fault, LimitError)
    with pytest.raises(LimitError, match="being stopped"):
        limits.ask(lane, lambda: None)


@pytest.mark.parametrize(("most", "workers"), [(32, 1), (32, 3), (5, 5), (7, 8), (1, 8), (0, 2)])
def test_shares_add_up(most: int, workers: int) -> None:
    """However many workers there are, their shares are the whole."""
    assert most == sum(share_of(most, worker, workers) for worker in range(workers))


def test_fewer_places_than_workers_are_shared(tmp_path: Path) -> None:
    """Three workers and two places: two are in use at most, and one that ends frees its own."""
    slots = [Slots(2, worker=number, workers=3, folder=tmp_path) for number in range(3)]
    assert [True, True, False] == [one.take() for one in slots]
    slots[0].give()
    assert slots[2].take()
    assert not slots[2].take()
    slots[1].close()
    assert slots[0].take()
    for one in slots:
        one.close()


def test_a_lane_without_limits_costs_microseconds(tmp_path: Path) -> None:
    """To ask, to be told and to leave takes far less than a call."""
    limits = Limits(Settings(root=tmp_path))
    lane = limits.lane("host", "m")
    begun = time.perf_counter()
    for _ in range(1000):
        ticket = limits.ask(lane, lambda: None)
        limits.told(ticket, 200, {}, b"")
        limits.leave(ticket)
    assert (time.perf_counter() - begun) / 1000 < 0.0005
