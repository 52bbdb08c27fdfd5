"""--ailoop-resume never keeps what another code, case, prompt, model or option has measured."""

from __future__ import annotations

import json
import os

import pytest

EVAL = """
import os, pathlib
import app

HERE = pathlib.Path(__file__).parent

@pytest.mark.ailoop(dataset="cases.jsonl", prompt="kind.md", model=["big", "small"])
def test_it(case, prompt, model):
    if case.id == os.environ.get("STOPS_AT"):
        pytest.exit("enough")
    with open("ran.log", "a") as stream:
        stream.write(f"{case.id}-{model.alias} ")
    assert prompt.render(it=case.input)
    assert (HERE / "words.txt").read_text()
    expect(app.answer(case)).to(contains(case.expected))
"""

MODELS = """
judge = "small"

[models.big]
model = "big-1"
parameters = { temperature = 0 }

[models.small]
model = "small-1"

[models.other]
model = "other-1"
"""
FILES = {
    "kind.md": "Kindly: {{ it }}\n",
    "words.txt": "please",
    "notes.txt": "nobody reads this by name",
    "app.py": "import helper\n\ndef answer(case):\n    return case.expected\n",
    "helper.py": "SHORT = True\n",
    "conftest.py": "",
    "ailoop.toml": MODELS,
    "pytest.ini": "[pytest]\n",
}
ALL = ["sun-big", "sun-small", "moon-big", "moon-small"]


@pytest.fixture
def fresh(project, monkeypatch):
    """Three cases and two models; a run of them stops before the third case."""
    for name, text in FILES.items():
        project.write(name, text)
    project.eval(EVAL)
    monkeypatch.setenv("STOPS_AT", "mars")
    return project


@pytest.fixture
def stopped(fresh):
    """The run is over; the next one will not stop."""
    fresh.run()
    assert ALL == ran(fresh)
    del os.environ["STOPS_AT"]
    return fresh


def ran(project):
    path = project.path / "ran.log"
    found = path.read_text().split()
    path.unlink()
    return [one for one in found if not one.startswith("mars")]


def again(project, *args):
    """Resume; return what ran again of what had finished, and what was said of it."""
    result = project.run("--ailoop-resume", *args)
    (line,) = (one for one in result.stdout.lines if one.startswith("resumed: "))
    return ran(project), line


def edit(project, name, old, new):
    path = project.path / name
    text = path.read_text()
    assert old in text or not old
    path.write_text(text.replace(old, new) if old else text + new)


def test_without_a_change_all_is_kept(stopped):
    """The ground that the following stands on."""
    found, line = again(stopped)
    assert [] == found
    assert line.startswith("resumed: kept 4 of 6 items")


@pytest.mark.parametrize(
    ("name", "old", "new", "runs"),
    [
        ("cases.jsonl", "the moon", "a moon", ["moon-big", "moon-small"]),
        ("cases.jsonl", '"tags": ["easy"]}\n{"id": "moon"', '"k": 1}\n{"id": "moon"', ALL[:2]),
        ("kind.md", "Kindly", "Please", ALL),
        ("ailoop.toml", "temperature = 0", "temperature = 1", ["sun-big", "moon-big"]),
        ("ailoop.toml", "big-1", "big-2", ["sun-big", "moon-big"]),
        ("ailoop.toml", 'judge = "small"', 'judge = "other"', ALL),
        ("ailoop.toml", "small-1", "small-2", ALL),
        ("ailoop.toml", "other-1", "other-2", []),
    ],
)
def test_only_what_a_change_touches_runs(stopped, name, old, new, runs):
    """Of cases, models and judges those that changed; a prompt is that of all here."""
    edit(stopped, name, old, new)
    found, _ = again(stopped)
    assert runs == found


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("app.py", "case.expected", "str(case.expected)", "app.py changed"),
        ("helper.py", "True", "False", "helper.py changed"),
        ("conftest.py", "", "X = 1\n", "conftest.py changed"),
        ("test_eval.py", "assert prompt", "assert True or prompt", "test_eval.py changed"),
        ("words.txt", "please", "at once", "words.txt changed"),
        ("pytest.ini", "[pytest]\n", "[pytest]\nxfail_strict = true\n", "xfail_strict changed"),
    ],
)
def test_after_a_change_of_code_nothing_is_kept(stopped, name, old, new, words):
    """What changed is named; the replies come from the cache, so running again is cheap."""
    edit(stopped, name, old, new)
    found, line = again(stopped)
    assert ALL == found
    assert line.startswith(f"resumed: nothing kept: {words} since the run of ")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--runxfail",), "--runxfail changed"),
        (("-W", "error"), "-W changed"),
        (("--ailoop-replies=replay",), "the mode of replies changed"),
        (("--assert=plain",), "--assert changed"),
    ],
)
def test_under_other_options_nothing_is_kept(stopped, args, words):
    """Options that may turn a result are compared one by one."""
    found, line = again(stopped, *args)
    assert ALL == found
    assert line.startswith(f"resumed: nothing kept: {words} since the run of ")


def test_files_that_nobody_names_do_not_count(fresh):
    """A report beside the tests is no reason to run them again."""
    # In this process the code of these very tests would name them.
    fresh.run_apart("-p", "no:randomly")
    ran(fresh)
    del os.environ["STOPS_AT"]
    for name in ("stdout", "report.html", "ended.json"):
        fresh.write(name, "new")
    fresh.run_apart("--ailoop-resume", "-p", "no:randomly")
    assert [] == ran(fresh)


def test_a_gone_file_is_named(stopped):
    """Code that was loaded and is no longer there."""
    edit(stopped, "app.py", "import helper\n", "")
    (stopped.path / "helper.py").unlink()
    found, line = again(stopped)
    assert ALL == found
    assert "app.py changed, and 1 more file since" in line


def test_code_that_changed_under_way_is_never_kept(fresh):
    """A module that was written while the tests ran: nobody knows which text the items met."""
    write = "    pathlib.Path('late.py').write_text('')\n    import late\n    assert prompt"
    edit(fresh, "test_eval.py", "    assert prompt", write)
    fresh.run()
    ran(fresh)
    del os.environ["STOPS_AT"]
    found, line = again(fresh)
    assert ALL == found
    assert line.startswith("resumed: nothing kept: late.py changed under way since the run of ")


def test_damage_is_counted_and_runs_again(stopped):
    """A damaged line costs its item, and is told."""
    (path,) = (stopped.path / ".ailoop" / "journal").iterdir()
    lines = path.read_text().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if json.loads(line)["kind"] == "item")
    lines[place] = lines[place].replace("passed", "failed", 1)
    path.write_text("".join(lines))
    result = stopped.run("--ailoop-resume")
    result.stdout.fnmatch_lines(
        ["resumed: kept 3 of 6 items*", "  1 damaged line of the journal skipped"]
    )
    assert ["sun-big"] == ran(stopped)


def test_a_journal_of_another_version_is_left_out(stopped):
    """It is named with what was expected."""
    (path,) = (stopped.path / ".ailoop" / "journal").iterdir()
    path.write_text("{}\n")
    found, line = again(stopped)
    assert ALL == found
    assert line.startswith("resumed: nothing kept: ")
    assert ": is no journal" in line
