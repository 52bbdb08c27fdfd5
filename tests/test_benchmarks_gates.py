"""The simulation of gates runs real sessions, whose verdicts are those of the records."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.gates.line import Calls, Line, Simulation, text_of
from benchmarks.gates.rows import ROWS
from benchmarks.gates.sessions import Evals
from benchmarks.gates.several import Several
from benchmarks.gates.system import System
from pytest_ailoop.baseline.extension import read_baseline
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.gates.decide import Context, decide
from pytest_ailoop.gates.verdicts import decide_rate
from pytest_ailoop.session import Outcome

BASE = System(seed="base", cases="cases", rate=0.9)


@pytest.fixture(autouse=True)
def _at_the_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under CI nothing would be accepted."""
    monkeypatch.delenv("CI", raising=False)


def judged(evals: Evals, system: System) -> tuple[GateVerdict, ...]:
    """Return the verdicts of a session; those of its records alone must be the same."""
    outcome = evals.run(system)
    baseline = read_baseline(evals.folder, f"{evals.module}.py")
    decided = decide(outcome.run.plan, outcome.records, Context(baseline=baseline))
    # What changed since is told by the session, for the verdict.
    assert [replace(one, since=()) for one in outcome.gates] == list(decided)
    return outcome.gates


def test_a_session_judges_as_its_records_are_judged(tmp_path: Path) -> None:
    """An unchanged system is no alarm in these runs, one that got much worse is regressed."""
    evals = Evals(tmp_path / "alone", "no_regression(0.05)", cases=30)
    evals.accept(BASE)
    same = [judged(evals, replace(BASE, seed=f"same {n}"))[0].status for n in range(3)]
    worse = [judged(evals, replace(BASE, seed=f"{n}", factor=0.3))[0].status for n in range(3)]
    assert "regressed" not in same
    assert ["regressed"] * 3 == worse


def test_trials_are_judged_by_case(tmp_path: Path) -> None:
    """Three trials of ten cases: ten cases stand in the verdict, of a bar and of a comparison."""
    gates = "no_regression(0.05), pass_rate(0.05), pass_rate(0.9)"
    evals = Evals(tmp_path / "trials", gates, cases=10, trials=3)
    hard = replace(BASE, rate=0.4, spread=0.5)
    evals.accept(hard)
    found = judged(evals, replace(hard, seed="now"))
    assert [(10, 3)] * 3 == [(one.cases, one.trials) for one in found]
    assert ["passed", "failed"] == [one.status for one in found[1:]]


def test_gates_of_a_session_stand_among_each_other(tmp_path: Path) -> None:
    """One of six scores got worse: it alone is regressed."""
    scores = ["m0", "m1", "m2"]
    gates = ", ".join(f"no_regression(0.05, score={name!r})" for name in scores)
    evals = Evals(tmp_path / "many", gates, cases=20, systems=2, scores=scores)
    evals.accept(BASE)
    drop = replace(BASE, seed="now", factor=0.0, drops=frozenset({"s1 m2"}))
    found = judged(evals, drop)
    assert ["regressed"] == [one.status for one in found if one.status == "regressed"]
    assert "regressed" == found[-1].status
    assert 6 == len(found)


def test_a_system_is_right_as_often_as_it_says() -> None:
    """Over many cases: its rate, whatever the spread; a factor takes its share of each case."""
    for system in (BASE, replace(BASE, spread=0.5), replace(BASE, rate=1.0, factor=0.9)):
        right = sum(system.draw(f"c{n}", 1, "s")[0] for n in range(4000))
        assert 0.9 == pytest.approx(right / 4000, abs=0.02)
    spread = replace(BASE, spread=0.5)
    by_case = Counter(sum(spread.draw(f"c{n}", k, "s")[0] for k in range(4)) for n in range(2000))
    # Independent trials would all pass in 66 % of the cases.
    assert by_case[4] / 2000 > 0.75


def test_a_seed_gives_the_same_answers() -> None:
    """Any run can be had again; other answers to the same cases are another seed."""
    again = System(seed="base", cases="cases", rate=0.9)
    other = replace(BASE, seed="now", spread=0.5)
    names = [f"c{n}" for n in range(50)]
    assert [BASE.draw(n, 1, "s") for n in names] == [again.draw(n, 1, "s") for n in names]
    assert [BASE.draw(n, 1, "s") for n in names] != [other.draw(n, 1, "s") for n in names]
    spread = replace(BASE, spread=0.5)
    assert [spread.chance(n, "s") for n in names] == [other.chance(n, "s") for n in names]


def test_a_line_is_missed_where_chance_would_not_do_it() -> None:
    """Eight alarms of 100 may be 5 %, sixteen are not; a stated share binds on both sides."""
    assert Line(what="x", hits=8, of=100, most=0.05).ok
    assert not Line(what="x", hits=16, of=100, most=0.05).ok
    assert Line(what="x", hits=60, of=100, stated=(0.63, 0.63)).ok
    assert not Line(what="x", hits=30, of=100, stated=(0.63, 0.63)).ok
    assert not Line(what="x", hits=30, of=100, stated=(0.01, 0.1)).ok
    assert Line(what="x", hits=1, of=100).ok is None
    assert text_of(Line(what="x", hits=16, of=100, most=0.05)).endswith("MISSED")


GATES = {"bar": 10, "bar-graded": 80, "holm": 2, "together-bar": 10, "together-comparison": 2}


@pytest.mark.parametrize("name", GATES)
def test_a_row_can_be_simulated(name: str, tmp_path: Path) -> None:
    """Two sessions of each kind: figures that say nothing here, of as many gates as it tells."""
    lines = list(ROWS[name](Simulation(folder=str(tmp_path), share=0.0)))
    assert {GATES[name]} == {line.of for line in lines}


def test_tests_are_judged_together(tmp_path: Path) -> None:
    """One gate for each system over the rows of all tests: what is right is what was drawn."""
    gate = {"all": "pass_rate = 0.9"}
    evals = Several(tmp_path / "bars", gate, tests=3, cases=10, systems=2)
    found = evals.run(BASE).gates
    right = [
        sum(BASE.draw(f"c{n}", 1, f"{system} t{at}")[0] for n in range(10) for at in range(3))
        for system in ("s0", "s1")
    ]
    assert [30, 30] == [one.cases for one in found]
    assert [one / 30 for one in right] == pytest.approx([one.value for one in found])


def test_a_row_of_several_tests_is_drawn_for_each(tmp_path: Path) -> None:
    """It counts once, with the mean of answers that are new in each test."""
    gate = {"all": "pass_rate = 0.9"}
    evals = Several(tmp_path / "shared", gate, tests=3, cases=10, shared=True)
    half = replace(BASE, rate=0.5)
    (found,) = evals.run(half).gates
    turns = [[half.draw(f"c{n}", turn, "s0")[0] for n in range(10)] for turn in (1, 2, 3)]
    assert 10 == found.cases
    assert sum(map(sum, turns)) / 30 == pytest.approx(found.value)
    assert turns[0] != turns[1] != turns[2]


@pytest.mark.parametrize("shared", [False, True])
def test_tests_are_compared_together(shared: bool, tmp_path: Path) -> None:
    """An unchanged system is no alarm in these runs, one that got much worse is regressed."""
    gate = {"all": "no_regression = 0.05"}
    evals = Several(tmp_path / "compared", gate, tests=2, cases=15, shared=shared)
    evals.accept(replace(BASE, seed="before"))
    (same,) = evals.run(replace(BASE, seed="now")).gates
    (worse,) = evals.run(replace(BASE, seed="worse", factor=0.2)).gates
    assert ("regressed", 15 if shared else 30) == (worse.status, worse.cases)
    assert "regressed" != same.status


def asked(outcome: Outcome) -> int:
    return sum(one.outcome != "settled" for one in outcome.records)


def test_cases_that_are_settled_are_not_asked(tmp_path: Path) -> None:
    """The statuses are those that all answers give, with a part of the calls."""
    evals = Evals(tmp_path / "early", "pass_rate(0.5)", cases=60, systems=3, more='stop="settled"')
    for rate in (0.95, 0.2):
        system = System(seed=f"early {rate}", cases="cases", rate=rate)
        outcome = evals.run(system)
        right = [sum(system.draw(f"c{n}", 1, f"s{at}")[0] for n in range(60)) for at in range(3)]
        whole = [decide_rate(one, 60, 0.5).status for one in right]
        assert whole == [one.status for one in outcome.gates]
        assert asked(outcome) < 0.85 * 180


def test_trials_are_drawn_as_long_as_a_gate_is_open(tmp_path: Path) -> None:
    """One round settles what is clear; at the bar itself all five say nothing, and none errs."""
    evals = Evals(tmp_path / "auto", "pass_rate(0.9)", cases=50, trials="auto")
    clear = System(seed="clear", cases="cases", rate=0.5)
    found = evals.run(clear)
    assert ["failed"] == [one.status for one in found.gates]
    assert 50 == asked(found)
    at_the_bar = evals.run(replace(clear, seed="open", rate=0.9, spread=0.5))
    assert ["inconclusive"] == [one.status for one in at_the_bar.gates]
    assert 250 == asked(at_the_bar)


def test_a_comparison_goes_on_until_it_is_settled(tmp_path: Path) -> None:
    """Of several that stand among each other: what got much worse is seen before the last case."""
    scores = ["m0", "m1"]
    gates = ", ".join(f"no_regression(0.2, score={name!r})" for name in scores)
    evals = Evals(
        tmp_path / "seen", gates, cases=60, systems=2, scores=scores, more='stop="settled"'
    )
    evals.accept(BASE)
    drop = replace(BASE, seed="now", factor=0.0, drops=frozenset({"s0 m0", "s0 m1"}))
    outcome = evals.run(drop)
    assert ["regressed", "regressed"] == [one.status for one in outcome.gates[:2]]
    assert "regressed" not in [one.status for one in outcome.gates[2:]]
    assert asked(outcome) < 120


def test_calls_are_told_with_what_was_saved() -> None:
    """A line of its own, that no bound judges."""
    line = Calls(what="x", made=25, planned=100)
    assert line.ok is None
    assert text_of(line).endswith("25 of 100      75%  saved")
