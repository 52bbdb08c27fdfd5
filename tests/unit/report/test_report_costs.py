"""Costs of a run: what was paid and what was saved, judges apart, refused tries for nothing."""

from __future__ import annotations

from dataclasses import replace

from pytest_ailoop.data.baseline import Comparison
from pytest_ailoop.data.call import Call, Usage
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, PlannedTest, RunRecord
from pytest_ailoop.data.score import Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report.calls import calls_of
from pytest_ailoop.report.rows import rows
from pytest_ailoop.report.terminal import lines

LIVE = Call(
    digest="r",
    path="/chat/completions",
    origin="live",
    usage=Usage(input_tokens=10, output_tokens=5),
    cost=0.25,
)
CACHED = replace(LIVE, origin="cache")
JUDGE = replace(LIVE, purpose="judge", cost=1.0)
REFUSED = replace(LIVE, status=429, error="HTTP 429", usage=Usage(), cost=0.0)


def record(*calls, model="mini"):
    key = ItemKey(module="t.py", test="test_x", variant=Variant(model=model), case="a")
    score = Score(name="passed", value=1.0, kind="outcome")
    return ItemRecord(
        key=key, nodeid="n", outcome="passed", case_digest="d", calls=calls, scores=(score,)
    )


def section(*records, verbose=0):
    variants = tuple(dict.fromkeys(one.key.variant for one in records))
    test = PlannedTest(
        module="t.py",
        test="test_x",
        variants=variants,
        dataset=DatasetFacts(name="x", digest="d", size=1),
        selected=("a",),
        trials={"a": 1},
    )
    run = RunRecord(id="r", started="s", duration=0, plan=Plan(tests=(test,)))
    return [line for line, _ in lines(rows(run, records, Comparison()), verbose=verbose)]


def test_paid_is_what_was_live_and_saved_what_was_stored():
    """Application and judges together; each call in one of the two."""
    found = calls_of([record(LIVE, CACHED, JUDGE, replace(JUDGE, origin="recording"))])
    assert (1.25, 1.25) == (found.paid.known, found.saved.known)
    assert (0.5, 2.0) == (found.cost.known, found.judge_cost.known)


def test_a_run_says_what_it_paid_where_that_is_not_its_cost():
    """With stored replies or judges one more line; a run that asked all it cost needs none."""
    told = section(record(CACHED, JUDGE))
    assert "replies: 0 recorded, 1 cached, 1 live; cost $0.2500" in told
    assert "judges: 1 call, cost $1.00" in told
    assert "paid in this run: $1.00, $0.2500 saved by recordings and cache" in told
    assert not any("paid in this run" in line for line in section(record(LIVE)))
    free = replace(CACHED, cost=0.0)
    assert not any("paid in this run" in line for line in section(record(free)))
    assert "paid in this run: $1.25" in section(record(LIVE, JUDGE))


def test_quiet_says_what_was_paid():
    """The one line of -q has the cost, and what was paid where something was saved."""
    assert section(record(CACHED), verbose=-1)[0].endswith("cost $0.2500; $0 paid")
    assert section(record(LIVE), verbose=-1)[0].endswith("cost $0.2500")


def test_judges_are_shown_for_each_variant():
    """Where there are several rows each has its judges' calls and cost below; one row has not."""
    told = section(record(LIVE, JUDGE), record(LIVE, JUDGE, JUDGE, model="big"))
    assert "  . mini: judges: 1 call, cost $1.00" in told
    assert "  . big: judges: 2 calls, cost $2.00" in told
    assert not any(". " in line and "judges" in line for line in section(record(LIVE, JUDGE)))


def test_a_refused_try_costs_nothing_and_blurs_nothing():
    """A 429 before the answer leaves cost and tokens exact."""
    found = calls_of([record(REFUSED, LIVE)])
    assert (0.25, 0) == (found.cost.known, found.cost.unknown)
    assert (15, 0) == (found.tokens, found.uncounted)


def test_a_lost_call_leaves_the_cost_open():
    """A call that never came back may have been billed: the sum is a lower bound."""
    lost = replace(LIVE, error="ReadTimeout: ", usage=Usage(), cost=None)
    found = calls_of([record(lost, LIVE)])
    assert (1, 1) == (found.cost.unknown, found.uncounted)
