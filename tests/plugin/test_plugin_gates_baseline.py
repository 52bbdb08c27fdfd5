"""The gate against the baseline: at the desk, in CI, and against the pinned one."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ailoop import cli
from tests.fakes.right import Evals


@pytest.fixture
def evals(project: Any) -> Evals:
    """Sixty cases of which the first so many pass, compared with the baseline."""
    found = Evals(project)
    found.write("no_regression(0.05)")
    return found


def test_a_proven_loss_is_a_failure(evals: Evals, workers: tuple[str, ...]) -> None:
    """What fell below the accepted run by more than the margin fails, and names the cases."""
    evals.run(60, "--snapshot-update")
    result = evals.run(45, *workers)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert "regressed" == evals.status()
    result.stdout.fnmatch_lines(
        [
            "*no_regression(0.05): regressed, -25 pts [[]*",
            "worse than the baseline*",
            "  - c45  1 -> 0",
        ]
    )


def test_a_small_loss_may_be_chance(evals: Evals, workers: tuple[str, ...]) -> None:
    """Two flips of sixty prove nothing: the gate says what it could have seen."""
    evals.run(60, "--snapshot-update")
    result = evals.run(58, *workers)
    assert pytest.ExitCode.OK == result.ret
    assert "inconclusive" == evals.status()
    result.stdout.fnmatch_lines(
        ["*a run like this sees drops of 0.* or more*", "*would settle it*"]
    )


def test_without_a_baseline_the_desk_warns(evals: Evals, workers: tuple[str, ...]) -> None:
    """The first run is a yellow line with the command that accepts."""
    result = evals.run(60, *workers)
    assert pytest.ExitCode.OK == result.ret
    assert "no baseline" == evals.status()
    result.stdout.fnmatch_lines(
        ["*accept one with --snapshot-update*", "*60 passed, 1 no baseline*"]
    )


def test_without_a_baseline_ci_fails(
    evals: Evals, workers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In CI nothing to compare with is red: the baseline was never committed."""
    monkeypatch.setenv("CI", "true")
    result = evals.run(60, *workers)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert "no baseline" == evals.status()


def test_the_update_flag_accepts_the_first_run(evals: Evals) -> None:
    """The run that becomes the baseline has none to be compared with, and is not red for it."""
    assert pytest.ExitCode.OK == evals.run(60, "--snapshot-update").ret


def test_a_damaged_baseline_is_an_error(evals: Evals, workers: tuple[str, ...]) -> None:
    """What cannot be read is no missing baseline."""
    evals.run(60, "--snapshot-update")
    evals.project.baseline().write_text("{", encoding="utf-8")
    result = evals.run(60, *workers)
    assert "invalid" == evals.status()
    assert 1 == result.parseoutcomes()["errors"]


def test_small_losses_cannot_add_up_past_the_pinned_baseline(
    evals: Evals, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """Each step is accepted, the sum of them is not: `ailoop pin` keeps where it began."""
    evals.write("no_regression(0.3)")
    monkeypatch.chdir(evals.project.path)
    evals.run(60, "--snapshot-update")
    assert 0 == cli.main(["pin"])
    for right in (55, 50):
        assert pytest.ExitCode.OK == evals.run(right, "--snapshot-update").ret
    evals.run(40, *workers)
    (found,) = evals.project.run_json()["gates"]
    assert ("regressed", "pinned baseline") == (found["status"], found["facts"]["against"])
    assert 0 == cli.main(["pin", "--remove"])
    evals.run(50, *workers)
    assert "regressed" != evals.status()


def test_pinning_twice_changes_nothing(
    evals: Evals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An anchor that is the same stays as it is."""
    monkeypatch.chdir(evals.project.path)
    evals.run(60, "--snapshot-update")
    capsys.readouterr()
    cli.main(["pin"])
    cli.main(["pin"])
    assert "pinned 1 baseline\npinned 0 baselines, 1 as before\n" == capsys.readouterr().out


def test_a_damaged_baseline_is_not_pinned(
    evals: Evals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be read must not become the anchor; nor does CI set one."""
    monkeypatch.chdir(evals.project.path)
    evals.run(60, "--snapshot-update")
    monkeypatch.setenv("CI", "1")
    assert 2 == cli.main(["pin"])
    assert "CI never accepts by itself" in capsys.readouterr().err
    monkeypatch.delenv("CI")
    evals.project.baseline().write_text("{", encoding="utf-8")
    assert 2 == cli.main(["pin"])
    assert "test_eval.ailoop" in capsys.readouterr().err
