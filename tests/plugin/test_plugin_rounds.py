"""Rounds of trials: as many as the gates' verdict takes."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ailoop.cli import main


def test_trials_auto_stops_after_whole_rounds(many: Any, workers: tuple[str, ...]) -> None:
    """One trial of each case settles a clear verdict, and four are not run."""
    project = many("pass_rate(0.5)", 'trials="auto"')
    result = project.run(*workers)
    assert pytest.ExitCode.OK == result.ret
    found = project.counts
    assert 300 == found["passed"] + found["settled"]
    assert found["passed"] == 60 or workers
    result.stdout.fnmatch_lines(["*pass_rate(0.5): passed, * over 60 cases, settled after 1 of*"])


def test_an_open_verdict_takes_all_rounds(many: Any, workers: tuple[str, ...]) -> None:
    """Ten cases cannot prove 90 %, however often they are tried."""
    project = many("pass_rate(0.9)", 'trials="auto"', n=10)
    result = project.run("--ailoop-max-trials=3", *workers)
    assert {"missing": 0, "passed": 30, "settled": 0} == project.counts
    result.stdout.fnmatch_lines(["*pass_rate(0.9): inconclusive*over 10 cases x 3 trials*"])


@pytest.mark.parametrize("how", ["--ailoop-trials=auto", "--ailoop-inconclusive=more"])
def test_options_ask_for_rounds_too(many: Any, how: str) -> None:
    """Of gated tests; a number of trials on the command line is one."""
    project = many("pass_rate(0.9)", "", n=10)
    project.run(how, "--ailoop-max-trials=2")
    assert 20 == project.counts["passed"]
    project.run(how.replace("trials=auto", "trials=1"), "--ailoop-trials=1")
    assert 10 == project.counts["passed"]


def test_more_goes_on_from_the_markers_trials(many: Any) -> None:
    """The first look is after all of them; where it is settled there, no more are drawn."""
    project = many('pass_rate(0.5, inconclusive="more")', "trials=2")
    project.run("--ailoop-max-trials=4")
    assert {"missing": 0, "passed": 120, "settled": 120} == project.counts
    (gate,) = project.run_json()["gates"]
    assert "settled after 2 of 4 rounds" == gate["facts"]["settled"]
    assert not gate["blocking"]


@pytest.mark.parametrize("more", ['trials="auto"', 'stop="settled"'])
def test_without_a_gate_nothing_can_be_settled(many: Any, more: str) -> None:
    """It is a usage error that says what is lacking."""
    result = many("", more).run()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*but the test has no gate; give it gate=*"])


def test_whole_rounds_may_be_accepted_by_force(many: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials that were not needed are none that are lacking."""
    project = many("pass_rate(0.5)", 'trials="auto"')
    project.run()
    monkeypatch.chdir(project.path)
    assert 0 == main(["accept", "--force"])
    assert 60 == project.baseline().read_text("utf-8").count('"trials": 1')
