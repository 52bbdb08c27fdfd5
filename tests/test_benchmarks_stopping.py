"""The simulation of early stop: its verdicts are those of the records, and it finds a fault."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from benchmarks.gates.line import Calls, Line
from benchmarks.statistics import early
from benchmarks.stopping import __main__ as stopping
from benchmarks.stopping import rules
from benchmarks.stopping.rows import ROWS, lines
from benchmarks.stopping.rules import Rules, without_outlook
from benchmarks.stopping.setting import SCORE, Run, Setting, drawn
from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.gate import GateVerdict, StopRule
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.data.score import Score
from pytest_ailoop.gates import specs
from pytest_ailoop.gates.decide import Context, decide
from tests.fakes.gated import item, plan

LOOSE = 0.7
"""A confidence with which betting is sure after few cases."""

SETTINGS = {
    "mean": Setting(gate=specs.mean(SCORE, 0.5), by="cases", cases=40, rate=0.8),
    "skewed": Setting(gate=specs.mean(SCORE, 0.3), by="cases", cases=40, rate=0.9, best=0.5),
    "trials": Setting(
        gate=specs.pass_rate(0.5), by="cases", cases=30, rate=0.8, trials=3, spread=0.5
    ),
    "comparison": Setting(gate=specs.no_regression(0.1), by="cases", cases=40, rate=0.9, drop=0.5),
    "fine": Setting(
        gate=specs.no_regression(0.3), by="cases", cases=60, rate=0.9, trials=2, base_trials=3
    ),
    "auto": Setting(
        gate=specs.pass_rate(0.8), by="rounds", cases=30, rate=0.93, trials=4, spread=0.2
    ),
    "more": Setting(gate=specs.no_regression(0.2), by="rounds", cases=25, rate=0.9, trials=4),
    "more-pooled": Setting(
        gate=specs.no_regression(0.1),
        by="rounds",
        cases=25,
        rate=0.9,
        trials=4,
        base_trials=4,
        drop=0.2,
    ),
}


def decided(one: Setting, run: Run) -> GateVerdict:
    """Return what the records of *run* say, all of which are there."""
    records = [
        record(one, f"c{case}", trial + 1, bool(run.right[case, trial]))
        for trial in range(one.trials)
        for case in range(one.cases)
    ]
    before = [
        record(one, f"c{case}", trial + 1, trial < run.before[case])
        for case in range(one.cases)
        for trial in range(one.base_trials)
    ]
    by_rounds = StopRule(by="rounds", most=one.trials, seed=run.number)
    rule = StopRule(by="cases", seed=run.number) if one.by == "cases" else by_rounds
    made = plan(records, one.gate, stopping=rule)
    baseline = accepted_from(before).entries
    (found,) = decide(made, records, Context(baseline=baseline))
    return found


def record(one: Setting, case: str, trial: int, right: bool) -> ItemRecord:
    made = item(case, float(right), trial=trial)
    if one.gate.kind != "mean":
        return made
    score = Score(name=SCORE, value=one.best * right)
    return item(case, float(right), trial=trial, scores=(score, *made.scores))


@pytest.mark.parametrize("name", SETTINGS)
def test_verdicts_are_those_of_the_records(name: str) -> None:
    """Status, and after how many cases or rounds: as `decide` has it, in 40 runs of each kind."""
    one = SETTINGS[name]
    rules = Rules(one)
    whole = one.cases if one.by == "cases" else one.trials
    seen = Counter()
    for run in drawn(one, 40, 5):
        with without_outlook():
            status, after = rules.verdict(run)
        found = decided(one, run)
        assert (found.status, found.facts.get("settled_after", whole)) == (status, after)
        seen[after < whole] += 1
    assert seen[True] > 4


@pytest.mark.parametrize(("bar", "best"), [(0.3, 1.0), (0.15, 0.6)])
def test_shares_of_a_mean_are_those_of_all_outcomes(bar: float, best: float) -> None:
    """Each way that eight cases can come, decided from its records, with its likelihood."""
    one = Setting(
        gate=specs.mean(SCORE, bar, confidence=LOOSE), by="cases", cases=8, rate=0.6, best=best
    )
    expected = Counter()
    for way in itertools.product((0, 1), repeat=8):
        found = decided(one, Run(number=0, right=np.array(way)[:, None], before=np.zeros(8, int)))
        expected[found.status] += 0.6 ** sum(way) * 0.4 ** (8 - sum(way))
        expected["early"] += 0.6 ** sum(way) * 0.4 ** (8 - sum(way)) * ("settled" in found.facts)
    found = early.mean(8, bar, np.array([0.6]), best, alpha=1 - LOOSE)
    assert expected["early"] > 0.04
    assert expected.pop("early") == pytest.approx(found.early[0])
    assert dict(expected) == pytest.approx({key: share[0] for key, share in found.by.items()})


def test_shares_of_a_comparison_are_those_of_all_outcomes() -> None:
    """The same of six pairs: lost, as before, or gained."""
    one = Setting(gate=specs.no_regression(0.3, confidence=LOOSE), by="cases", cases=6, rate=0.5)
    chances, expected = {-1: 0.5, 0: 0.3, 1: 0.2}, Counter()
    for way in itertools.product(chances, repeat=6):
        before, now = np.array(way) < 0, np.array(way) > 0
        found = decided(one, Run(number=0, right=now[:, None], before=before.astype(int)))
        share = float(np.prod([chances[step] for step in way]))
        expected[found.status] += share
        expected["early"] += share * ("settled" in found.facts)
    found = early.comparison(6, 0.3, np.array([0.2]), np.array([0.5]), alpha=1 - LOOSE)
    assert expected["early"] > 0.04
    assert expected.pop("early") == pytest.approx(found.early[0])
    assert dict(expected) == pytest.approx({key: share[0] for key, share in found.by.items()})


def test_early_stop_errs_within_its_bounds() -> None:
    """All outcomes of 10 and 20 cases; `python -m benchmarks.statistics` has up to 200."""
    found = list(early.lines(range(10, 21)))
    assert 6 == len(found)
    assert all(measured <= bound for _, measured, bound in found), found


@pytest.mark.parametrize("name", ROWS)
def test_rows_can_be_simulated(name: str) -> None:
    """The first and the last setting of each row: within its bounds, as far as 300 runs tell."""
    for row in (ROWS[name][0], ROWS[name][-1]):
        *wrong, calls = [line for _, line in lines(row, 300)]
        assert isinstance(calls, Calls)
        assert all(isinstance(line, Line) and line.ok and line.of == 300 for line in wrong)


def test_the_table_ends_with_the_worst(capsys: pytest.CaptureFixture[str]) -> None:
    """Of each kind of error that was simulated one line, after those of all settings."""
    assert 0 == stopping.main(["rounds", "--runs", "4"])
    out = capsys.readouterr().out.splitlines()
    assert 4 == sum(line.startswith("worst: ") for line in out)
    assert out[-1].startswith("44 rates of 4 runs, 0 missed")


def test_cases_in_their_own_order_would_err(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: with the easy cases first, betting passes means at the bar far too often."""
    one = next(
        row for row in ROWS["bars"] if row.what == "mean, 200 cases, rate 80%, half of them sure"
    )
    assert all(line.ok is not False for _, line in lines(one, 300))
    monkeypatch.setattr(rules, "order", lambda seed, cases: list(cases))
    assert [False] == [line.ok for kind, line in lines(one, 300) if kind == "passed though below"]
