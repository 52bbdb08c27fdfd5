"""Limits of calls, cost and time: who may start, what in-flight calls count for."""

from __future__ import annotations

import pytest

from pytest_ailoop.calling.budget import Budget
from pytest_ailoop.errors import BudgetError
from pytest_ailoop.settings import Settings


def budget(tmp_path, clock=None, **limits):
    settings = Settings(root=tmp_path, **limits)
    return Budget(settings, clock=clock) if clock else Budget(settings)


def started(found, count, *args):
    """Start up to *count* calls; return how many were let go."""
    for number in range(count):
        try:
            found.start(*args)
        except BudgetError:
            return number
    return count


def test_without_a_limit_every_call_starts(tmp_path):
    """No limit: any number of calls, of any price, and nothing is counted."""
    found = budget(tmp_path)
    assert 1000 == started(found, 1000, "m", "app", "unknown")
    assert not found.limited
    assert "" == found.stopped


def test_calls_are_counted_before_they_come_back(tmp_path):
    """The call after the last allowed one is refused, retries and judges' calls included."""
    found = budget(tmp_path, max_calls=3)
    assert 2 == started(found, 2, "m")
    assert "" == found.stopped
    assert 1 == started(found, 5, "m", "judge")
    assert "--ailoop-max-calls=3: 3 calls made" == found.stopped


def test_no_call_at_all(tmp_path):
    """A limit of 0 calls lets none start."""
    with pytest.raises(BudgetError, match=r"--ailoop-max-calls=0 is reached, 0 calls made; run"):
        budget(tmp_path, max_calls=0).start("m")


def test_cost_stops_before_the_limit_is_passed(tmp_path):
    """One call at a time: what is spent never passes the limit."""
    found = budget(tmp_path, max_cost=1.0)
    for _ in range(20):
        found.start("m")
        found.spent("m", "app", 0.05)
    assert 0 == started(found, 1, "m")
    assert "--ailoop-max-cost=1: 20 calls made for $1" == found.stopped


def test_calls_in_flight_count_at_the_mean_of_their_kind(tmp_path):
    """Once a cost is known, calls in flight are taken to cost as much."""
    found = budget(tmp_path, max_cost=1.0)
    found.start("m")
    found.spent("m", "app", 0.1)
    assert 9 == started(found, 50, "m")


def test_a_dear_judge_does_not_make_cheap_calls_look_dear(tmp_path):
    """The mean is that of a model and a purpose."""
    found = budget(tmp_path, max_cost=1.0)
    for purpose, cost in (("app", 0.001), ("judge", 0.3)):
        found.start("m", purpose)
        found.spent("m", purpose, cost)
    assert 600 == started(found, 600, "m", "app")
    assert 0 == started(found, 5, "m", "judge")


def test_stopped_for_its_cost_a_run_stays_so(tmp_path):
    """Calls in flight that come cheaper than expected start nothing again."""
    found = budget(tmp_path, max_cost=1.0)
    found.start("m")
    found.spent("m", "app", 0.5)
    assert 1 == started(found, 2, "m")
    found.spent("m", "app", 0.001)
    assert 0 == started(found, 1, "m")


def test_error_answers_cost_nothing_and_lost_calls_the_mean(tmp_path):
    """An error status costs 0; a call that never came back goes on counting."""
    found = budget(tmp_path, max_cost=1.0)
    found.start("m")
    found.spent("m", "app", 0.25)
    for _ in range(5):
        found.start("m")
        found.spent("m", "app", 0.0)
    found.start("m")  # never comes back
    assert 2 == started(found, 9, "m")


def test_a_free_model_is_asked_whatever_the_limit_of_cost(tmp_path):
    """A price of 0 is known: such calls go on where paid ones are refused."""
    found = budget(tmp_path, max_cost=0.0)
    assert 0 == started(found, 1, "paid")
    assert 100 == started(found, 100, "local", "app", "free")


def test_an_unknown_price_is_refused_with_what_to_write(tmp_path):
    """A model of unknown price is never silently unlimited; others go on."""
    found = budget(tmp_path, max_cost=5.0)
    with pytest.raises(BudgetError) as caught:
        found.start("house-7b", "app", "unknown")
    assert "price of model 'house-7b' is not known" in str(caught.value)
    assert "price = { input = 0.25, output = 2.0 }" in str(caught.value)
    assert 3 == started(found, 3, "m")
    assert "" == found.stopped


def test_a_reply_that_hides_its_tokens_ends_the_calls_of_its_kind(tmp_path):
    """A reply whose cost cannot be known bars further calls of that model and purpose."""
    found = budget(tmp_path, max_cost=5.0)
    found.start("m")
    found.spent("m", "app", None)
    with pytest.raises(BudgetError, match="include_usage"):
        found.start("m")
    assert 1 == started(found, 1, "m", "judge")


def test_unknown_prices_do_not_matter_to_a_limit_of_calls(tmp_path):
    """Without a limit of cost no price is asked for."""
    found = budget(tmp_path, max_calls=5)
    assert not found.needs_price
    found.spent("m", "app", None)
    assert 5 == started(found, 9, "m")


def test_time_counts_from_the_start_of_the_session(tmp_path):
    """A worker's budget begins when its controller did; a clock that differs is not believed."""
    now = [100.0]
    found = budget(tmp_path, lambda: now[0], max_time=60.0, began=70.0)
    assert 1 == started(found, 1, "m")
    now[0] = 130.0
    with pytest.raises(BudgetError, match=r"--ailoop-max-time=60s is reached, 1 call made"):
        found.start("m")
    other = budget(tmp_path, lambda: now[0], max_time=60.0, began=9e9)
    assert 1 == started(other, 1, "m")


def test_who_would_wait_in_vain_is_told_before(tmp_path):
    """A look takes no call; it refuses where nothing can start, but not what a free model may."""
    found = budget(tmp_path, max_calls=1)
    found.check()
    found.start("m")
    with pytest.raises(BudgetError, match="max-calls=1 is reached, 1 call made"):
        found.check()
    dear = budget(tmp_path, max_cost=0.0)
    assert 0 == started(dear, 1, "m")
    dear.check()
