"""`--lf` and its kin after a red gate: they run what made it red, until it is green."""

from __future__ import annotations

import json
from typing import Any

import pytest

EVAL = """
import json, pathlib

@pytest.mark.ailoop(dataset="cases.jsonl", gate=[{gate}], {more})
def test_it(case):
    right = json.loads(pathlib.Path(__file__).with_name("right.json").read_text())
    expect(case.id in right).to(equals(True))

def test_other():
    pass
"""

CASES = ["a", "b", "c", "d", "e", "f"]


class Letters:
    """Six cases, of which those pass that are named in a file."""

    def __init__(self, project: Any, workers: tuple[str, ...]) -> None:
        self.project, self.workers = project, workers
        project.rows([{"id": one, "input": one, "tags": ["must"] * (one < "c")} for one in CASES])

    def gate(self, gate: str, more: str = "") -> None:
        self.project.eval(EVAL.format(gate=gate, more=more))

    def records_alone(self) -> None:
        """Let no item miss, whatever it scores."""
        path = self.project.path / "test_eval.py"
        source = path.read_text("utf-8")
        stated = "expect(case.id in right).to(equals(True))"
        path.write_text(source.replace(stated, "record('right', case.id in right)"), "utf-8")

    def run(self, wrong: str, *args: str) -> pytest.RunResult:
        right = [one for one in CASES if one not in wrong]
        self.project.write("right.json", json.dumps(right))
        found: pytest.RunResult = self.project.run(*self.workers, *args, on=["cacheprovider"])
        return found

    @property
    def ran(self) -> list[str]:
        return [row["key"]["case"] for row in self.project.results()]

    @property
    def remembered(self) -> list[str]:
        path = self.project.path / ".pytest_cache/v/cache/lastfailed"
        return sorted(json.loads(path.read_text("utf-8"))) if path.exists() else []


@pytest.fixture
def letters(project: Any, workers: tuple[str, ...]) -> Letters:
    return Letters(project, workers)


def test_lf_runs_what_made_a_gate_red(letters: Letters) -> None:
    """The missed items of a red gate run again, until none of them misses; then all do."""
    letters.gate("pass_rate(0.9, fixed=True)")
    assert pytest.ExitCode.TESTS_FAILED == letters.run("bd").ret
    assert ["test_eval.py::test_it[b]", "test_eval.py::test_it[d]"] == letters.remembered
    letters.run("d", "--lf")
    assert ["b", "d"] == letters.ran
    assert ["test_eval.py::test_it[d]"] == letters.remembered
    letters.run("", "--lf")
    assert ["d"] == letters.ran
    assert [] == letters.remembered
    assert pytest.ExitCode.OK == letters.run("", "--lf").ret
    assert CASES == sorted(letters.ran)


def test_the_gate_says_that_lf_is_a_part(letters: Letters) -> None:
    """Of what `--lf` ran nothing is decided: neither red, nor green, nor a new baseline."""
    letters.gate("no_regression(0.05), pass_rate(0.9, fixed=True)")
    letters.run("", "--snapshot-update")
    accepted = letters.project.baseline().read_text("utf-8")
    letters.run("bd")
    result = letters.run("bd", "--lf", "--snapshot-update")
    assert "failed" not in result.parseoutcomes()
    result.stdout.fnmatch_lines(["*pass_rate(0.9): inconclusive*", "*not decided: 2 of 6 items*"])
    assert accepted == letters.project.baseline().read_text("utf-8")


def test_a_green_gate_lets_its_misses_go(letters: Letters) -> None:
    """What may miss is no failure: `--lf` finds nothing to do, and runs all."""
    letters.gate("pass_rate(0.9, fixed=True)")
    letters.run("bd")
    letters.gate("pass_rate(0.5, fixed=True)")
    assert pytest.ExitCode.OK == letters.run("bd").ret
    assert [] == letters.remembered


def test_a_gate_over_some_cases_blames_no_other(letters: Letters) -> None:
    """Of two gates the red one alone says which of the misses are to run again."""
    letters.gate("every_case(tag='must'), pass_rate(0.1, fixed=True)")
    letters.run("bd")
    assert ["test_eval.py::test_it[b]"] == letters.remembered


def test_without_a_miss_the_whole_group_runs_again(letters: Letters) -> None:
    """Where no item of the cases that a gate names missed, all of theirs are run."""
    letters.gate("mean('right', 0.9, fixed=True)", "trials=2")
    letters.records_alone()
    letters.run("b")
    found = [f"test_eval.py::test_it[b-r{trial}]" for trial in (1, 2)]
    assert found == letters.remembered


def test_ff_runs_what_made_a_gate_red_first(letters: Letters) -> None:
    """All run, the missed ones before the others, and the gate decides."""
    letters.gate("pass_rate(0.9, fixed=True)")
    letters.run("ce")
    shown = letters.run("ce", "--ff", "-v")
    assert pytest.ExitCode.TESTS_FAILED == shown.ret
    if not letters.workers:
        shown.stdout.fnmatch_lines(["*[[]c[]] MISSED*", "*[[]e[]] MISSED*", "*[[]a[]] PASSED*"])


def test_sw_stops_at_no_gate(project: Any) -> None:
    """Stepwise goes by items: a red gate is not where it left off, and stops nothing."""
    letters = Letters(project, ())
    letters.gate("pass_rate(0.9, fixed=True)")
    shown = letters.run("b", "--sw").stdout.str()
    assert "continuing from this test" not in shown
    letters.run("b", "--sw")
    assert CASES == sorted(letters.ran)


def test_what_could_not_be_decided_blames_no_item(
    letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a baseline CI is red, but no item is at fault."""
    monkeypatch.setenv("CI", "1")
    letters.gate("no_regression(0.05)")
    assert pytest.ExitCode.TESTS_FAILED == letters.run("b").ret
    assert [] == letters.remembered
