"""Bodies that start tasks, threads and loops of their own, or block: calls find their items."""

from __future__ import annotations

import pytest

from tests.fakes.crowd import gather, notes

HEAD = """
import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
import openai
from crowd import note

clients = {}

def sync_ask(words):
    client = clients.setdefault("sync", openai.OpenAI())
    asked = [{"role": "user", "content": words}]
    return client.chat.completions.create(model="fake", messages=asked).choices[0].message.content

async def ask(words):
    asked = [{"role": "user", "content": words}]
    async with openai.AsyncOpenAI() as client:
        reply = await client.chat.completions.create(model="fake", messages=asked)
    return reply.choices[0].message.content

"""


def body(kind: str, *lines: str) -> str:
    text = "".join(f"    {line}\n" for line in lines)
    return f'{HEAD}\n@pytest.mark.ailoop("cases.jsonl")\n{kind}def test_it(case):\n{text}'


#: Each asks once or twice, by `<its input> ...`.
WAYS = {
    "async": body("async ", "assert case.input in await ask(case.input)"),
    "sync": body("", "assert case.input in sync_ask(case.input)"),
    "to_thread": body(
        "async ", "assert case.input in await asyncio.to_thread(sync_ask, case.input)"
    ),
    "executor of the loop": body(
        "async ",
        "loop = asyncio.get_running_loop()",
        "assert case.input in await loop.run_in_executor(None, sync_ask, case.input)",
    ),
    "thread pool": body(
        "",
        "with ThreadPoolExecutor(2) as pool:",
        "    found = list(pool.map(sync_ask, [f'{case.input} 1', f'{case.input} 2']))",
        "assert all(case.input in one for one in found)",
    ),
    "thread pool of the module": body(
        "",
        "pool = clients.setdefault('pool', ThreadPoolExecutor(2))",
        "found = list(pool.map(sync_ask, [f'{case.input} 1', f'{case.input} 2']))",
        "assert all(case.input in one for one in found)",
    ),
    "own thread": body(
        "",
        "found = []",
        "thread = threading.Thread(target=lambda: found.append(sync_ask(case.input)))",
        "thread.start()",
        "thread.join()",
        "assert case.input in found[0]",
    ),
    "gather": body(
        "async ",
        "found = await asyncio.gather(*[ask(f'{case.input} {n}') for n in range(2)])",
        "assert all(case.input in one for one in found)",
    ),
    "task group": body(
        "async ",
        "async with asyncio.TaskGroup() as group:",
        "    tasks = [group.create_task(ask(f'{case.input} {n}')) for n in range(2)]",
        "assert all(case.input in one.result() for one in tasks)",
    ),
    "asyncio.run": body("", "assert case.input in asyncio.run(ask(case.input))"),
    "asyncio.run twice": body(
        "",
        "assert case.input in asyncio.run(ask(f'{case.input} 1'))",
        "assert case.input in asyncio.run(ask(f'{case.input} 2'))",
    ),
    "a blocking client in async code": body("async ", "assert case.input in sync_ask(case.input)"),
    "a nested function of its own loop": body(
        "async ",
        "found = await asyncio.to_thread(lambda: asyncio.run(ask(case.input)))",
        "assert case.input in found",
    ),
}
#: Those of which several are in flight at once.
OVERLAP = set(WAYS) - {"asyncio.run", "asyncio.run twice", "a blocking client in async code"}
OVERLAP -= {"thread pool", "thread pool of the module", "own thread"}


@pytest.mark.parametrize("way", WAYS)
def test_calls_belong_to_their_items(project, meeting, way):
    """However an item asks, its record holds its own calls, all of them and no others."""
    gather(project, 5, inputs="question {}?")
    project.eval(WAYS[way])
    meeting.wanted = 3 if way in OVERLAP else 1
    result = project.run("-W", "error")
    result.assert_outcomes(passed=5)
    result.stdout.no_fnmatch_line("*one at a time*")
    for number, row in enumerate(project.results()):
        texts = [one["reply_text"] for one in row["calls"]]
        assert texts
        assert all(f"question {number}?" in one for one in texts), texts
    if way in OVERLAP:
        assert 3 <= meeting.most


def test_sync_and_async_in_one_module(project, meeting, workers):
    """Bodies of both kinds overlap with each other."""
    gather(project, 4, inputs="question {}?")
    project.eval(
        HEAD
        + """
@pytest.mark.ailoop("cases.jsonl")
def test_sync(case):
    assert case.input in sync_ask(case.input)

@pytest.mark.ailoop("cases.jsonl")
async def test_async(case):
    assert case.input in await ask(case.input + " again")
"""
    )
    meeting.wanted = 2 if workers else 8
    project.run(*workers).assert_outcomes(passed=8)
    assert meeting.wanted <= meeting.most
    assert 8 == meeting.calls


def test_a_body_that_never_ends_by_itself(project):
    """What others leave behind in tasks of their own neither stops the run nor outlives it."""
    gather(project, 3)
    project.eval(
        """
import asyncio
from crowd import note, three

kept = []

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    async def forever():
        try:
            while True:
                await asyncio.sleep(0.01)
        finally:
            note("ended", case.id)

    kept.append(asyncio.create_task(forever()))
    await three.meet()
    assert case
"""
    )
    result = project.run_apart("-W", "error")
    result.assert_outcomes(passed=3)
    assert ["ended c00", "ended c01", "ended c02"] == sorted(notes(project))
    assert "Traceback" not in result.stderr.str()


def test_bodies_that_never_end_after_x(project):
    """Bodies that would go on for ever do not keep a run from its end."""
    gather(project, 4)
    project.eval(
        """
import asyncio

@pytest.mark.ailoop
async def test_first():
    await asyncio.sleep(0.05)
    assert False

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    while True:
        await asyncio.sleep(0.01)
"""
    )
    project.run("-x").assert_outcomes(failed=1)


def test_context_variables(project):
    """Each body has a context of its own: what one sets, no other sees."""
    gather(project, 4)
    project.eval(
        """
import asyncio
import contextvars
from crowd import four

who = contextvars.ContextVar("who", default="nobody")

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    assert who.get() == "nobody"
    who.set(case.id)
    await four.meet()
    assert who.get() == case.id
    assert await asyncio.to_thread(who.get) == case.id
    assert await asyncio.create_task(seen()) == case.id

async def seen():
    return who.get()

@pytest.mark.ailoop("cases.jsonl")
def test_sync(case):
    assert who.get() == "nobody"
    who.set(case.id)
"""
    )
    project.run().assert_outcomes(passed=8)
