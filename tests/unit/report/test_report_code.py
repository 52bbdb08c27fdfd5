"""What git knows of the code that changed since a baseline was accepted."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.report import lineage
from pytest_ailoop.report.lineage import Standing, standing
from pytest_ailoop.report.since import Code


def git(root: Path, *arguments: str) -> str:
    name = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", *name, *arguments], cwd=root, check=True, capture_output=True)
    return done.stdout.decode().strip()


def kept(root: Path, **files: str) -> Path:
    """Commit *files* below *root* beside a baseline, and return the baseline."""
    git(root, "init", "-q")
    path = root / "__snapshots__" / "test_a.ailoop"
    path.parent.mkdir()
    path.write_text("one")
    (path.parent / "test_b.ailoop").write_text("one")
    for name, text in files.items():
        (root / name).write_text(text)
    git(root, "add", ".")
    git(root, "commit", "-qm", "accepted")
    return path


def since(root: Path, path: Path) -> tuple[list[str] | None, str]:
    return Code(root, standing(root)).since(path)


def short(root: Path) -> str:
    return git(root, "rev-parse", "HEAD")[:7]


def test_git_tells_which_files_changed_since_the_baseline(tmp_path: Path) -> None:
    """Committed or not; baselines and recordings are no causes."""
    path = kept(tmp_path, app="1", other="1", third="1")
    first = short(tmp_path)
    assert ([], "") == since(tmp_path, path)
    (tmp_path / "app").write_text("2")
    git(tmp_path, "commit", "-qam", "later")
    (tmp_path / "other").write_text("2")
    (path.parent / "test_b.ailoop").write_text("two")
    words = f"code: {first} -> {short(tmp_path)}, 1 commit, 1 file not committed"
    assert (["app", "other"], words) == since(tmp_path, path)


def test_a_baseline_accepted_with_its_change_stands_at_that_commit(tmp_path: Path) -> None:
    """A prompt and the scores that it gave are committed together: none of it changed since."""
    path = kept(tmp_path, app="1")
    (tmp_path / "app").write_text("2")
    path.write_text("two")
    git(tmp_path, "commit", "-qam", "with its baseline")
    assert ([], "") == since(tmp_path, path)


def test_what_was_accepted_on_a_branch_keeps_its_commit(tmp_path: Path) -> None:
    """After a merge the commit is that of the branch, and what the other side brought changed."""
    path = kept(tmp_path, app="1")
    git(tmp_path, "checkout", "-qb", "branch")
    path.write_text("two")
    git(tmp_path, "commit", "-qam", "accepted anew")
    accepted = short(tmp_path)
    git(tmp_path, "checkout", "-q", "-")
    (tmp_path / "app").write_text("2")
    git(tmp_path, "commit", "-qam", "meanwhile")
    git(tmp_path, "merge", "-q", "--no-edit", "branch")
    words = f"code: {accepted} -> {short(tmp_path)}, 2 commits"
    assert (["app"], words) == since(tmp_path, path)


def test_a_baseline_that_is_not_committed_has_no_commit(tmp_path: Path) -> None:
    """Accepted since the last commit, or without git, nobody can tell what it rests on."""
    assert (None, "") == since(tmp_path, tmp_path / "__snapshots__" / "test_a.ailoop")
    path = kept(tmp_path)
    path.write_text("two")
    assert (None, "") == since(tmp_path, path)


def test_a_shallow_clone_cannot_tell(tmp_path: Path) -> None:
    """Its first commit seems to have changed every file: nothing would seem to have changed."""
    whole, clone = tmp_path / "whole", tmp_path / "clone"
    whole.mkdir()
    kept(whole, app="1")
    (whole / "app").write_text("2")
    git(whole, "commit", "-qam", "later")
    git(tmp_path, "clone", "-q", "--depth", "1", whole.as_uri(), str(clone))
    files, words = since(clone, clone / "__snapshots__" / "test_a.ailoop")
    assert None is files
    assert words.startswith("code: not known, the history of a shallow clone is cut")


def test_what_is_not_committed_is_counted(tmp_path: Path) -> None:
    """Files that changed, came, went or have another name; what runs leave behind is none."""
    path = kept(tmp_path, app="1", other="1", third="1")
    (tmp_path / "app").write_text("2")
    (tmp_path / "other").unlink()
    (tmp_path / "new").write_text("1")
    git(tmp_path, "mv", "third", "fourth")
    path.write_text("two")
    found = standing(tmp_path)
    assert (4, git(tmp_path, "rev-parse", "HEAD")) == (found.files, found.commit)
    assert found.dirty is not None
    assert Standing() == standing(tmp_path.parent)


def test_python_that_git_does_not_keep_counts_with_its_content(tmp_path: Path) -> None:
    """It may be what was measured; a report beside it only changes from run to run."""
    kept(tmp_path, app="1")
    (tmp_path / "new").mkdir()
    found = []
    for source, report in (("a = 1", "1"), ("a = 1", "2"), ("a = 2", "2")):
        (tmp_path / "new" / "app.py").write_text(source)
        (tmp_path / "report.xml").write_text(report)
        found.append(standing(tmp_path).dirty)
    assert found[0] == found[1] != found[2]


def test_git_is_asked_of_each_commit_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Baselines of many modules were mostly committed together."""
    path = kept(tmp_path, app="1")
    (tmp_path / "app").write_text("2")
    git(tmp_path, "commit", "-qam", "later")
    asked: list[str] = []
    plain = lineage._git

    def counted(root: Path, *arguments: str) -> Any:
        asked.append(arguments[0])
        return plain(root, *arguments)

    code = Code(tmp_path, standing(tmp_path))
    monkeypatch.setattr(lineage, "_git", counted)
    for name in ("test_a.ailoop", "test_b.ailoop", "test_a.ailoop"):
        code.since(path.with_name(name))
    assert ["log", "diff", "rev-list", "log"] == asked
