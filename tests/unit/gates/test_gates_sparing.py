"""Trials of a case that cannot change what it counts with."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest

from pytest_ailoop.data.gate import GateSpec, StopRule
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.gates import specs
from pytest_ailoop.gates.decide import Context, settlings
from pytest_ailoop.gates.groups import trial_of
from pytest_ailoop.gates.settling import Settling
from pytest_ailoop.gates.sparing import fewest_trials, is_decided, rules_of
from pytest_ailoop.stats.trials import reduce_trials, reducer
from tests.fakes.gated import item, plan, verdict
from tests.fakes.stopping import group, stopped

CASES = StopRule(by="cases")


def settling(records: Sequence[ItemRecord], *gates: GateSpec, of: int, trials: int = 3) -> Settling:
    return group(records, *gates, rule=CASES, of=of, trials=trials)


@pytest.mark.parametrize("how", ["majority", "at_least:2", "pass@3", "pass^3", "pass@2", "mean"])
def test_a_decided_case_counts_the_same_whatever_the_rest_gives(how: str) -> None:
    """Of up to five trials, all outcomes gone through: never too early, and never too late."""
    for planned in (3, 4, 5):
        for some in range(planned + 1):
            rest = planned - some
            for known in itertools.product((0.0, 1.0), repeat=some):
                values = {
                    found.value
                    for more in itertools.product((0.0, 1.0), repeat=rest)
                    if (found := reduce_trials([*known, *more], reducer(how)))
                }
                decided = is_decided((how,), (*known, *[None] * rest))
                assert decided == (len(values) == 1)


def random_records(chance: random.Random, n: int, trials: int) -> list[ItemRecord]:
    rate = chance.random()
    return [
        item(
            f"c{at}",
            None if chance.random() < 0.005 else float(chance.random() < rate),
            trial=number,
        )
        for at in range(n)
        for number in range(1, trials + 1)
    ]


GATES = [
    (specs.pass_rate(0.7, reduce="majority"),),
    (specs.pass_rate(0.6, reduce="at_least:3"), specs.every_case()),
    (specs.pass_rate(0.5, reduce="pass^3"),),
    (specs.pass_rate(0.8, reduce="pass@3", fixed=True),),
]


@pytest.mark.parametrize("gates", GATES, ids=lambda gates: gates[0].name)
def test_the_verdict_is_that_of_all_trials(gates: tuple[GateSpec, ...]) -> None:
    """Fed as they are needed, in any order, with items beyond or without: the same to the last
    figure; and a curtailed one is that of the whole run."""
    chance = random.Random(17)
    asked = saved = 0
    for _ in range(60):
        n = chance.randint(2, 50)
        records = random_records(chance, n, 3)
        found = settling([], *gates, of=n)
        needed = []
        for case in found._order:
            mine = [one for one in records if one.key.case == case]
            for one in mine:
                if found.needs(case, one.key.trial):
                    needed.append(one)
                    found.add(case, trial_of(one))
        asked, saved = asked + len(needed), saved + len(records) - len(needed)
        some = stopped(needed, *gates, of=n, trials=3)
        chance.shuffle(records)
        assert some == stopped(records, *gates, of=n, trials=3)
        for gate, one in zip(gates, some, strict=True):
            whole = verdict(records, gate)
            # Betting (pass^3) has a verdict of its own.
            if gate.reduce != "pass^3" and whole.status != "invalid":
                assert whole.status == one.status
    assert saved > asked / 10


def test_gates_that_take_more_than_passes_need_all_trials() -> None:
    """A cost, a score, a comparison, a wait: each is of all trials. So is a mean of passes."""
    by_majority = specs.pass_rate(0.5, reduce="majority")
    for other in (
        specs.max_cost(1),
        specs.mean("polite", 0.5),
        specs.no_regression(),
        specs.p95_latency(2),
        specs.metric("accuracy", 0.5),
    ):
        assert rules_of([by_majority, other], ()) is None
    assert ("majority",) == rules_of([by_majority, specs.every_case(tag="must")], ("easy",))
    assert ("", "majority") == rules_of([by_majority, specs.every_case(tag="must")], ("must",))
    assert rules_of([specs.every_case(tag="must")], ("easy",)) is None
    assert not is_decided(("mean",), (1.0, 1.0, None))


def test_two_of_three_make_a_majority() -> None:
    """The third is needed where they differ, and until both are there it may be spared."""
    gate = specs.pass_rate(0.5, reduce="majority")
    found = settling([], gate, of=20)
    assert (False, True) == (found.may_be_spared("c0", 2), found.may_be_spared("c0", 3))
    found.add("c0", trial_of(item("c0", 1.0)))
    assert found.may_be_spared("c0", 3)
    found.add("c0", trial_of(item("c0", 0.0, trial=2)))
    assert (True, False) == (found.needs("c0", 3), found.may_be_spared("c0", 3))
    found.add("c1", trial_of(item("c1", 1.0)))
    found.add("c1", trial_of(item("c1", 1.0, trial=2)))
    assert not found.needs("c1", 3)
    assert "the case was settled after 2 of 3 trials" == found.why("c1", 3)


def test_what_could_not_be_measured_decides_nothing() -> None:
    """A gap and a pass are no majority of three yet; a rerun that changes a result is looked at."""
    found = settling([], specs.pass_rate(0.5, reduce="majority"), of=20)
    found.add("c0", trial_of(item("c0", None)))
    found.add("c0", trial_of(item("c0", 1.0, trial=2)))
    assert found.needs("c0", 3)
    found.add("c0", trial_of(item("c0", 1.0)))
    assert not found.needs("c0", 3)
    found.add("c0", trial_of(item("c0", 0.0)))
    assert found.needs("c0", 3)


def test_later_trials_alone_settle_no_case() -> None:
    """The first that settle it count: what a worker ran too many is no part of the verdict."""
    found = settling([], specs.pass_rate(0.5, reduce="majority"), of=20)
    found.add("c0", trial_of(item("c0", 1.0, trial=2)))
    found.add("c0", trial_of(item("c0", 1.0, trial=3)))
    assert found.needs("c0", 1)
    found.add("c0", trial_of(item("c0", 1.0)))
    (case,) = [one for one in found.group.cases if one.key.case == "c0"]
    assert ([1, 2], 3, 1) == ([one.number for one in case.trials], case.planned, case.spared)


def test_at_least_as_many_items_are_needed_as_it_says() -> None:
    """Two trials of each case by majority, one where each must pass in all of them."""
    by_majority = settling([], specs.pass_rate(0.5, reduce="majority"), of=60)
    assert 37 * 2 == by_majority.fewest
    assert 37 == settling([], specs.pass_rate(0.5, reduce="at_least:3"), of=60).fewest
    assert 1 == fewest_trials(("",), (), 3)
    assert 3 == fewest_trials(("mean",), (), 3)
    assert 3 == fewest_trials(("majority",), (1.0, 0.0), 3)


def test_what_no_gate_answers_for_always_runs() -> None:
    """A case that the gate does not count decides by itself, and so does each under a cost."""
    tags = {f"c{at}": ("must",) for at in range(0, 60, 2)}
    for gates, strict in (
        ([specs.pass_rate(0.5, tag="must")], 30),
        ([specs.every_case(tag="must")], 30),
        ([specs.pass_rate(0.5, tag="must"), specs.pass_rate(0.5)], 0),
    ):
        planned = plan([], *gates, absent=[f"c{at}" for at in range(60)], tags=tags,
                       stopping=StopRule(by="cases"))  # fmt: skip
        (found,) = settlings(planned, Context()).values()
        for at in range(60):
            found.add(f"c{at}", trial_of(item(f"c{at}")))
        assert found.is_settled
        assert all(found.needs(f"c{at}", 1) for at in range(1, 60, 2)) == (strict > 0)
        assert f"of {60 - strict} cases" in found.words
    planned = plan([], specs.p95_latency(1), absent=["a", "b"], stopping=StopRule(by="cases"))
    assert {} == settlings(planned, Context())
