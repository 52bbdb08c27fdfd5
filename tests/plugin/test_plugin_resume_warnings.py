"""What a kept item warned of is shown again by the run that keeps it."""

from __future__ import annotations

import json
from typing import Any

import pytest

EVAL = """
import os
import warnings

class OwnWarning(UserWarning):
    pass

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    if case.id == os.environ.get("STOPS_AT"):
        raise KeyboardInterrupt
    WARN
    assert case.input
"""
WARN = 'warnings.warn(f"old {case.id}", DeprecationWarning); warnings.warn("mine", OwnWarning)'
ALONE = ("-p", "no:randomly", "-W", "default")


@pytest.fixture
def warning(project: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project of four cases that stops in the third."""
    monkeypatch.setenv("STOPS_AT", "three")
    project.rows([{"id": name, "input": name} for name in ("one", "two", "three", "four")])
    project.eval(EVAL.replace("WARN", WARN))
    return project


def shown(result: pytest.RunResult) -> str:
    """Return pytest's summary of warnings."""
    return result.stdout.str().partition("= warnings summary =")[2].partition("- Docs: ")[0]


def journal(project: Any) -> list[dict[str, Any]]:
    (path,) = (project.path / ".ailoop/journal").iterdir()
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_warnings_of_kept_items_are_shown_again(warning, monkeypatch, workers):
    """Each with its category, text and place, whoever ran the item, and as often as it was."""
    first = warning.run_apart(*ALONE)
    assert "old two" in shown(first)
    for stops in ("four", ""):
        monkeypatch.setenv("STOPS_AT", stops)
        result = warning.run_apart("--ailoop-resume", *ALONE, *([] if stops else workers))
        result.stdout.fnmatch_lines([f"resumed: kept {3 if not stops else 2} of 4 items *"])
        for name in ("one", "two", "three"):
            assert 1 == shown(result).count(f"DeprecationWarning: old {name}\n")
    lines = (warning.path / "test_eval.py").read_text().splitlines()
    line = 1 + next(number for number, one in enumerate(lines) if "OwnWarning)" in one)
    assert f"{warning.path}/test_eval.py:{line}: OwnWarning: mine" in shown(result)
    assert "test_eval.py::test_it[one]" in shown(result)
    result.stdout.fnmatch_lines(["*4 passed, 8 warnings in *"])


def test_of_an_item_that_warns_much_the_first_are_kept(warning, monkeypatch):
    """Long texts are cut, and what is left out is said."""
    many = 'for number in range(50): warnings.warn(f"{number} " + "x" * 5000, UserWarning)'
    warning.eval(EVAL.replace("WARN", many))
    warning.run_apart("-vv", *ALONE)
    kept = [one["warning"] for one in journal(warning) if one["kind"] == "warning"]
    assert 2 * 21 == len(kept)
    assert 2000 == max(len(one["message"]) for one in kept)
    monkeypatch.delenv("STOPS_AT")
    result = warning.run_apart("--ailoop-resume", "--ailoop-case=one", *ALONE)
    assert "further warnings of this item are not kept, only the first 20" in shown(result)


def test_secrets_in_warnings_stay_out_of_the_journal(warning, monkeypatch):
    """What a warning says is masked as anything that is kept."""
    monkeypatch.setenv("SHOP_API_KEY", "xyzzy-canary-1234")
    warning.eval(EVAL.replace("WARN", 'warnings.warn(os.environ["SHOP_API_KEY"])'))
    warning.run_apart(*ALONE)
    assert "[secret]" in json.dumps(journal(warning))
    assert "canary" not in json.dumps(journal(warning))


def test_without_pytests_warnings_there_are_none(warning, monkeypatch):
    """`-p no:warnings` shows none of kept items either."""
    warning.run_apart(*ALONE)
    monkeypatch.delenv("STOPS_AT")
    result = warning.run_apart("--ailoop-resume", *ALONE, "-p", "no:warnings")
    assert "" == shown(result)
    result.stdout.fnmatch_lines(["resumed: kept 2 of 4 items *"])
