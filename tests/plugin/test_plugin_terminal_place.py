"""Commands and paths in the section work from where pytest was called."""

from __future__ import annotations

import pytest

from pytest_ailoop.cli import main

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    expect("star").to(contains(case.expected))
"""


@pytest.mark.parametrize("place", ["above", "root", "below"])
def test_commands_work_from_here(project, place, monkeypatch, capsys):
    """Above the root folder a `next:` goes there first, and the run's path leads through it."""
    project.eval(EVAL)
    (project.path / "pytest.ini").write_text("[pytest]\n")
    (project.path / "inner").mkdir()
    name = project.path.name
    folder, rootdir, go, way = {
        "above": (project.path.parent, name, f"cd {name} && ", f"{name}/"),
        "root": (project.path, ".", "", ""),
        "below": (project.path / "inner", "..", "", ""),
    }[place]
    monkeypatch.chdir(folder)
    result = project.run(rootdir)
    result.stdout.fnmatch_lines([f"next: {go}ailoop show -v  (*", f"run: {way}.ailoop/runs/*"])
    monkeypatch.chdir(project.path if go else folder)
    assert 0 == main(["show"])
    assert "test_it" in capsys.readouterr().out
