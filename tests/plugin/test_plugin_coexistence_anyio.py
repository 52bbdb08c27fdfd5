"""Beside anyio's pytest plugin: its backend fixture, its marker and its fixtures."""

from __future__ import annotations

import openai  # noqa: F401  (stays imported between the runs in this process)
import pytest

EVALS = """
import asyncio
import anyio
import openai
client = openai.AsyncOpenAI()

async def answer(question):
    asked = [{"role": "user", "content": question}]
    reply = await client.chat.completions.create(model="m", messages=asked)
    return reply.choices[0].message.content

@pytest.fixture
async def lock():
    async with anyio.create_task_group():
        yield anyio.Lock()

@pytest.mark.anyio
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_marked(case, llm, lock):
    async with lock:
        reply = await llm(case.input)
    expect(reply).to(contains(case.input))
    expect(await answer(case.input)).to(contains(case.input))
    await expect(reply).to(judge("Is it polite?", model="m"))

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_unmarked(case, llm):
    await anyio.sleep(0)
    expect(await answer(case.input)).to(contains(case.input))

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
def test_sync(case, llm):
    expect(llm(case.input)).to(judge("Is it polite?", model="m"))

@pytest.mark.anyio
async def test_ordinary():
    await anyio.sleep(0)
"""


def backend(scope: str = "module") -> str:
    return f"""
@pytest.fixture(scope="{scope}")
def anyio_backend():
    return "asyncio"
"""


@pytest.mark.parametrize(
    "others", [["anyio"], ["anyio", "asyncio"]], ids=["alone", "pytest-asyncio"]
)
@pytest.mark.parametrize("scope", ["function", "module", "session"])
def test_evals_on_the_anyio_runner(project, known_server, scope, others):
    """Marked, unmarked and sync evals and ordinary tests pass live, and nothing warns."""
    project.eval(EVALS + backend(scope))
    mode = ("-o", "asyncio_default_fixture_loop_scope=function") if "asyncio" in others else ()
    result = project.run("--ailoop-replies=live", "-W", "error", *mode, on=others)
    result.assert_outcomes(passed=10)
    calls = {row["key"]["test"]: len(row["calls"]) for row in project.results()}
    assert calls == {"test_marked": 3, "test_unmarked": 1, "test_sync": 2}


def test_the_plugins_own_backend_parameter(project, known_server):
    """Where the project names no backend, anyio's parameter is a part of the test's name."""
    project.eval(EVALS)
    result = project.run("--ailoop-replies=live", "-W", "error", "-v", on=["anyio"])
    result.assert_outcomes(passed=10)
    result.stdout.fnmatch_lines(["*test_marked*asyncio*PASSED*"])
    tests = {row["key"]["test"] for row in project.results()}
    assert tests == {"test_marked[asyncio]", "test_unmarked", "test_sync"}


def test_auto_mode_and_replay(project, known_server):
    """anyio's auto mode takes all async evals; what was recorded is replayed without a call."""
    project.eval(EVALS + backend())
    auto = ("--anyio-mode=auto", "-W", "error")
    project.run("--ailoop-replies=record", *auto, on=["anyio"]).assert_outcomes(passed=10)
    before = known_server.calls
    project.run("--ailoop-replies=replay", *auto, on=["anyio"]).assert_outcomes(passed=10)
    assert known_server.calls == before


def test_a_worker_in_a_module_fixture(project, known_server):
    """anyio keeps one task for all tests of a module: each call still belongs to its own eval."""
    project.eval(
        EVALS
        + backend()
        + """
@pytest.fixture(scope="module")
async def ask(anyio_backend):
    send, receive = anyio.create_memory_object_stream(9)

    async def work():
        async for question, done in receive:
            done.set_result(await answer(question))

    async def asking(question):
        done = asyncio.get_running_loop().create_future()
        await send.send((question, done))
        return await done

    async with send, receive, anyio.create_task_group() as group:
        group.start_soon(work)
        yield asking
        group.cancel_scope.cancel()

@pytest.mark.anyio
@pytest.mark.ailoop(dataset="cases.jsonl")
async def test_worker(case, ask, trace):
    expect(await ask(case.input)).to(contains(case.input))
    assert len(trace.calls) == 1
"""
    )
    result = project.run("--ailoop-replies=live", "-W", "error", "-k", "test_worker", on=["anyio"])
    result.assert_outcomes(passed=3, deselected=10)
    assert [len(row["calls"]) for row in project.results()] == [1, 1, 1]
