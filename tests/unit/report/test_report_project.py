"""What a project's files were like, and what of them has changed since."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from pytest_ailoop.report.project import UNSURE, Watch, changed

LATER = 10**20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with code, a prompt, a data set, and what tools leave."""
    for name in (
        "conftest.py", "prompts/system.txt", "cases.jsonl", ".env", "run.log", "pyproject.toml",
        "__snapshots__/test.ailoop", ".ailoop/cache.db", "venv/pyvenv.cfg", "venv/lib/x.txt",
        "unused.py",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(name)
    return tmp_path


@pytest.fixture
def loaded(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module that this process has loaded."""
    path = root / "app.py"
    path.write_text("PROMPT = open('prompts/system.txt')")
    module = types.ModuleType("app_of_this_test")
    module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return path


def facts_of(root: Path, since: int = LATER) -> dict[str, str]:
    """Return the facts of what lies in *root*: this process has code elsewhere, too."""
    found = Watch(root, since).fresh()
    return {name: fact for name, fact in found.items() if not name.startswith("..")}


def test_loaded_code_and_readable_files_are_facts(root: Path, loaded: Path) -> None:
    """Neither tools' files nor code that was never loaded are."""
    assert {"app.py", "conftest.py", "prompts/system.txt", "cases.jsonl", ".env"} == set(
        facts_of(root)
    )


def test_with_git_ignored_files_are_no_facts(root: Path) -> None:
    """What git ignores is output; but a .env decides which model is asked."""
    (root / ".gitignore").write_text("out/\n.env\n")
    (root / "out").mkdir()
    (root / "out" / "report.json").write_text("{}")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    found = facts_of(root)
    assert {"prompts/system.txt", ".env"} <= set(found)
    assert "out/report.json" not in found


def test_each_fact_is_given_once(root: Path, loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After all facts come those of code that was loaded since."""
    watch = Watch(root, LATER)
    assert "app.py" in watch.fresh()
    assert {} == watch.fresh()
    path = root / "late.py"
    path.write_text("")
    module = types.ModuleType("late_of_this_test")
    module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert ["late.py"] == list(watch.fresh())


def test_nothing_has_changed_at_first(root: Path, loaded: Path) -> None:
    """changed(facts now) is None."""
    assert changed(root, facts_of(root)) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("app.py", "app.py changed"),
        ("conftest.py", "conftest.py changed"),
        ("prompts/system.txt", "prompts/system.txt changed"),
        (".env", ".env changed"),
        ("prompts/second.txt", "prompts/second.txt is new"),
        ("evals/conftest.py", "evals/conftest.py is new"),
        ("unused.py", None),
        ("run.log", None),
        ("pyproject.toml", None),
        (".ailoop/cache.db", None),
        ("cases.jsonl", None),
    ],
)
def test_what_was_written_is_named(root: Path, loaded: Path, name: str, words: str | None) -> None:
    """What results may rest on is named; data sets are compared case by case."""
    facts = facts_of(root)
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{name}, and more")
    assert words == changed(root, facts, {"cases.jsonl"})


def test_what_is_gone_is_named(root: Path, loaded: Path) -> None:
    """Code first, and how many others."""
    (root / "conftest.py").write_text("FOLDER = 'prompts'")
    facts = facts_of(root)
    loaded.unlink()
    (root / "prompts" / "system.txt").unlink()
    assert "app.py is gone, and 1 more file" == changed(root, facts)


def test_the_same_text_written_again_is_no_change_of_code(root: Path, loaded: Path) -> None:
    """Code is compared by its content."""
    facts = facts_of(root)
    os.utime(loaded, (1, 1))
    assert changed(root, facts) is None


def test_a_file_that_changed_under_way_is_unsure(root: Path, loaded: Path) -> None:
    """What was written after the process began may have been loaded before: it never matches."""
    since = time.time_ns() + 10**9
    os.utime(loaded, ns=(since + 1, since + 1))
    facts = facts_of(root, since)
    assert UNSURE == facts["app.py"]
    assert UNSURE != facts["conftest.py"]
    assert "app.py changed under way" == changed(root, facts)


def test_a_file_that_was_written_after_the_start_does_not_match(root: Path, loaded: Path) -> None:
    """Here another process may have put back what this one loaded otherwise."""
    facts = facts_of(root)
    assert changed(root, facts, (), LATER) is None
    words = changed(root, facts, (), time.time_ns() - 10**12)
    assert words is not None
    assert words.startswith("app.py changed, and ")


def test_folders_of_cases_are_covered_as_a_whole(root: Path, loaded: Path) -> None:
    """A covered folder covers the files in it."""
    facts = facts_of(root)
    (root / "prompts" / "system.txt").write_text("other words")
    assert changed(root, facts, {"prompts"}) is None
    assert changed(root, facts, {"prompt"}) is not None


@pytest.mark.parametrize(
    ("code", "counts"),
    [
        ('open("answer.txt")', True),
        ('open(f"{name}.txt")', True),
        ('HERE.glob("*.txt")', True),
        ('(HERE / "texts").iterdir()', True),
        ('open("answer.txt.old")', True),
        ('open("other.csv")', False),
        ('open("my_answer.txt")', False),
        ("answer = text", False),
    ],
)
def test_a_file_counts_where_code_names_it(
    root: Path, loaded: Path, code: str, counts: bool
) -> None:
    """By its name, its folder's, or its kind; what nobody names is another tool's output."""
    loaded.write_text(code)
    (root / "prompts" / "system.txt").unlink()
    facts = facts_of(root)
    (root / "texts").mkdir()
    (root / "texts" / "answer.txt").write_text("new")
    assert ("texts/answer.txt is new" if counts else None) == changed(root, facts)
