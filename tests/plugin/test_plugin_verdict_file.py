"""The file that tells machines how a run ended: failed, could not tell, could not run."""

from __future__ import annotations

import json
from typing import Any

import pytest

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl", gate={gate})
def test_it(case):
    expect(case.input).to(equals(case.expected))
"""


def verdict(project: Any, *args: str) -> dict[str, Any]:
    project.run("--ailoop-verdict-file=out/verdict.json", *args)
    found: dict[str, Any] = json.loads((project.path / "out" / "verdict.json").read_text("utf-8"))
    return found


def cases(project: Any, right: int, of: int) -> None:
    rows = [{"id": f"c{n}", "input": "x", "expected": "x" if n < right else "y"} for n in range(of)]
    project.rows(rows)


@pytest.mark.parametrize(
    ("gate", "right", "of", "expected", "reason"),
    [
        ("[pass_rate(0.9)]", 30, 30, "passed", None),
        (
            "[pass_rate(0.9)]",
            10,
            30,
            "failed",
            "test_eval.py::test_it: pass_rate(0.9): failed, 33%",
        ),
        ("[pass_rate(0.9)]", 10, 10, "inconclusive", "pass_rate(0.9): inconclusive, 100%"),
        ("[no_regression()]", 10, 10, "inconclusive", "no_regression(0.05): no baseline"),
        ("[mean('polite', 0.5)]", 10, 10, "invalid", "mean(polite, 0.5): invalid"),
        ("None", 9, 10, "failed", "1 item failed"),
        ("None", 10, 10, "passed", None),
    ],
)
def test_the_verdict_says_how_the_run_ended(
    project: Any,
    workers: tuple[str, ...],
    gate: str,
    right: int,
    of: int,
    expected: str,
    reason: str | None,
) -> None:
    """Failed, could not tell and could not run are told apart, with the reason."""
    cases(project, right, of)
    project.eval(EVAL.format(gate=gate))
    found = verdict(project, *workers)
    assert expected == found["verdict"]
    assert (reason or "") in "".join(found["reasons"])
    assert bool(reason) == bool(found["reasons"])


def test_what_could_not_be_measured_is_invalid(project: Any) -> None:
    """An item without a result is no failure and no pass."""
    project.eval(
        """
@pytest.mark.ailoop
def test_it():
    raise AiloopError("no reply")
"""
    )
    found = verdict(project)
    assert ("invalid", ["1 item could not be measured"]) == (found["verdict"], found["reasons"])


def test_an_inconclusive_gate_may_be_told_to_fail(project: Any) -> None:
    """`--ailoop-inconclusive=fail` turns the run red; the verdict is still that none can tell."""
    cases(project, 10, 10)
    project.eval(EVAL.format(gate="[pass_rate(0.9)]"))
    found = verdict(project, "--ailoop-inconclusive=fail")
    assert ("inconclusive", 1) == (found["verdict"], found["exit_status"])
    assert 0 == verdict(project, "--ailoop-inconclusive=warn")["exit_status"]


def test_a_verdict_of_an_earlier_run_is_not_left_behind(project: Any) -> None:
    """A session that breaks at collection leaves `invalid`, not yesterday's pass."""
    project.eval("@pytest.mark.ailoop\ndef test_it():\n    record('x', 1)\n")
    assert "passed" == verdict(project)["verdict"]
    project.eval("import nothing_like_it\n")
    assert "invalid" == verdict(project)["verdict"]


def test_a_file_that_cannot_be_written_is_a_usage_error(project: Any) -> None:
    """It is told before anything is paid for."""
    project.write("out", "a file where the folder should be")
    project.eval("@pytest.mark.ailoop\ndef test_it():\n    record('x', 1)\n")
    result = project.run("--ailoop-verdict-file=out/verdict.json")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*--ailoop-verdict-file: out/verdict.json cannot be written*"])


def test_without_evals_nothing_is_written_over_a_look(project: Any) -> None:
    """`--collect-only` decides nothing, so it touches no verdict."""
    project.eval("@pytest.mark.ailoop\ndef test_it():\n    record('x', 1)\n")
    project.run("--collect-only", "--ailoop-verdict-file=verdict.json")
    assert not (project.path / "verdict.json").exists()
