"""Gates that hold one run against a bar, over groups with known answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_ailoop.data.call import Call
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.data.score import Score
from pytest_ailoop.gates import specs
from pytest_ailoop.gates.decide import Context
from pytest_ailoop.report.gates import headline
from tests.fakes.gated import item, run, verdict


@pytest.mark.parametrize(
    ("passed", "of", "status"),
    [
        # All-pass cases that a bar of 0.9 takes: 29 (Clopper and Pearson, one-sided 95 %).
        (29, 29, "passed"),
        (28, 28, "inconclusive"),
        (90, 100, "inconclusive"),
        (80, 100, "failed"),
        (1, 1, "inconclusive"),
    ],
)
def test_a_rate_is_decided_by_its_bounds(passed: int, of: int, status: str) -> None:
    """A gate passes or fails only where the data rules the other out."""
    found = verdict(run(passed, of), specs.pass_rate(0.9))
    assert (status, passed / of, of) == (found.status, found.value, found.cases)


@pytest.mark.parametrize(("passed", "status"), [(9, "passed"), (8, "failed")])
def test_a_fixed_data_set_decides_by_its_own_rate(passed: int, status: str) -> None:
    """Where the data set is all there is, there is nothing to be unsure of."""
    assert status == verdict(run(passed, 10), specs.pass_rate(0.9, fixed=True)).status


def test_a_fixed_rate_with_unmeasured_cases_holds_whatever_they_were() -> None:
    """A case without a result may have been anything: only a rate that stands anyway passes."""
    gate = specs.pass_rate(0.8, fixed=True)
    assert "passed" == verdict([*run(9, 9), item("d", None)], gate).status
    assert "invalid" == verdict([*run(7, 8), item("d", None)], gate).status


def test_cases_that_could_not_be_measured_make_a_gate_invalid() -> None:
    """More than 2 % without a score, and the gate is an error; never a pass over the rest."""
    found = verdict(
        [*run(60, 60), *(item(f"e{at}", None) for at in range(3))], specs.pass_rate(0.9)
    )
    assert ("invalid", True) == (found.status, found.blocking)
    assert "3 of 63 were not scored, 2% at most may be" == found.reasons[0]


def test_items_that_never_ran_are_not_forgotten() -> None:
    """A case whose worker died counts as not scored, though it has no record."""
    found = verdict(run(60, 60), specs.pass_rate(0.9), absent=[f"gone{at}" for at in range(3)])
    assert "invalid" == found.status


def test_of_a_part_nothing_is_decided() -> None:
    """What was left out on purpose leaves the gate open, and does not turn the run red."""
    found = verdict(run(60, 60), specs.pass_rate(0.9), absent=["gone"], narrowed=("-k",))
    assert ("inconclusive", False) == (found.status, found.blocking)
    assert ("not decided: 60 of 61 items ran (-k)",) == found.reasons


@pytest.mark.parametrize(
    ("policy", "default", "blocking"),
    [(None, "warn", False), (None, "fail", True), ("fail", "warn", True), ("warn", "fail", False)],
)
def test_an_open_gate_does_what_it_was_told(policy: Any, default: Any, blocking: bool) -> None:
    """Its own word goes before the session's."""
    gate = specs.pass_rate(0.9, inconclusive=policy)
    found = verdict(run(10, 10), gate, Context(inconclusive=default))
    assert ("inconclusive", blocking) == (found.status, found.blocking)


def test_trials_count_by_case() -> None:
    """Ten trials of one case are one case; its share is what it counts with."""
    records = [item("a", float(t > 2), trial=t) for t in range(1, 11)]
    records += [item("b", 1.0, trial=t) for t in range(1, 11)]
    found = verdict(records, specs.pass_rate(0.5))
    assert (2, 10, 0.9) == (found.cases, found.trials, found.value)


def test_a_row_may_ask_for_more_trials() -> None:
    """Said as it is, from the fewest to the most; not the most, as if each case had as many."""
    records = [item("a", trial=at) for at in (1, 2, 3)] + [item("b")]
    found = verdict(records, specs.pass_rate(0.5))
    assert headline(found).endswith("over 2 cases x 1 to 3 trials")
    alike = [item(case, trial=at) for case in "ab" for at in (1, 2)]
    assert headline(verdict(alike, specs.pass_rate(0.5))).endswith("over 2 cases x 2 trials")


@pytest.mark.parametrize(
    ("reduce", "value"),
    [("mean", 0.75), ("majority", 1.0), ("at_least:4", 0.5), ("pass@2", 1.0), ("pass^2", 0.75)],
)
def test_trials_become_one_value_as_asked(reduce: str, value: float) -> None:
    """Of a case with 3 of 4 trials and one with all: mean, majority, k of n, pass@k, pass^k.

    pass^2 of 3 in 4 is C(3,2)/C(4,2) = 1/2, so 3/4 over both; the mean is (3/4 + 1)/2 = 7/8.
    """
    records = [item("a", float(t < 4), trial=t) for t in range(1, 5)]
    records += [item("b", 1.0, trial=t) for t in range(1, 5)]
    found = verdict(records, specs.pass_rate(0.5, reduce=reduce))
    assert (0.875 if reduce == "mean" else value) == found.value


def test_more_trials_than_ran_are_an_error_in_words() -> None:
    """pass@5 of cases with one trial is no number."""
    found = verdict(run(60, 60), specs.pass_rate(0.9, reduce="pass@5"))
    assert "invalid" == found.status
    assert "pass@5" in found.reasons[0]


def polite(case: str, value: float | None, **more: Any) -> ItemRecord:
    why = "no verdict" if value is None else None
    score = Score(name="polite", value=value, not_scored=why, **more)
    found = item(case)
    return replace(found, scores=(*found.scores, score))


def test_a_mean_is_decided_by_its_bounds() -> None:
    """A score's mean passes a bar below its bounds and fails one above them."""
    records = [polite(f"c{at}", 0.8 + 0.1 * (at % 3)) for at in range(60)]
    assert "passed" == verdict(records, specs.mean("polite", 0.8)).status
    assert "failed" == verdict(records, specs.mean("polite", 0.99)).status


def test_of_a_score_that_is_better_low_the_mean_must_lie_below() -> None:
    """`direction` turns the bar round."""
    records = [polite(f"c{at}", 0.1, direction="lower") for at in range(60)]
    assert "passed" == verdict(records, specs.mean("polite", 0.3)).status
    assert "failed" == verdict(records, specs.mean("polite", 0.01)).status


def test_a_score_in_another_unit_needs_a_fixed_data_set() -> None:
    """Without a scale there are no bounds; the data set's own mean can be compared."""
    records = [polite(f"c{at}", 3.0) for at in range(60)]
    assert "invalid" == verdict(records, specs.mean("polite", 2)).status
    assert "passed" == verdict(records, specs.mean("polite", 2, fixed=True)).status


def test_a_score_that_nobody_gave_is_an_error() -> None:
    """A misspelt name is no pass, and the message names what there is."""
    found = verdict(run(60, 60), specs.mean("polit", 0.9))
    assert "invalid" == found.status
    assert ("no item has a score named 'polit' (there are: passed)",) == found.reasons


def test_cost_is_summed_over_the_group() -> None:
    """Dollars are those of the calls, judges included; an unknown price leaves the gate open."""
    call = {"digest": "d", "path": "/v1", "purpose": "app", "origin": "live"}
    priced = Call(cost=0.5, **call)  # type: ignore[arg-type]
    free = Call(cost=None, **call)  # type: ignore[arg-type]
    records = [item("a", calls=(priced, replace(priced, purpose="judge")))]
    assert "passed" == verdict(records, specs.max_cost(1)).status
    assert "failed" == verdict(records, specs.max_cost(0.99)).status
    found = verdict([item("a", calls=(priced, free))], specs.max_cost(1))
    assert "inconclusive" == found.status


def test_latency_is_decided_by_how_many_waited_too_long() -> None:
    """Of 100 cases that all waited a second, 95 in 100 do so; of 10, nobody can say."""

    def waited(n: int) -> list[ItemRecord]:
        call = Call(digest="d", path="/v1", purpose="app", origin="live", latency=1.0)
        return [item(f"c{at}", calls=(call,)) for at in range(n)]

    assert "passed" == verdict(waited(100), specs.p95_latency(1.5)).status
    assert "failed" == verdict(waited(100), specs.p95_latency(0.5)).status
    assert "inconclusive" == verdict(waited(10), specs.p95_latency(1.5)).status
    assert "passed" == verdict(waited(10), specs.p95_latency(1.5, fixed=True)).status
    assert "invalid" == verdict(run(10, 10), specs.p95_latency(1.5)).status
