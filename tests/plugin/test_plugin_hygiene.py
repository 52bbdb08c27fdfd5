"""What keeps a baseline honest: refusals, losses that add up, and attempts that are counted."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from pytest_ailoop import cli
from tests.fakes.right import Evals, told


@pytest.fixture
def evals(project: Any) -> Evals:
    """Sixty cases of which the first so many pass, compared with the baseline."""
    found = Evals(project)
    found.write("no_regression(0.05)")
    return found


def test_what_may_be_chance_is_not_accepted(evals: Evals, workers: tuple[str, ...]) -> None:
    """A loss that was not shown stays out of the baseline unless forced, and that is red."""
    evals.run(60, "--snapshot-update")
    before = evals.kept()
    result = evals.run(58, "--snapshot-update", *workers)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert before == evals.kept()
    words = "as accepted before: no_regression(0.05) of test_it is inconclusive"
    assert words in told(result)
    forced = evals.run(58, "--snapshot-update", "--ailoop-force", *workers)
    assert pytest.ExitCode.OK == forced.ret
    assert before != evals.kept()


def test_a_kept_run_is_no_way_around(
    evals: Evals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ailoop accept` refuses the same, and does it with --force."""
    monkeypatch.delenv("CI", raising=False)
    evals.run(60, "--snapshot-update")
    before = evals.kept()
    evals.run(58)
    monkeypatch.chdir(evals.project.path)
    assert 1 == cli.main(["accept"])
    assert "is inconclusive, so this may be chance" in capsys.readouterr().out
    assert before == evals.kept()
    assert 0 == cli.main(["accept", "--force"])
    assert before != evals.kept()


def test_a_shown_loss_may_be_accepted(evals: Evals) -> None:
    """A regression is a known change; a bar that is missed does not hang on the baseline."""
    evals.run(60, "--snapshot-update")
    before = evals.kept()
    assert "refused" not in told(evals.run(40, "--snapshot-update"))
    assert before != evals.kept()
    evals.write("pass_rate(0.7)")
    before = evals.kept()
    evals.run(41, "--snapshot-update")
    assert before != evals.kept()


def test_small_losses_that_add_up_are_told(
    evals: Evals, workers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the accepted scores lie half the margin below the pinned ones, each run says so."""
    monkeypatch.delenv("CI", raising=False)
    evals.run(60, "--snapshot-update")
    monkeypatch.chdir(evals.project.path)
    assert 0 == cli.main(["pin"])
    result = evals.run(58, "--snapshot-update", "--ailoop-force", *workers)
    assert "warning: the baseline of test_it lies 0.0333 below the pinned one" in told(result)
    assert "below the pinned one" in told(evals.run(58, *workers))


def git(evals: Evals, *arguments: str) -> None:
    name = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", *name, *arguments]
    subprocess.run(command, cwd=evals.project.path, check=True, capture_output=True)


def test_runs_of_the_same_commit_are_counted(evals: Evals, workers: tuple[str, ...]) -> None:
    """A gate that is run until it is green misses more often: the report says which run it is."""
    evals.project.write(".gitignore", "right.txt\n.ailoop/\n__pycache__/\n")
    evals.run(60, "--snapshot-update")
    git(evals, "init", "-q")
    git(evals, "add", ".")
    git(evals, "commit", "-qm", "one")
    assert "run of this commit" not in told(evals.run(40, *workers))
    words = told(evals.run(60, *workers))
    assert "2nd run of this commit with the same plan: 1 failed before; run until" in words
    assert 2 == evals.project.run_json()["attempt"]


def test_a_run_without_a_baseline_is_no_failed_attempt(
    evals: Evals, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """It is red in CI, whatever it measured; a gate that failed beside it is one."""
    committed(evals, "no_regression(0.05), pass_rate(0.7)")
    monkeypatch.setenv("CI", "1")
    for right in (60, 30):
        assert pytest.ExitCode.TESTS_FAILED == evals.run(right, *workers).ret
    words = told(evals.run(60, *workers))
    assert "3rd run of this commit with the same plan: 1 failed before" in words


def test_a_run_that_stopped_early_is_an_attempt(evals: Evals, workers: tuple[str, ...]) -> None:
    """Where it stopped is chance, what was to run is not."""
    committed(evals, "pass_rate(0.7)")
    stop = "--ailoop-stop=settled"
    evals.run(10, stop, *workers)
    assert evals.project.counts["settled"]
    words = told(evals.run(60, stop, *workers))
    assert "2nd run of this commit with the same plan: 1 failed before; run until" in words


def committed(evals: Evals, gates: str) -> None:
    evals.project.write(".gitignore", "right.txt\n.ailoop/\n__pycache__/\n")
    evals.write(gates)
    git(evals, "init", "-q")
    git(evals, "add", ".")
    git(evals, "commit", "-qm", "one")


def test_git_names_the_files_that_changed(evals: Evals) -> None:
    """A score that moved after the code did: the files since the baseline's commit are named."""
    evals.project.write(".gitignore", ".ailoop/\n__pycache__/\n")
    evals.run(60, "--snapshot-update")
    git(evals, "init", "-q")
    git(evals, "add", ".")
    git(evals, "commit", "-qm", "one")
    shown = told(evals.run(40))
    assert "changed since the baseline: 1 file in git (right.txt)" in shown
