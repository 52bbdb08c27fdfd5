"""Gates: reports of their own, items that miss under them, and the exit code."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

ROWS = [
    {"id": "a", "input": "x", "expected": "x", "tags": ["must"]},
    {"id": "b", "input": "x", "expected": "y"},
    {"id": "c", "input": "x", "expected": "x"},
]

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl", gate={gate})
def test_it(case):
    expect(case.input).to(equals(case.expected))
"""

MUST_ALL = '[pass_rate(0.5), every_case(tag="must")]'


@pytest.fixture
def gated(project: Any) -> Any:
    """Return a function that writes one eval of three cases, one of which misses, with gates."""

    def write(gate: str, *changes: dict[str, Any]) -> Any:
        project.rows([*ROWS, *changes])
        project.eval(EVAL.format(gate=gate))
        return project

    return write


def test_what_misses_under_a_gate_is_no_failure(gated: Any, workers: tuple[str, ...]) -> None:
    """A missed item has its own letter and count, and leaves the exit code alone."""
    project = gated(MUST_ALL)
    result = project.run(*workers)
    assert pytest.ExitCode.OK == result.ret
    outcomes = result.parseoutcomes()
    assert 1 == outcomes["missed"]
    assert "failed" not in outcomes
    assert ["missed", "passed", "passed"] == sorted(row["outcome"] for row in project.results())


def test_a_missed_item_has_a_letter_of_its_own(gated: Any) -> None:
    """Letters show where items missed, words name them."""
    project = gated(MUST_ALL)
    project.run().stdout.fnmatch_lines(["test_eval.py .m.*"])
    project.run("-v").stdout.fnmatch_lines(["*test_it[[]b[]] MISSED*"])


def test_without_a_gate_over_quality_each_item_decides(
    gated: Any, workers: tuple[str, ...]
) -> None:
    """A gate over cost, or over some cases alone, takes no failure back."""
    result = gated('[max_cost(1), every_case(tag="must")]').run(*workers)
    result.assert_outcomes(failed=1, passed=2 + 2)
    assert pytest.ExitCode.TESTS_FAILED == result.ret


def test_a_gate_is_a_report_of_its_own(gated: Any, workers: tuple[str, ...]) -> None:
    """A red gate stands in counts, failures and junit, and turns the exit code red."""
    project = gated("[pass_rate(0.5), every_case()]")
    result = project.run("--junitxml=junit.xml", *workers)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    outcomes = result.parseoutcomes()
    assert (1, 1) == (outcomes["failed"], outcomes["missed"])
    result.stdout.fnmatch_lines(
        [
            "*= FAILURES =*",
            "*test_it[[]gate: every_case()[]]*",
            "every_case(): failed*",
            "1 case of 3 failed in one trial or more",
            "cases:",
            "  - b",
            "FAILED test_eval.py::test_it[[]gate: every_case()[]]*",
        ]
    )
    suite = ET.parse(project.path / "junit.xml").getroot()[0]
    assert {"failures": "1", "errors": "0", "tests": "5"} == {
        name: suite.attrib[name] for name in ("failures", "errors", "tests")
    }
    names = {one.attrib["name"]: [part.tag for part in one] for one in suite}
    assert ["failure"] == names["test_it[gate: every_case()]"]
    assert "skipped" in names["test_it[b]"]


def test_the_gate_report_tells_no_progress(gated: Any) -> None:
    """The items' count stays the items': no line says more than 100%."""
    shown = gated(MUST_ALL).run("-v").stdout.str()
    assert "[100%]" in shown
    assert "[133%]" not in shown
    assert "[166%]" not in shown


def test_letters_of_gates_have_a_line_of_their_own(gated: Any) -> None:
    """With `-q`, too, where no path ends the line of the items' letters."""
    lines = gated(MUST_ALL).run("-q").stdout.lines
    assert ".m." == lines[0].split()[0]
    assert "?." == lines[1]


def test_a_gate_that_stands_twice_is_refused(gated: Any) -> None:
    """The fault shows the gates as they were written."""
    result = gated("[every_case(), every_case()]").run()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*different gates, * got [[]every_case(), every_case()[]]"])


def test_the_run_keeps_its_verdicts(gated: Any, workers: tuple[str, ...]) -> None:
    """run.json tells of each gate what was asked, found and why, with pytest's exit status."""
    project = gated("[every_case()]")
    project.run(*workers)
    run = project.run_json()
    assert 1 == run["exit_status"]
    (verdict,) = run["gates"]
    assert ("failed", True, ["b"]) == (verdict["status"], verdict["blocking"], verdict["named"])
    assert "every_case()" == verdict["gate"]["name"]
    assert ["1 case of 3 failed in one trial or more"] == verdict["reasons"]


def test_the_first_failures_end_no_run_by_a_gate(gated: Any) -> None:
    """`-x` passes missed items by, and a red gate comes too late to stop anything."""
    result = gated("[pass_rate(0.5), every_case()]").run("-x")
    assert 1 == result.parseoutcomes()["missed"]
    assert "stopping after" not in result.stdout.str()


def test_a_gate_decides_nothing_of_a_part(gated: Any, workers: tuple[str, ...]) -> None:
    """What node ids leave is no fair sample: the gate says so and turns nothing red."""
    result = gated("[pass_rate(0.9)]").run("test_eval.py::test_it[b]", *workers)
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(
        ["*pass_rate(0.9): inconclusive*", "*not decided: 1 of 3 items ran*"]
    )


def test_a_tag_that_no_case_bears_is_an_error(gated: Any, workers: tuple[str, ...]) -> None:
    """A gate over nothing is no pass."""
    result = gated('[pass_rate(0.5), every_case(tag="musst")]').run(*workers)
    assert 1 == result.parseoutcomes()["errors"]
    result.stdout.fnmatch_lines(["*every_case(musst): invalid*", "*no selected case bears 'musst'"])


def test_gates_of_the_configuration_reach_their_tests(gated: Any, workers: tuple[str, ...]) -> None:
    """A table asks of the tests that it names, and of no other."""
    project = gated("None")
    project.write(
        "ailoop.toml",
        '[gates.must]\ntests = ["test_eval.py::test_it"]\nevery_case = true\n'
        '[gates.other]\ntests = ["test_other.py::*"]\nevery_case = true\n',
    )
    project.run(*workers)
    assert ["must: every_case()"] == [one["gate"]["name"] for one in project.run_json()["gates"]]


def test_a_wrong_gate_of_the_configuration_is_a_usage_error(gated: Any) -> None:
    """A bar that is none ends the session before anything runs."""
    project = gated("None")
    project.write("ailoop.toml", "[gates.most]\npass_rate = 90.0\n")
    result = project.run()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*gates.most: 'pass_rate': bar lies above 0 and not above 1*"])


ACCEPTED = """
[[accepted_failures]]
case = "b"
reason = "the model cannot spell"
owner = "ann"
expires = {day}
"""


def test_an_accepted_failure_is_left_out_until_its_day(gated: Any) -> None:
    """It passes the gate while its entry holds, and fails it from then on, with who to ask."""
    project = gated("[pass_rate(0.5), every_case()]")
    project.write("ailoop.toml", ACCEPTED.format(day="2999-12-31"))
    result = project.run("-v")
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["*b may fail until 2999-12-31: the model cannot spell (ann)"])
    project.write("ailoop.toml", ACCEPTED.format(day="2020-12-31"))
    result = project.run()
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["*b might fail until 2020-12-31: *; ask ann, then fix it*"])


CRASHES = """
@pytest.mark.ailoop(dataset="cases.jsonl", gate=[pass_rate(0.5)])
def test_it(case):
    if case.id == "b":
        raise KeyError("answer")
    expect(case.input).to(equals(case.input))
"""


def test_what_could_not_be_measured_is_no_miss(gated: Any) -> None:
    """An application that raises has missed; a call without a reply stays an error."""
    project = gated("None")
    project.eval(CRASHES)
    assert 1 == project.run().parseoutcomes()["missed"]
    project.eval(CRASHES.replace('KeyError("answer")', 'AiloopError("no reply")'))
    assert 1 <= project.run().parseoutcomes()["errors"]


def test_an_accepted_failure_needs_no_other_gate(gated: Any, workers: tuple[str, ...]) -> None:
    """Where each case must pass, one that may fail for now is missed; all others still fail."""
    project = gated("[every_case()]", {"id": "d", "input": "x", "expected": "y"})
    project.write("ailoop.toml", ACCEPTED.format(day="2999-12-31"))
    outcomes = {row["key"]["case"]: row["outcome"] for row in _rows(project, *workers)}
    assert {"a": "passed", "b": "missed", "c": "passed", "d": "failed"} == outcomes
    project.write("ailoop.toml", ACCEPTED.format(day="2020-12-31"))
    assert ["failed", "failed"] == [
        row["outcome"] for row in _rows(project, *workers) if row["key"]["case"] in "bd"
    ]


@pytest.mark.parametrize(
    ("gate", "more", "outcome"),
    [
        ('[every_case(tag="must")]', "", "failed"),
        ("[max_cost(1)]", "", "failed"),
        ("None", "", "failed"),
        ("[every_case()]", 'tests = ["test_other.py::*"]\n', "failed"),
        ("[every_case()]", 'tests = ["test_other.py::*", "test_i?"]\n', "missed"),
    ],
)
def test_an_entry_excuses_what_a_gate_answers_for(
    gated: Any, gate: str, more: str, outcome: str
) -> None:
    """Without a gate over the case nobody would say that it fails, nor when that ends."""
    project = gated(gate)
    project.write("ailoop.toml", ACCEPTED.format(day="2999-12-31") + more)
    (found,) = (row for row in _rows(project) if row["key"]["case"] == "b")
    assert outcome == found["outcome"]


def test_the_latest_of_several_entries_holds(gated: Any) -> None:
    """A case that was given a new date by a further entry may fail up to that."""
    project = gated("[every_case()]")
    entries = (ACCEPTED.format(day=day) for day in ("2999-12-31", "2020-12-31"))
    project.write("ailoop.toml", "".join(entries))
    assert pytest.ExitCode.OK == project.run().ret


def _rows(project: Any, *args: str) -> list[dict[str, Any]]:
    project.run(*args)
    found: list[dict[str, Any]] = project.results()
    return found


NAMED = """
[gates.{table}]
tests = ["test_evil.py::*"]
every_case = true

[[accepted_failures]]
case = "bb"
reason = "a typo"
owner = "ann"
expires = 2999-12-31
"""


def test_what_names_nothing_is_told(gated: Any, workers: tuple[str, ...]) -> None:
    """A gate whose pattern no test has would decide nothing, unseen; so would a known failure."""
    project = gated("[pass_rate(0.5)]")
    project.write("ailoop.toml", NAMED.format(table="all"))
    shown = " ".join(project.run(*workers).stdout.str().split())
    words = "gates.all: its `tests` name no test; they match names like 'test_eval.py::test_it'"
    assert f"warning: {words}" in shown
    assert "warning: accepted_failures: no test that it is over has a case 'bb'" in shown
    part = project.run("test_eval.py", *workers).stdout.str()
    assert "accepted_failures:" not in part
    assert "gates.all" not in part
