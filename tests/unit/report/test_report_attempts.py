"""Which attempt a run is, by the kept runs of the same commit and plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.data.record import Plan, RunRecord
from pytest_ailoop.errors import RunError
from pytest_ailoop.report import runs
from pytest_ailoop.report.attempts import attempt_words, attempts_of, counted
from tests.fakes.gated import item, plan

PLAN = plan([item("a")])


def run(number: int = 9, **changes: Any) -> RunRecord:
    values: dict[str, Any] = {"started": "", "duration": 0.0, "commit": "abc", "plan": PLAN}
    return RunRecord(**{"id": f"2026-{number}", **values, **changes})


def keep(root: Path, number: int, **changes: Any) -> None:
    runs.write(root, counted(root, run(number, **changes)), [])


def test_earlier_runs_of_the_same_inputs_count(tmp_path: Path) -> None:
    """Commit, uncommitted changes and plan must be the same; how they ended is told.

    To stop where all was settled is no other plan, and to lack a baseline is no failure.
    """
    keep(tmp_path, 1, exit_status=1)
    keep(tmp_path, 2, commit="other", exit_status=1)
    keep(tmp_path, 3, dirty="changed", exit_status=1)
    keep(tmp_path, 4, plan=plan([item("b")]), exit_status=1)
    keep(tmp_path, 5, exit_status=1)
    keep(tmp_path, 6, exit_status=1, unaccepted=True)
    stopped = replace(PLAN, narrowed=("stopped early: settled after 3 of 9 items",))
    keep(tmp_path, 7, exit_status=1, plan=stopped, counts={"settled": 6})
    found = counted(tmp_path, run())
    assert (5, 3) == (found.attempt, found.failed_before)


@pytest.mark.parametrize("odd", [{"commit": None}, {"plan": Plan(narrowed=("--lf",))}])
def test_what_repeats_nothing_known_is_not_counted(tmp_path: Path, odd: dict[str, Any]) -> None:
    """Outside of a repository, and of a part, nobody can tell."""
    keep(tmp_path, 1, **odd)
    assert (1, None) == (
        counted(tmp_path, run(**odd)).attempt,
        counted(tmp_path, run(**odd)).inputs,
    )


def test_runs_of_others_and_damage_are_passed_over(tmp_path: Path) -> None:
    """Runs without that digest, and files that cannot be read, do not count."""
    runs.write(tmp_path, run(1), [])
    keep(tmp_path, 2)
    (runs.runs_folder(tmp_path) / "2026-2" / "run.json").write_text("{")
    assert 1 == counted(tmp_path, run()).attempt


@pytest.mark.parametrize(
    ("attempt", "failed", "status", "words"),
    [
        (1, 0, 0, ""),
        (2, 0, 0, "2nd run of this commit with the same plan"),
        (3, 2, 1, "3rd run of this commit with the same plan: 2 failed before"),
        (2, 1, 0, "2nd run of this commit with the same plan: 1 failed before; run until it is "
                  "green, a gate that misses 5% misses up to 10%"),
        (12, 0, 0, "12th run of this commit with the same plan"),
    ],
)  # fmt: skip
def test_words(attempt: int, failed: int, status: int, words: str) -> None:
    """A pass after failures says what such a pass is worth."""
    found = run(attempt=attempt, failed_before=failed, exit_status=status)
    assert words == attempt_words(found)
    changed = attempt_words(replace(found, dirty="d"))
    assert words.replace("this commit", "this commit and changes") == changed


def test_attempts_are_found_with_gates_or_without(tmp_path: Path) -> None:
    """Runs of the same commit, changes and plan; those of a part are none, those that stopped are.

    Which runs stop early is no chance, so that to leave them out would choose among the runs.
    """
    keep(tmp_path, 1)
    runs.write(tmp_path, run(2), [])
    keep(tmp_path, 3, commit="other")
    keep(tmp_path, 4, dirty="changed")
    keep(tmp_path, 5, plan=plan([item("b")]))
    keep(tmp_path, 6, plan=replace(PLAN, narrowed=("-k",)))
    stopped = replace(PLAN, narrowed=("stopped early: settled after 3 of 9 items",))
    keep(tmp_path, 7, plan=stopped, counts={"settled": 6})
    keep(tmp_path, 8)
    assert ["2026-1", "2026-2", "2026-7", "2026-8"] == attempts_of(tmp_path, run(8))


@pytest.mark.parametrize(
    ("odd", "why"),
    [({"commit": None}, "of no commit"), ({"plan": Plan(narrowed=("--lf",))}, "of a part")],
)
def test_what_repeats_nothing_known_has_no_attempts(
    tmp_path: Path, odd: dict[str, Any], why: str
) -> None:
    """The error says how to go on."""
    with pytest.raises(RunError, match=rf"run 2026-9 is {why}.* next: name the runs to pool"):
        attempts_of(tmp_path, run(**odd))
