"""A forecast from the history: what counts as unchanged, what is a mean, what stays unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ailoop.data.call import Call, Usage
from pytest_ailoop.data.record import ItemKey, ItemRecord
from pytest_ailoop.data.variant import ModelSpec, Variant
from pytest_ailoop.report.forecast import Sources, Wanted, forecast
from pytest_ailoop.report.plan_lines import plan_lines

MINI = ModelSpec(alias="mini", model="gpt-mini")
BIG = ModelSpec(alias="big", model="gpt-big")
APP = Call(
    digest="d",
    path="/chat/completions",
    origin="live",
    model_asked="gpt-mini",
    usage=Usage(input_tokens=90, output_tokens=10),
    cost=0.01,
    latency=2.0,
)
JUDGE = replace(APP, purpose="judge", model_asked="judge-1", cost=0.5)


def key(case, model="mini", trial=1, test="test_it"):
    return ItemKey(
        module="test_a.py", test=test, variant=Variant(model=model), case=case, trial=trial
    )


def record(case, *calls, model="mini", outcome="passed", **changed):
    calls = calls or (replace(APP, digest=f"app {case}"),)
    name = key(case, model, **changed)
    return ItemRecord(
        key=name, nodeid=case, outcome=outcome, case_digest=f"case {case}", calls=calls
    )


def wanted(case, model=MINI, digest=None, **changed):
    return Wanted(
        key=key(case, model.alias, **changed), case_digest=digest or f"case {case}", model=model
    )


def ten_times(call, model):
    """What the other model costs ten times of; a judge's price stays."""
    return None if call.cost is None else call.cost * (10 if model == BIG else 1)


def plan(items, history, stored=(), once=True):
    sources = Sources(stored=lambda _, digest: digest in stored, price=ten_times, once=once)
    return forecast(items, history, sources)


def figures(row):
    return (row.model, row.purpose, row.items, row.calls, row.stored, row.live, row.tokens)


def test_an_unchanged_item_asks_what_it_asked():
    """Same case, prompt and model: its calls are known; those that are stored are free."""
    history = [record("a", replace(APP, digest="x"), replace(APP, digest="y"), JUDGE)]
    found = plan([wanted("a")], history, stored={"x"})
    assert {"same": 1} == found.basis
    assert [
        ("gpt-mini", "app", 1, 2.0, 1.0, 1.0, 100.0),
        ("judge-1", "judge", 1, 1.0, 0.0, 1.0, 100.0),
    ] == [figures(row) for row in found.rows]
    assert [0.01, 0.5] == [row.cost for row in found.rows]
    assert not found.total.estimated


@pytest.mark.parametrize(
    "change",
    [
        {"case_digest": "another"},
        {"prompt_digest": "another"},
        {"key": key("a", trial=2)},
        {"key": key("new")},
    ],
    ids=["case", "prompt", "trial", "row"],
)
def test_what_changed_is_taken_for_the_mean(change):
    """A changed case or prompt, a further trial and a new row ask as much as the test does."""
    history = [record("a"), record("b", replace(APP, digest="1"), replace(APP, digest="2"))]
    found = plan([replace(wanted("a"), **change)], history, stored={"app a", "1", "2"})
    assert {"mean": 1} == found.basis
    assert [("gpt-mini", "app", 1, 1.5, 0.0, 1.5, 150.0)] == [figures(row) for row in found.rows]
    assert found.total.estimated


def test_a_new_model_is_taken_for_the_other_at_its_own_price():
    """A variant that never ran makes the other model's calls, priced as its own; judges' stay."""
    history = [record("a", APP, JUDGE)]
    found = plan([wanted("a", BIG)], history)
    assert {"other model": 1} == found.basis
    assert [("gpt-big", 0.1), ("judge-1", 0.5)] == [
        (row.model, pytest.approx(row.cost)) for row in found.rows
    ]


def test_an_alias_that_names_another_model_now_is_no_history_of_it():
    """The record's calls went to the model that the alias named then."""
    moved = replace(MINI, model="gpt-mini-2")
    found = plan([wanted("a", moved)], [record("a")])
    assert {"other model": 1} == found.basis
    assert ["gpt-mini-2"] == [row.model for row in found.rows]


def test_a_test_that_never_ran_is_unknown():
    """Nothing is made up for it: it is counted by its model, and every sum is a lower bound."""
    found = plan([wanted("a", test="test_new"), wanted("a")], [record("a")])
    assert ({"unknown": 1, "same": 1}, {"mini": 1}) == (found.basis, found.unknown)
    text = "\n".join(plan_lines(found))
    assert "mini: never ran" in text
    assert "total: 2 items, >=1 calls, 0 answered" in text
    assert ">=1 live, >=100 tokens, cost >=$0.0100" in " ".join(text.split())


def test_errors_and_failed_tries_tell_nothing():
    """A record that broke off is not used; of a good one, tries without a reply are left out."""
    failed = replace(APP, error="HTTP 500")
    assert {"unknown": 1} == plan([wanted("a")], [record("a", outcome="error")]).basis
    assert 1 == plan([wanted("a")], [record("a", failed, APP)]).total.calls


def test_the_newest_record_of_an_item_counts():
    """The history comes newest first; an older record of the same item is not looked at."""
    history = [record("a", APP), record("a", APP, JUDGE)]
    assert 1 == plan([wanted("a")], history).total.calls


def test_one_digest_is_paid_once():
    """Two items that ask the very same pay one call, but in `live`, which asks each time."""
    history = [record("a", JUDGE), record("b", JUDGE)]
    items = [wanted("a"), wanted("b")]
    assert 1 == plan(items, history).total.live
    assert 2 == plan(items, history, once=False).total.live


def test_unknown_prices_and_tokens_are_said():
    """A price or a count that is missing makes its sum a lower bound, or n/a where all are."""
    blind = replace(APP, digest="blind", cost=None, usage=Usage())
    both = plan([wanted("a")], [record("a", APP, blind)])
    assert "cost >=$0.0100" in " ".join(plan_lines(both))
    assert ">=100" in " ".join(plan_lines(both))
    none = list(plan_lines(plan([wanted("a")], [record("a", blind)])))
    assert ["n/a", "n/a"] == none[1].split()[-2:]


def test_lines_fit_and_data_is_data():
    """A model's name cannot write to the terminal, start a line or break the width."""
    bad = replace(APP, model_asked="::error \x1b[31m" + "x" * 200)
    history = [record("a", bad)]
    found = list(plan_lines(plan([replace(wanted("a"), model=None)], history), width=80))
    assert all(len(line) <= 80 for line in found)
    assert not any("\x1b" in line or line.lstrip().startswith("::") for line in found)


def test_replay_asks_nobody():
    """In replay what is not recorded is not live but missing, at no price."""
    text = " ".join(plan_lines(plan([wanted("a")], [record("a")]), replay=True))
    assert "1 without a recording; replay asks no model" in " ".join(text.split())
