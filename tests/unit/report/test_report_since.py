"""Why a score moved, in words, and what git knows of it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.data.baseline import Causes
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report.since import Code, causes_words, flip_words


def causes(**changes: Any) -> Causes:
    values: dict[str, Any] = {"module": "m.py", "test": "t", "variant": Variant(), "cases": 9}
    return Causes(**{"moved": 0, "same": ("checks", "data"), **values, **changes})


WORDS = [
    ({}, None, ""),
    ({"moved": 2}, None, "nothing of ours changed since A: same checks, data -> the model or the "
     "code moved"),
    ({"moved": 2}, [], "nothing of ours changed since A: same checks, data, files -> the model "
     "or what lies outside of git moved"),
    ({"moved": 2, "rescored": 2}, None, "nothing of ours changed since A: same checks, data -> "
     "the outputs are the same, so what scores them moved"),
    ({"moved": 2}, ["app.py"], "changed since A: 1 file in git (app.py)"),
    ({"changed": ("prompt terse (9 of 9 cases)",)}, ["a", "b", "c", "d"],
     "changed since A: prompt terse (9 of 9 cases); 4 files in git (a, b, c, ...)"),
    ({"changed": ("trials 1 -> 3",), "moved": 2, "rescored": 1}, None,
     "changed since A: trials 1 -> 3; of 1 moved case the outputs are the same"),
    ({"changed": ("check x (9 of 9 cases)",), "moved": 2, "rescored": 1}, None,
     "changed since A: check x (9 of 9 cases)"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "files", "words"), WORDS)
def test_words(changes: dict[str, Any], files: list[str] | None, words: str) -> None:
    """What changed is named; where nothing did, who is left to blame."""
    assert words == causes_words(causes(**changes), files, since="A")


def test_flips_are_shown_worst_first_and_cut() -> None:
    """Losses stand before gains, a few of each."""
    fell = [[f"c{at}", 1.0, at / 10] for at in range(7)]
    words = flip_words({"fell": fell, "rose": [["up", 0.0, 1.0]]}, 2)
    assert "fell: c0 1 -> 0, c1 1 -> 0.1, 5 more; rose: up 0 -> 1" == words
    assert "" == flip_words({})


def git(root: Path, *arguments: str) -> None:
    name = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *name, *arguments], cwd=root, check=True, capture_output=True)


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


def test_git_tells_which_files_changed_since_the_baseline(tmp_path: Path) -> None:
    """Committed or not; baselines and recordings are no causes."""
    path = kept(tmp_path, app="1", other="1", third="1")
    assert [] == Code(tmp_path).since(path)
    (tmp_path / "app").write_text("2")
    git(tmp_path, "commit", "-qam", "later")
    (tmp_path / "other").write_text("2")
    (path.parent / "test_b.ailoop").write_text("two")
    assert ["app", "other"] == Code(tmp_path).since(path)


def test_a_baseline_that_is_not_committed_has_no_commit(tmp_path: Path) -> None:
    """Accepted since the last commit, or without git, nobody can tell what it rests on."""
    assert None is Code(tmp_path).since(tmp_path / "__snapshots__" / "test_a.ailoop")
    path = kept(tmp_path)
    path.write_text("two")
    assert None is Code(tmp_path).since(path)
