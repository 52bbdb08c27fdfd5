"""Slices of the cases, by tag and by metadata: hints in the section, never a failure."""

from __future__ import annotations

from typing import Any

import pytest

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    expect(case.metadata["right"]).to(equals(True))
"""


@pytest.fixture
def evals(project: Any) -> Any:
    """Forty cases, of which those in German are answered badly."""
    project.rows(
        [
            {
                "id": f"c{at}",
                "input": "x",
                "tags": ["long"] if at % 2 else [],
                "metadata": {"lang": "de" if at < 12 else "en", "right": not 4 <= at < 12},
            }
            for at in range(40)
        ]
    )
    project.write("ailoop.toml", 'slices = ["lang"]\n')
    project.eval(EVAL.replace("def", "@pytest.mark.xfail\ndef"))
    return project


def test_a_weak_slice_is_a_hint(evals: Any, workers: tuple[str, ...]) -> None:
    """The slice that stands out is shown with its rest; the exit code is that of the items."""
    result = evals.run(*workers)
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(
        [
            "hints: slices that stand out, 1 of 2 looked at*",
            "  - lang=de: 4/12 passed against 28/28, q = *",
        ]
    )
    assert not any("tag long" in line for line in result.outlines)


def test_all_that_was_looked_at_is_told_on_demand(evals: Any) -> None:
    """-vv lists the slices that do not stand out, too."""
    result = evals.run("-vv")
    result.stdout.fnmatch_lines(["  [*] lang=de:*", "  - tag long: 16/20 passed against 16/20*"])


def test_a_key_that_no_case_has_is_a_warning(evals: Any, workers: tuple[str, ...]) -> None:
    """A misspelt key would be looked at in no case, unseen."""
    evals.write("ailoop.toml", 'slices = ["lnag"]\n')
    result = evals.run(*workers)
    result.stdout.fnmatch_lines(["warning: slices: no case has the metadata key 'lnag'*'lang'*"])


def test_slices_are_names(project: Any) -> None:
    """The configuration says what it expects."""
    project.write("ailoop.toml", "slices = [1]\n")
    project.eval(EVAL)
    result = project.run()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*slices*"])
