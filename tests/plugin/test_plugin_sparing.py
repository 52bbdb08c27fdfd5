"""Trials that cannot change what their case counts with are settled, not run."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from typing import Any

import pytest

from pytest_ailoop.cli import main
from tests.plugin.conftest import MANY

STOP = 'trials=3, stop="settled"'
MAJORITY = 'pass_rate(0.5, reduce="majority")'
FIXED = 'pass_rate(1.0, reduce="majority", fixed=True)'

ASYNC = """
import asyncio

@pytest.mark.ailoop(
    dataset="cases.jsonl", gate=[pass_rate(0.5, reduce="majority")], trials=3, stop="settled"
)
async def test_it(case):
    await asyncio.sleep(0.01)
    expect(case.input).to(equals(case.expected))
"""

DIFFER = """
@pytest.mark.ailoop(
    dataset="cases.jsonl",
    gate=[pass_rate(1.0, reduce="majority", fixed=True)],
    trials=3,
    stop="settled",
)
def test_it(case, trial):
    expect(trial != 1 or case.id != "c3").to(equals(True))
"""


def test_two_passes_of_three_are_a_majority(many: Any, workers: tuple[str, ...]) -> None:
    """37 of 60 cases prove the rate, and 2 of 3 trials each of those."""
    project = many(MAJORITY, STOP)
    result = project.run(*workers)
    assert pytest.ExitCode.OK == result.ret
    found = project.counts
    assert 180 == found["passed"] + found["settled"]
    assert found["passed"] == 74 or (workers and found["passed"] > 74)
    (gate,) = project.run_json()["gates"]
    assert ("passed", 37, 60) == (
        gate["status"],
        gate["facts"]["settled_after"],
        gate["facts"]["settled_of"],
    )


def test_the_verdict_is_the_same_however_many_work(many: Any) -> None:
    """To the last figure; and what runs ahead asks for no trial in vain."""
    project = many(MAJORITY, STOP)
    project.eval(ASYNC)
    said = []
    for args in ((), ("--ailoop-lookahead=0",), ("-n", "2")):
        project.run(*args)
        said.append(project.run_json()["gates"])
        assert args == ("-n", "2") or project.counts["passed"] == 74
    assert said[0] == said[1] == said[2]


def test_a_trial_that_decides_runs(many: Any, workers: tuple[str, ...]) -> None:
    """Where the first two differ the third is needed: all cases pass, of one by two of three."""
    project = many(FIXED, STOP, n=5)
    project.eval(DIFFER)
    result = project.run(*workers)
    assert pytest.ExitCode.OK == result.ret
    found = project.counts
    assert 1 == found["missed"]
    assert found["passed"] == 10 or workers
    assert "passed" == project.run_json()["gates"][0]["status"]


def test_a_spared_trial_says_what_settled_it(many: Any) -> None:
    """In junit; a run in which nothing else was left out is a part all the same."""
    project = many(FIXED, STOP, n=5)
    project.run("--junitxml=junit.xml").stdout.fnmatch_lines(["*5 items settled, not run*"])
    suite = ET.parse(project.path / "junit.xml").getroot()[0]
    reasons = [part.attrib["message"] for one in suite for part in one if part.tag == "skipped"]
    assert Counter(["the case was settled after 2 of 3 trials"] * 5) == Counter(reasons)
    run = project.run_json()
    assert ["stopped early: settled after 10 of 15 items"] == run["plan"]["narrowed"]
    assert "settled" not in run["gates"][0]["facts"]


def test_a_baseline_is_made_of_all_trials(many: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update runs them; a run that spared some is accepted by force alone."""
    project = many(FIXED, STOP, n=5)
    project.run("--snapshot-update")
    assert 15 == project.counts["passed"]
    project.run()
    monkeypatch.chdir(project.path)
    assert 0 != main(["accept"])
    assert 0 == main(["accept", "--force"])


def test_what_needs_every_trial_has_them(many: Any) -> None:
    """A mean of trials, and a cost beside the majority."""
    for gate in ("pass_rate(1.0, fixed=True)", f"{FIXED}, max_cost(1)"):
        project = many(gate, STOP, n=5)
        project.run()
        assert 15 == project.counts["passed"]


def test_of_a_part_no_trial_is_spared(many: Any, workers: tuple[str, ...]) -> None:
    """With -k the gate decides nothing, and who asks for cases gets all of their trials."""
    project = many(MAJORITY, STOP, n=20)
    result = project.run("-k", "c1-", *workers)
    assert {"missing": 57, "passed": 3, "settled": 0} == project.counts
    assert "stopped early" not in result.stdout.str()


def test_reliability_is_not_told_of_trials_that_were_left_out(many: Any) -> None:
    """Where only disagreeing cases have a third trial, pass^k would lean upward."""
    project = many(FIXED, STOP, n=5)
    project.eval(DIFFER)
    assert "pass^k" not in project.run("-v").stdout.str()
    project.eval(DIFFER.replace('"settled"', '"never"'))
    assert "pass^k" in project.run("-v").stdout.str()


def test_an_item_that_decides_by_itself_is_never_left_out(
    project: Any, workers: tuple[str, ...]
) -> None:
    """Where the gate does not answer for a miss, the miss is a failure, whatever is settled."""
    rows = [{"id": f"c{at}", "input": "x", "tags": ["must"] * (at % 2)} for at in range(60)]
    project.rows([row | {"expected": "y" if row["tags"] == [] else "x"} for row in rows])
    project.eval(MANY.format(gate='pass_rate(0.5, tag="must")', more='stop="settled"'))
    result = project.run(*workers)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert 30 == project.counts["failed"]
    assert project.counts["settled"]
