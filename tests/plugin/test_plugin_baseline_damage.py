"""A baseline that cannot be read is red and named by file and line; its text outlives the cache."""

from __future__ import annotations

import shutil

import httpx2  # noqa: F401 - stays imported between runs
import openai  # noqa: F401
import pytest

from tests.fakes.openai_server import FakeServer


def text_of(result: pytest.RunResult) -> str:
    """Return what the terminal showed, with wrapped lines joined."""
    return " ".join(result.stdout.str().split())


def conflict(lines):
    head, second, *rest = lines[2:]
    return [*lines[:2], "<<<<<<< ours", head, "=======", second, ">>>>>>> theirs", *rest]


DAMAGES = [
    (conflict, "test_eval.ailoop:3: has git conflict markers: keep either side's lines"),
    (lambda lines: [*lines[:4], lines[4][:-1]], "test_eval.ailoop:5: is not a JSON line"),
    (lambda lines: [*lines, lines[4]], "test_eval.ailoop:6: case 'sun' of 'test_it' stands twice"),
    (lambda lines: lines[1:], "test_eval.ailoop:1: expected the header"),
    (
        lambda lines: [lines[0].replace("1", "2"), *lines[1:]],
        "test_eval.ailoop:1: has schema 2, this pytest-ailoop reads up to 1: update it",
    ),
    (lambda lines: [], "test_eval.ailoop:1: expected the header"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
@pytest.mark.parametrize("update", [(), ("--snapshot-update",)])
def test_damage_is_red_with_its_line(planets, damage, message, update):
    """A passing run over a damaged baseline fails, names the line, and leaves the file as it is."""
    planets.accept()
    path = planets.project.baseline()
    path.write_text("\n".join(damage(planets.lines)) + "\n", "utf-8")
    before = path.read_bytes()
    result = planets.project.run(*update)
    result.assert_outcomes(passed=3)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert f"! baseline unreadable: __snapshots__/{message}" in text_of(result)
    assert {"not compared": 3} == planets.ended["counts"]
    assert "3 new" not in text_of(result)
    assert ("nothing of test_eval.py accepted" in text_of(result)) == bool(update)
    assert before == path.read_bytes()


def test_damage_is_told_by_the_quiet_line_too(planets):
    """With -q, too, damage is told with its line."""
    planets.accept()
    planets.project.baseline().write_text("[]\n", "utf-8")
    result = planets.project.run("-q")
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(
        ["ailoop: 3 of 3 passed *", "! baseline unreadable: __snapshots__/test_eval.ailoop:1: *"]
    )


def test_damage_of_one_module_leaves_the_other(planets):
    """Modules are compared and accepted apart: damage of one is no damage of the other."""
    shutil.copy(planets.project.path / "test_eval.py", planets.project.path / "test_other.py")
    planets.accept()
    planets.project.baseline().write_text("[]\n", "utf-8")
    planets.answer(sun="a dwarf star")
    planets.project.run("--snapshot-update")
    assert {"not compared": 3, "unchanged": 3} == planets.ended["counts"]
    assert "[]\n" == planets.project.baseline().read_text("utf-8")
    planets.project.run("test_other.py")
    assert {"unchanged": 3} == planets.ended["counts"]


def test_no_file_and_no_cache_is_no_difference(planets):
    """Where the accepted text is gone from this machine, the failure is shown without it."""
    planets.accept()
    shutil.rmtree(planets.project.path / ".ailoop")
    planets.answer(moon="green cheese")
    result = planets.project.run()
    result.stdout.fnmatch_lines(["  | green cheese"])
    assert "accepted output" not in result.stdout.str()


def test_a_recorded_reply_is_shown_where_the_cache_is_gone(project):
    """On another machine the accepted output is found among the committed recordings."""
    app = """
from openai import OpenAI

SHOUT = False

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    client = OpenAI(base_url="URL", api_key="x")
    asked = [{"role": "user", "content": case.input}]
    reply = client.chat.completions.create(model="fake", messages=asked)
    text = reply.choices[0].message.content
    expect(text.upper() if SHOUT else text).to(contains("echo: "))
"""
    with FakeServer() as server:
        project.eval(app.replace("URL", server.url))
        project.run("--ailoop-replies=record", "--snapshot-update").assert_outcomes(passed=3)
    shutil.rmtree(project.path / ".ailoop")
    project.eval(app.replace("URL", server.url).replace("False", "True"))
    result = project.run("--ailoop-replies=replay", "-k", "mars")
    result.stdout.fnmatch_lines(["  | -echo: mars", "  | +ECHO: MARS"])
