"""Other plugins' items and fixtures beside bodies that run ahead."""

from __future__ import annotations

import pytest

from tests.fakes.crowd import gather, notes

ASYNC_FIXTURES = """
import asyncio
import openai
import PLUGIN
from crowd import Crowd, note

crowd = Crowd(MANY)

@FIXTURE(scope="SCOPE")
async def client():
    note("up")
    async with openai.AsyncOpenAI() as found:
        yield found
    note("down")

@pytest.mark.ailoop("cases.jsonl")
@MARK
async def test_it(case, client):
    asked = [{"role": "user", "content": case.input}]
    assert await client.chat.completions.create(model="fake", messages=asked)
    note("over")
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
@pytest.mark.parametrize("scope", ["module", "session"])
def test_async_fixtures_of_pytest_asyncio(project, meeting, mode, scope):
    """Bodies that use a wider async fixture overlap on that fixture's loop."""
    gather(project, 4)
    text = ASYNC_FIXTURES.replace("PLUGIN", "pytest_asyncio")
    text = text.replace("FIXTURE(", f'pytest_asyncio.fixture(loop_scope="{scope}", ')
    text = text.replace("MARK", f'pytest.mark.asyncio(loop_scope="{scope}")')
    project.eval(text.replace("SCOPE", scope).replace("MANY", "4"))
    meeting.wanted = 4
    loops = ("-o", "asyncio_default_fixture_loop_scope=function")
    result = project.run(f"--asyncio-mode={mode}", *loops, on=["asyncio"])
    result.assert_outcomes(passed=4)
    assert ["up", *["over"] * 4, "down"] == list(notes(project))
    assert 4 == meeting.most


def test_async_fixtures_of_anyio(project, meeting):
    """anyio runs its items itself, each in its turn; the bodies of others overlap."""
    gather(project, 4)
    text = ASYNC_FIXTURES.replace("PLUGIN", "anyio").replace("FIXTURE(", "pytest.fixture(")
    text = text.replace("MARK", "pytest.mark.anyio").replace("SCOPE", "module")
    text = text.replace("import anyio", "@pytest.fixture(scope='module')\ndef anyio_backend():")
    text = text.replace("def anyio_backend():", "def anyio_backend():\n    return 'asyncio'\n")
    text += """
@pytest.mark.ailoop("cases.jsonl")
async def test_other(case):
    await crowd.meet()
    assert case
"""
    project.eval(text.replace("MANY", "4"))
    result = project.run(on=["anyio"])
    result.assert_outcomes(passed=8)
    assert ["up", *["over"] * 4, "down"] == list(notes(project))
    assert "4 items ran one at a time: anyio runs it" in result.stdout.str()


@pytest.mark.parametrize("others", [["asyncio"], ["anyio"], ["asyncio", "anyio"]], ids=" ".join)
def test_unmarked_evals_beside_them(project, others):
    """Evals that ask for nothing of theirs overlap as if those plugins were not there."""
    gather(project, 4)
    project.eval(
        """
from crowd import four

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await four.meet()
    assert case
"""
    )
    scope = ("-o", "asyncio_default_fixture_loop_scope=function") if "asyncio" in others else ()
    project.run(*scope, on=others).assert_outcomes(passed=4)


def test_a_property(project, meeting):
    """What hypothesis runs, it runs in the item's own turn, with all its examples."""
    gather(project, 3)
    project.eval(
        """
import openai
from hypothesis import HealthCheck, given, settings, strategies
from crowd import note, three

client = openai.OpenAI()
ALL = [HealthCheck.function_scoped_fixture]

@pytest.mark.ailoop("cases.jsonl")
async def test_before(case):
    await three.meet()
    assert case

@pytest.mark.ailoop("cases.jsonl")
@settings(max_examples=3, deadline=None, derandomize=True, database=None, suppress_health_check=ALL)
@given(number=strategies.integers(0, 9))
def test_property(case, number):
    note(case.id)
    asked = [{"role": "user", "content": f"{case.input} {number}"}]
    assert client.chat.completions.create(model="fake", messages=asked)
"""
    )
    result = project.run(on=["hypothesispytest"])
    result.assert_outcomes(passed=6)
    assert sorted(notes(project)) == list(notes(project))
    assert {"c00", "c01", "c02"} == set(notes(project))
    result.stdout.fnmatch_lines(["*3 items ran one at a time: hypothesis runs it*"])


def test_other_kinds_of_items(project, workers):
    """unittest's cases and doctests in between are run as ever, and evals overlap around them."""
    gather(project, 3)
    project.eval(
        '''
import unittest
from crowd import Crowd

crowd = Crowd(MANY)

@pytest.mark.ailoop("cases.jsonl")
async def test_first(case):
    """
    >>> 1 + 1
    2
    """
    await crowd.meet()
    assert case

class TestUnit(unittest.TestCase):
    def test_it(self):
        assert crowd.most == 0 or crowd.most >= MANY

@pytest.mark.ailoop("cases.jsonl")
async def test_last(case):
    await crowd.meet()
    assert case
'''.replace("MANY", "1" if workers else "3")
    )
    project.run("--doctest-modules", *workers).assert_outcomes(passed=8)


def test_syrupys_snapshot(project):
    """A user of `snapshot` runs in its own turn and compares its own value."""
    gather(project, 3)
    project.eval(
        """
from crowd import note, three

@pytest.mark.ailoop("cases.jsonl")
async def test_before(case):
    await three.meet()
    assert case

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case, snapshot):
    note(case.id)
    assert case.input == snapshot
"""
    )
    project.run("--snapshot-update").assert_outcomes(passed=6)
    result = project.run()
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*3 snapshots passed*"])
    assert ["c00", "c01", "c02"] * 2 == list(notes(project))


def test_subtests(project):
    """`subtests` belongs to a turn; each subtest is told below its own item."""
    gather(project, 2)
    project.eval(
        """
from crowd import note

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case, subtests):
    for number in range(2):
        with subtests.test(number=number):
            note(case.id, number)
            assert (case.id, number) != ("c01", 1)
"""
    )
    result = project.run()
    assert {"failed": 2, "passed": 1} == {
        name: count for name, count in result.parseoutcomes().items() if "sub" not in name
    }
    assert ["c00 0", "c00 1", "c01 0", "c01 1"] == list(notes(project))
