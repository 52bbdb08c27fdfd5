"""Items that run one at a time: whose fixtures or hooks ask for their own turn."""

from __future__ import annotations

import pytest

from tests.fakes.crowd import gather, notes

ASK = """
import logging
import openai
from crowd import note

client = openai.AsyncOpenAI()

async def ask(case):
    note("begins", case.id)
    asked = [{"role": "user", "content": case.input}]
    reply = await client.chat.completions.create(model="fake", messages=asked)
    note("ends", case.id)
    return reply.choices[0].message.content
"""
ALONE = [f"{word} c{n:02}" for n in range(3) for word in ("begins", "ends")]


def one_at_a_time(result) -> list[str]:
    return [line for line in result.outlines if "one at a time" in line]


USES = {
    "tmp_path": '(tmp_path / "x").write_text(said)',
    "monkeypatch": 'monkeypatch.setenv("PLACE", case.id)',
    "capsys": 'print(case.id)\n    assert f"{case.id}\\n" == capsys.readouterr().out',
    "caplog": "logging.warning(case.id)\n    assert case.id in caplog.messages",
}


@pytest.mark.parametrize("name", USES)
def test_function_scoped_fixtures(project, meeting, name):
    """A user of such a fixture runs in its own turn, and the summary says so once."""
    gather(project, 3)
    project.eval(
        f"{ASK}\n@pytest.mark.ailoop('cases.jsonl')\nasync def test_it(case, {name}):\n"
        f"    said = await ask(case)\n    {USES[name]}\n    assert said\n"
    )
    result = project.run()
    result.assert_outcomes(passed=3)
    assert ALONE == list(notes(project))
    assert [f"3 items ran one at a time: function-scoped fixture `{name}`"] == one_at_a_time(result)
    # In the second run no model is asked, so that nothing was kept waiting.
    again = project.run()
    again.assert_outcomes(passed=3)
    assert [] == one_at_a_time(again)


def test_several_reasons(project, meeting, workers):
    """Each reason is named with its count, of all workers together."""
    gather(project, 3)
    project.eval(
        ASK
        + """
@pytest.mark.ailoop("cases.jsonl")
async def test_a(case, tmp_path):
    assert await ask(case)

@pytest.mark.ailoop("cases.jsonl", trials=2)
async def test_b(case, monkeypatch):
    assert await ask(case)

@pytest.mark.ailoop("cases.jsonl")
async def test_c(case, capsys):
    assert case
"""
    )
    result = project.run("--ailoop-replies=live", *workers)
    result.assert_outcomes(passed=12)
    words = "9 items ran one at a time: function-scoped fixture `monkeypatch` (6), "
    words += "function-scoped fixture `tmp_path` (3)"
    assert words in " ".join(line.strip() for line in result.outlines)


OWN = {
    "a fixture of the project's": (
        "@pytest.fixture\ndef mine():\n    return 1\n",
        "mine",
        "function-scoped fixture `mine`",
    ),
    "one that asks for another": (
        "@pytest.fixture(scope='module')\ndef wide():\n    return 1\n\n"
        "@pytest.fixture\ndef mine(wide):\n    return wide\n",
        "mine",
        "function-scoped fixture `mine`",
    ),
    "an autouse fixture": (
        "@pytest.fixture(autouse=True)\ndef mine():\n    yield\n",
        "trial",
        "function-scoped fixture `mine`",
    ),
    "one that overrides ours": (
        "@pytest.fixture\ndef case(case):\n    return case\n",
        "trial",
        "function-scoped fixture `case`",
    ),
    "request": ("", "request", "fixture `request`"),
}


@pytest.mark.parametrize("name", OWN)
def test_fixtures_of_the_project(project, meeting, name):
    """What the project adds on the scope of a function runs around its own body alone."""
    text, argument, why = OWN[name]
    gather(project, 3)
    project.eval(
        f"{ASK}\n{text}\n@pytest.mark.ailoop('cases.jsonl')\n"
        f"async def test_it(case, {argument}):\n    assert await ask(case)\n"
    )
    result = project.run()
    result.assert_outcomes(passed=3)
    assert ALONE == list(notes(project))
    assert [f"3 items ran one at a time: {why}"] == one_at_a_time(result)


def test_getfixturevalue(project, meeting):
    """What a body asks for by name is set up for it, and torn down after it."""
    gather(project, 3)
    project.eval(
        ASK
        + """
@pytest.fixture
def late():
    note("up")
    yield "late"
    note("down")

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case, request):
    assert await ask(case)
    assert "late" == request.getfixturevalue("late")
"""
    )
    project.run().assert_outcomes(passed=3)
    turn = [[f"begins c{n:02}", f"ends c{n:02}", "up", "down"] for n in range(3)]
    assert [one for each in turn for one in each] == list(notes(project))


@pytest.mark.parametrize("hook", ["pytest_runtest_setup", "pytest_runtest_call"])
def test_hooks_of_a_conftest(project, meeting, hook):
    """A project's hook around each item sees that item's body inside, and no other's."""
    gather(project, 3)
    project.write(
        "conftest.py",
        "import pytest\nfrom crowd import note\n\n@pytest.hookimpl(wrapper=True)\n"
        f"def {hook}(item):\n    note('hook', item.callspec.id)\n    return (yield)\n",
    )
    project.eval(
        f"{ASK}\n@pytest.mark.ailoop('cases.jsonl')\n"
        "async def test_it(case):\n    assert await ask(case)\n"
    )
    result = project.run()
    result.assert_outcomes(passed=3)
    turn = [[f"hook c{n:02}", f"begins c{n:02}", f"ends c{n:02}"] for n in range(3)]
    assert [one for each in turn for one in each] == list(notes(project))
    assert [f"3 items ran one at a time: {hook} in conftest.py"] == one_at_a_time(result)


def test_a_hook_of_one_folder(project, meeting):
    """A hook in one folder's conftest holds up the items of that folder, and no others."""
    gather(project, 3)
    project.write("one/conftest.py", "def pytest_runtest_setup(item):\n    pass\n")
    text = (
        f"{ASK}\n@pytest.mark.ailoop('../cases.jsonl')\n"
        "async def test_it(case):\n    assert await ask(case)\n"
    )
    project.eval(text, "one/test_one.py")
    project.eval(text.replace("case.input}", 'case.input + "!"}'), "two/test_two.py")
    meeting.wanted = 3
    meeting.patience = 1.0
    result = project.run("-o", "pythonpath=.", "two", "one")
    result.assert_outcomes(passed=6)
    assert ["3 items ran one at a time: pytest_runtest_setup in conftest.py"] == one_at_a_time(
        result
    )
    assert 3 == meeting.most
    assert ALONE == list(notes(project))[-6:]


def test_those_that_may_run_ahead_do_so_beside(project, meeting):
    """Between items that must wait for their turn, the others run on side by side."""
    gather(project, 3)
    project.eval(
        ASK
        + """
@pytest.mark.ailoop("cases.jsonl", trials=1)
async def test_a(case):
    assert await ask(case)

@pytest.mark.ailoop
async def test_b(tmp_path):
    note("alone")
    assert tmp_path

@pytest.mark.ailoop("cases.jsonl")
async def test_c(case):
    case.metadata
    asked = [{"role": "user", "content": case.id}]
    assert await client.chat.completions.create(model="fake", messages=asked)
"""
    )
    meeting.wanted = 6
    project.run().assert_outcomes(passed=7)
    assert 6 == meeting.most
