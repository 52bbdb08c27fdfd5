"""Applications that lose patience while our limits keep their calls in line measure nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.openai_server import FakeServer

LIMITED = "[tool.ailoop.models.m]\nmodel = 'fake'\nrpm = 1\n"
APP = """
import asyncio
import openai

async def ask(question):
    async with openai.AsyncOpenAI(api_key="any-key-will-do", max_retries=0) as client:
        asked = [{"role": "user", "content": question}]
        reply = await client.chat.completions.create(model="fake", messages=asked)
    return reply.choices[0].message.content

async def ask_in_time(question):
    # The first one, which gets the only place of the minute, may take its time.
    return await asyncio.wait_for(ask(question), None if "sun" in question else 0.5)

async def answer(question):
    try:
        return await ask_in_time(question)
    except TimeoutError:
        return "Sorry, I cannot answer now."

async def first_of_two(question):
    tasks = [asyncio.ensure_future(ask(f"{question} {number}")) for number in range(2)]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    return done.pop().result()
"""
EVAL = """
import app

@pytest.mark.ailoop(dataset="cases.jsonl")
async def test_it(case):
    {body}
"""


@pytest.fixture
def limited(project: Any, known_server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project of three cases whose application waits in line for a limit of calls a minute."""
    monkeypatch.syspath_prepend(str(project.path))
    project.write("pyproject.toml", LIMITED)
    project.write("app.py", APP)
    project.rows([{"id": name, "input": f"the {name}"} for name in ("sun", "mars", "moon")])
    return project


@pytest.mark.parametrize(
    "body",
    [
        "assert await app.ask_in_time(case.input)",
        "assert 'echo' in await app.answer(case.input)",
        "assert await app.answer(case.input)",
    ],
    ids=["raised", "missed", "passed"],
)
def test_a_call_that_was_cancelled_in_line_is_no_measurement(
    limited: Any, server: FakeServer, body: str
) -> None:
    """An item whose call a timeout of the application ended before it went out is an error."""
    limited.eval(EVAL.format(body=body))
    result = limited.run("--ailoop-lookahead=0", "--tb=short")
    assert 1 == server.calls
    result.assert_outcomes(passed=1, errors=2)
    assert 0 == result.stdout.str().count("CancelledError: ")
    result.stdout.fnmatch_lines(["*it was cancelled after 0.? s in line, before it went out*"])


def test_a_call_in_line_may_be_called_off_for_the_answer_of_another(
    limited: Any, server: FakeServer
) -> None:
    """Where one call's answer makes another one needless, the item is measured by the first."""
    body = "assert await app.first_of_two(case.input)"
    limited.eval(EVAL.format(body=body))
    result = limited.run("--ailoop-case=sun")
    assert 1 == server.calls
    result.assert_outcomes(passed=1)


WAITING = """
import app
import asyncio

@pytest.mark.ailoop(dataset="cases.jsonl")
async def test_it(case):
    first = asyncio.create_task(app.ask(f"{case.input} 1"))
    second = asyncio.create_task(asyncio.wait_for(app.ask(f"{case.input} 2"), 3))
    found = await asyncio.gather(first, second, return_exceptions=True)
    assert "echo" in found[0]
    assert isinstance(found[1], TimeoutError)
"""


def test_what_was_measured_without_a_call_in_line_says_so(
    limited: Any, server: FakeServer, workers: tuple[str, ...]
) -> None:
    """An item of which one call was answered and one given up in line passes, with a warning."""
    if workers:
        limited.write("pyproject.toml", LIMITED.replace("rpm = 1", "rpm = 2"))
    limited.rows([{"id": "sun", "input": "the sun"}])
    limited.eval(WAITING)
    result = limited.run("-o", "pythonpath=.", *workers)
    assert 1 == server.calls
    result.assert_outcomes(passed=1)
    (row,) = limited.results()
    assert (1, 1) == (len(row["calls"]), row["given_up"])
    shown = " ".join(result.stdout.str().split())
    assert "warning: 1 call of 1 item cancelled in line, before going out, by the " in shown
    assert "application or the test (test_eval.py::test_it[sun]); measured without" in shown
