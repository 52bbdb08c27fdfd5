"""Subtests of items under a gate: what misses in one is a miss of its item."""

from __future__ import annotations

from typing import Any

import pytest

ROWS = [{"id": one, "input": one, "tags": []} for one in ("ab", "a", "b")]

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl", gate={gate})
def test_it(case, subtests):
    for letter in "ab":
        with subtests.test(letter=letter):
            {body}
"""

ASSERTS = "assert letter in case.input"

RAISES = "record('asked', 1), case.input.index(letter)"


@pytest.fixture
def halves(project: Any) -> Any:
    """Return a function that writes an eval of three cases with two subtests each."""

    def write(gate: str, body: str = ASSERTS) -> Any:
        project.rows(ROWS)
        project.eval(EVAL.format(gate=gate, body=body))
        return project

    return write


def outcomes(project: Any) -> list[str]:
    return [row["outcome"] for row in project.results()]


@pytest.mark.parametrize(
    "body",
    [ASSERTS, "expect(case.input).to(contains(letter))", RAISES],
    ids=["assert", "expect", "exception"],
)
def test_a_missed_subtest_is_a_miss_of_its_item(
    halves: Any, workers: tuple[str, ...], body: str
) -> None:
    """However it misses, its item is missed once, and the gate decides alone."""
    project = halves("[pass_rate(0.3, fixed=True)]", body)
    result = project.run(*workers)
    assert pytest.ExitCode.OK == result.ret
    assert {"missed": 2, "passed": 2} == result.parseoutcomes()
    assert ["passed", "missed", "missed"] == outcomes(project)


def test_a_missed_subtest_is_shown_with_the_passed_ones(halves: Any) -> None:
    """pytest names subtests that did not fail in verbose mode alone."""
    project = halves("[pass_rate(0.3, fixed=True)]")
    assert "letter" not in project.run().stdout.str()
    shown = project.run("-v")
    shown.stdout.fnmatch_lines(["*test_it[[]a[]] SUBMISSED(letter='b')*"])
    assert 2 == shown.parseoutcomes()["missed"]


def test_a_missed_subtest_ends_no_session(halves: Any, workers: tuple[str, ...]) -> None:
    """`-x` passes it by, as it passes missed items by."""
    project = halves("[pass_rate(0.3, fixed=True)]")
    assert pytest.ExitCode.OK == project.run("-x", *workers).ret
    assert 3 == len(project.results())


def test_subtests_fail_where_no_gate_speaks_of_quality(
    halves: Any, workers: tuple[str, ...]
) -> None:
    """Without a gate, or under one over cost, each is pytest's own failure."""
    result = halves("[max_cost(1)]").run(*workers)
    assert 4 == result.parseoutcomes()["failed"]
    assert pytest.ExitCode.TESTS_FAILED == result.ret


def test_a_subtest_that_could_not_be_measured_is_an_error(
    halves: Any, workers: tuple[str, ...]
) -> None:
    """A gate takes no fault of the infrastructure back."""
    body = "import openai; raise openai.APIConnectionError(request=None)"
    project = halves("[pass_rate(0.3)]", body)
    assert pytest.ExitCode.TESTS_FAILED == project.run(*workers).ret
    assert ["error"] * 3 == outcomes(project)


def test_missed_subtests_in_junit(halves: Any, workers: tuple[str, ...]) -> None:
    """junit calls them skipped, as it does with missed items."""
    project = halves("[pass_rate(0.3, fixed=True)]")
    project.run("--junitxml=out.xml", *workers)
    told = (project.path / "out.xml").read_text("utf-8")
    assert 'failures="0"' in told
    assert "missed: AssertionError" in told
