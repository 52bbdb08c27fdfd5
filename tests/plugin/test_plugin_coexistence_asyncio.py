"""Beside pytest-asyncio: its loops, its fixtures and its tests, with our evals among them."""

from __future__ import annotations

# Clients stay imported between the runs in this process: a second copy would be another library.
import openai  # noqa: F401
import pytest

SCOPE = ("-o", "asyncio_default_fixture_loop_scope=function")
AUTO = ("--asyncio-mode=auto", *SCOPE, "-W", "error")
STRICT = ("--asyncio-mode=strict", *SCOPE, "-W", "error")

HEAD = """
import asyncio
import openai
client = openai.AsyncOpenAI()

async def answer(question, model):
    asked = [{"role": "user", "content": question}]
    reply = await client.chat.completions.create(model=model, messages=asked)
    return reply.choices[0].message.content

"""

APP = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_app(case, model):
    expect(await answer(case.input, model)).to(contains(case.input))
"""
MARKED = """
@pytest.mark.asyncio
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_marked(case, model, llm):
    reply = await llm(case.input)
    expect(reply).to(contains(case.input))
    expect(await answer(case.input, model)).to(contains(case.input))
"""
JUDGED = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_judged(case, llm):
    reply = await llm(case.input)
    await expect(reply).to(judge("Is it polite?", model="m"))
"""
SYNC = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
def test_sync(case, llm):
    expect(llm(case.input)).to(judge("Is it polite?", model="m"))
"""
ORDINARY = """
@pytest.mark.asyncio
async def test_ordinary():
    await asyncio.sleep(0)

def test_plain():
    pass
"""


@pytest.mark.parametrize("mode", [AUTO, STRICT], ids=["auto", "strict"])
def test_evals_and_ordinary_tests_side_by_side(project, known_server, mode):
    """All kinds of eval run live and judged beside asyncio tests, and nothing warns."""
    project.eval(HEAD + APP + MARKED + JUDGED + SYNC + ORDINARY)
    result = project.run("--ailoop-replies=live", *mode, on=["asyncio"])
    result.assert_outcomes(passed=14)
    rows = project.results()
    assert {row["outcome"] for row in rows} == {"passed"}
    calls = {row["key"]["test"]: [call["purpose"] for call in row["calls"]] for row in rows}
    assert calls == {
        "test_app": ["app"],
        "test_marked": ["app", "app"],
        "test_judged": ["app", "judge"],
        "test_sync": ["app", "judge"],
    }


@pytest.mark.parametrize("mode", [AUTO, STRICT], ids=["auto", "strict"])
def test_recorded_in_one_replayed_in_the_other(project, known_server, mode):
    """Recordings do not know the loop: what was recorded is replayed without a call."""
    project.eval(HEAD + APP + MARKED + JUDGED + SYNC)
    project.run("--ailoop-replies=record", *AUTO, on=["asyncio"]).assert_outcomes(passed=12)
    before = known_server.calls
    result = project.run("--ailoop-replies=replay", *mode, on=["asyncio"])
    result.assert_outcomes(passed=12)
    assert known_server.calls == before
    assert {call["origin"] for row in project.results() for call in row["calls"]} == {"recording"}


def test_async_fixtures_of_auto_mode(project):
    """An eval runs on the loop of the async fixtures that it takes, whatever their scope."""
    project.eval(
        """
import asyncio

@pytest.fixture
async def own_loop():
    yield asyncio.get_running_loop()

@pytest.fixture
async def queue(case):
    made = asyncio.Queue()
    await made.put(case.id)
    return made

@pytest.mark.ailoop(dataset="cases.jsonl")
async def test_it(case, own_loop, queue):
    assert asyncio.get_running_loop() is own_loop
    expect(await asyncio.wait_for(queue.get(), 5)).to(equals(case.id))
"""
    )
    project.run(*AUTO, on=["asyncio"]).assert_outcomes(passed=3)


@pytest.mark.parametrize("scope", ["module", "session"])
def test_calls_of_a_longer_living_task(project, known_server, scope):
    """A worker started in a wider fixture calls for the eval that waits for it, not the first."""
    project.eval(
        HEAD
        + f"""
import pytest_asyncio

@pytest_asyncio.fixture(scope="{scope}", loop_scope="{scope}")
async def ask():
    queue = asyncio.Queue()

    async def work():
        while True:
            question, done = await queue.get()
            done.set_result(await answer(question, "m"))

    async def asking(question):
        done = asyncio.get_running_loop().create_future()
        await queue.put((question, done))
        return await done

    task = asyncio.create_task(work())
    yield asking
    task.cancel()

@pytest.mark.asyncio(loop_scope="{scope}")
@pytest.mark.ailoop(dataset="cases.jsonl")
async def test_it(case, ask, trace):
    expect(await ask(case.input)).to(contains(case.input))
    assert len(trace.calls) == 1
"""
    )
    result = project.run("--ailoop-replies=live", *STRICT, on=["asyncio"])
    result.assert_outcomes(passed=3)
    assert [len(row["calls"]) for row in project.results()] == [1, 1, 1]
    result.stdout.fnmatch_lines(
        ["[23] items ran one at a time: model calls from a task or thread*"]
    )


def test_unawaited_and_missed_are_red_on_its_loops(project, known_server):
    """On pytest-asyncio's loop too, a forgotten await and a missed expectation are told."""
    project.eval(
        """
@pytest.mark.asyncio
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_it(case, llm):
    if case.id == "sun":
        expect(await llm(case.input)).to(judge("Is it polite?", model="m"))
    else:
        expect(case.input).to(contains("moon"))
"""
    )
    result = project.run("--ailoop-replies=live", *STRICT, on=["asyncio"])
    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*was never awaited*", "*1 of 1 expectations missed*"])


def test_classes_and_xdist(project, workers):
    """Async methods of a class, on two workers or none, leave the same records."""
    project.eval(
        """
class TestIt:
    pytestmark = pytest.mark.ailoop(dataset="cases.jsonl")

    async def test_method(self, case):
        record("length", len(case.input))

    def test_plain_method(self, case):
        record("length", len(case.input))
"""
    )
    project.run(*AUTO, *workers, on=["asyncio"]).assert_outcomes(passed=6)
    assert [row["key"]["test"] for row in project.results()] == [
        *["TestIt::test_method"] * 3,
        *["TestIt::test_plain_method"] * 3,
    ]
