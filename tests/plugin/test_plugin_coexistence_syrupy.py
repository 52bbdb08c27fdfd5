"""Beside syrupy's own snapshots: one flag, one folder, two kinds of file left in peace."""

from __future__ import annotations

import pytest

EVALS = """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_eval(case):
    record("length", len(case.input))

def test_snapshot(snapshot):
    assert {"answer": WORD} == snapshot

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_both(case, snapshot):
    record("length", len(case.input))
    assert case.input == snapshot
"""


def written(project) -> dict[str, bytes]:
    folder = project.path / "__snapshots__"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}


@pytest.fixture
def accepted(project):
    """A project whose snapshots and baseline are accepted by the one flag."""
    project.eval(EVALS.replace("WORD", "'yes'"))
    project.run("--snapshot-update").assert_outcomes(passed=7)
    assert list(written(project)) == ["test_eval.ailoop", "test_eval.ambr"]
    return project


def test_one_flag_accepts_both(accepted, workers):
    """A second run finds both in place: nothing unused, nothing new, nothing written."""
    before = written(accepted)
    for flags in (("--snapshot-details",), ("--snapshot-update",)):
        result = accepted.run(*flags, *workers)
        result.assert_outcomes(passed=7)
        result.stdout.fnmatch_lines(["*4 snapshots passed*", "baseline: *6 unchanged*"])
        result.stdout.no_fnmatch_line("*unused*")
        result.stdout.no_fnmatch_line("*deleted*")
        assert written(accepted) == before


def test_unused_snapshots_are_syrupys_and_ours_are_ours(accepted, workers):
    """What syrupy finds unused it deletes on update; the baseline beside it stays as it was."""
    baseline = accepted.baseline().read_bytes()
    accepted.eval(EVALS.replace("WORD", "'yes'").replace("def test_snapshot", "def no_snapshot"))
    result = accepted.run(*workers)
    result.stdout.fnmatch_lines(["*1 snapshot unused*"])
    result = accepted.run("--snapshot-update", "--snapshot-details", *workers)
    result.stdout.fnmatch_lines(["*1 unused snapshot deleted*", "*test_snapshot*"])
    result.stdout.no_fnmatch_line("*Deleted*ailoop*")
    assert accepted.baseline().read_bytes() == baseline
    assert b"test_snapshot" not in written(accepted)["test_eval.ambr"]


def test_a_module_without_evals_any_more(accepted):
    """Left without evals, a module's baseline is no unused snapshot of syrupy's."""
    baseline = accepted.baseline().read_bytes()
    accepted.eval("def test_snapshot(snapshot):\n    assert {'answer': 'yes'} == snapshot\n")
    for flags in (("--snapshot-details",), ("--snapshot-update",)):
        result = accepted.run(*flags)
        result.assert_outcomes(passed=1)
        result.stdout.no_fnmatch_line("*.ailoop*")
        assert accepted.baseline().read_bytes() == baseline


def test_a_module_without_snapshots(accepted):
    """With no snapshot of syrupy's in use at all, its update leaves the baseline alone."""
    accepted.eval(EVALS.split("def test_snapshot")[0])
    result = accepted.run("--snapshot-update", "--snapshot-details")
    result.assert_outcomes(passed=3)
    assert accepted.baseline().exists()
    result.stdout.no_fnmatch_line("*Deleted*.ailoop*")


def test_a_failing_snapshot_is_a_failing_eval(accepted):
    """syrupy's assertion inside an eval fails the item, and its score says so."""
    accepted.eval(EVALS.replace("WORD", "'no'").replace("case.input == snap", "'x' == snap"))
    result = accepted.run()
    result.assert_outcomes(passed=3, failed=4)
    result.stdout.fnmatch_lines(["*4 snapshots failed*"])
    passed = [
        score["value"]
        for row in accepted.results()
        for score in row["scores"]
        if score["name"] == "passed"
    ]
    assert passed == [1.0] * 3 + [0.0] * 3


def test_other_ignored_extensions_are_kept(accepted):
    """The user's `--snapshot-ignore-file-extensions` stands beside ours."""
    left_over = accepted.path / "__snapshots__" / "notes.txt"
    left_over.write_text("mine", encoding="utf-8")
    result = accepted.run("--snapshot-update", "--snapshot-ignore-file-extensions=txt")
    result.assert_outcomes(passed=7)
    assert left_over.exists()
    assert accepted.baseline().exists()


def test_without_syrupys_plugin(project):
    """With `-p no:syrupy` its flag is gone, and `--ailoop-accept` works on its own."""
    project.eval(EVALS.split("def test_snapshot")[0])
    result = project.run("-p", "no:syrupy", "--ailoop-accept=new")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*accepted 3 new*"])
    result = project.run("-p", "no:syrupy")
    result.stdout.fnmatch_lines(["baseline: *3 unchanged*"])
    assert list(written(project)) == ["test_eval.ailoop"]
