"""Replies through a real run: each way to ask a model is recorded, replayed, and missed by name."""

from __future__ import annotations

import gc
import re
import shlex
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.openai_server import FakeServer

# Each way asks to "be terse".
LLM = """
import pydantic

def some_text(value):
    return bool(value)

class City(pydantic.BaseModel):
    name: str
    people: int

def find(what: str) -> str:
    "Look it up."

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
{kind}def test_it(case, llm):
    {body}
    expect(shown).to(some_text)
"""
APP = """
from app_WAY import answer

def some_text(value):
    return bool(value)

@pytest.mark.ailoop(dataset="cases.jsonl")
{kind}def test_it(case):
    shown = {call}answer(case.input)
    expect(shown).to(some_text)
"""


def llm_test(*lines: str, kind: str = "async ") -> dict[str, str]:
    return {"test_WAY.py": LLM.format(kind=kind, body="\n    ".join(lines))}


def app_test(app: str, kind: str = "") -> dict[str, str]:
    call = "await " if kind else ""
    return {"test_WAY.py": APP.format(kind=kind, call=call), "app_WAY.py": app}


SYNC = "import openai\nclient = openai.OpenAI()\n\n"
ASYNC = "import openai\nclient = openai.AsyncOpenAI()\n\n"
ASKED = 'model="fake", messages=[{"role": "user", "content": f"be terse on {question}"}]'

WAYS: dict[str, dict[str, str]] = {
    "llm text": llm_test("shown = (await llm(f'be terse on {case.input}')).text"),
    "llm messages": llm_test(
        "asked = [{'role': 'system', 'content': 'be terse'}]",
        "asked += [{'role': 'user', 'content': case.input}]",
        "shown = (await llm(asked, temperature=0)).text",
    ),
    "llm tools": llm_test(
        "reply = await llm(f'be terse on {case.input}', tools=[find])",
        "shown = f'{reply.tool_calls}'",
        "assert reply.tool_calls[0].arguments['what'].endswith(case.input)",
    ),
    "llm output": llm_test(
        "reply = await llm(f'be terse on {case.input}', output=City)",
        "shown = reply.parsed.name",
    ),
    "llm stream": llm_test(
        "stream = llm.stream(f'be terse on {case.input}')",
        "shown = '|'.join([delta async for delta in stream])",
        "assert stream.reply.text == shown.replace('|', '')",
        "assert stream.reply.first_token is not None",
    ),
    "llm logprobs": llm_test(
        "reply = await llm(f'be terse on {case.input}', logprobs=True)",
        "shown = f'{reply.logprobs[0]}'",
    ),
    "sync llm text": llm_test("shown = llm(f'be terse on {case.input}').text", kind=""),
    "sync llm output": llm_test(
        "shown = llm(f'be terse on {case.input}', output=City).parsed.name", kind=""
    ),
    "sync llm stream": llm_test(
        "shown = '|'.join(llm.stream(f'be terse on {case.input}'))", kind=""
    ),
    "client in the test module": {
        "test_WAY.py": f"""
import openai
client = openai.OpenAI()

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    question = case.input
    expect(client.chat.completions.create({ASKED})).to(contains("echo"))
"""
    },
    "async client in the test module": {
        "test_WAY.py": f"""
import openai
client = openai.AsyncOpenAI()

@pytest.mark.ailoop(dataset="cases.jsonl")
async def test_it(case):
    question = case.input
    expect(await client.chat.completions.create({ASKED})).to(contains("echo"))
"""
    },
    "client in the application": app_test(
        SYNC + f"def answer(question):\n    return client.chat.completions.create({ASKED})\n"
    ),
    "async client in the application": app_test(
        ASYNC
        + "async def answer(question):\n"
        + f"    return await client.chat.completions.create({ASKED})\n",
        "async ",
    ),
    "streamed": app_test(
        SYNC
        + "def answer(question):\n"
        + f"    stream = client.chat.completions.create({ASKED}, stream=True)\n"
        + "    return '\\n'.join(chunk.to_json() for chunk in stream)\n"
    ),
    "streamed async": app_test(
        ASYNC
        + "async def answer(question):\n"
        + f"    stream = await client.chat.completions.create({ASKED}, stream=True)\n"
        + "    return '\\n'.join([chunk.to_json() async for chunk in stream])\n",
        "async ",
    ),
    "parsed": app_test(
        SYNC
        + "import pydantic\nclass City(pydantic.BaseModel):\n    name: str\n\n"
        + "def answer(question):\n"
        + f"    reply = client.chat.completions.parse({ASKED}, response_format=City)\n"
        + "    return reply.choices[0].message.parsed.name\n"
    ),
    "responses": app_test(
        SYNC
        + "def answer(question):\n"
        + "    asked = f'be terse on {question}'\n"
        + "    return client.responses.create(model='fake', input=asked).output_text\n"
    ),
    "responses streamed": app_test(
        SYNC
        + "def answer(question):\n"
        + "    asked = f'be terse on {question}'\n"
        + "    stream = client.responses.create(model='fake', input=asked, stream=True)\n"
        + "    return '\\n'.join(event.to_json() for event in stream)\n"
    ),
    "embeddings": app_test(
        SYNC
        + "def answer(question):\n"
        + "    asked = ['be terse', question]\n"
        + "    return client.embeddings.create(model='fake', input=asked).to_json()\n"
    ),
    "httpx": app_test(
        "import httpx, os\n"
        "URL = os.environ['OPENAI_BASE_URL'] + '/chat/completions'\n"
        "client = httpx.Client()\n\n"
        "def answer(question):\n"
        f"    return client.post(URL, json=dict({ASKED})).text\n"
    ),
    "openai over aiohttp": app_test(
        "import openai\n"
        "client = None\n\n"
        "async def answer(question):\n"
        "    global client\n"
        "    if client is None:\n"
        "        client = openai.AsyncOpenAI(http_client=openai.DefaultAioHttpClient())\n"
        f"    return await client.chat.completions.create({ASKED})\n",
        "async ",
    ),
    "thread pool": app_test(
        SYNC
        + "from concurrent.futures import ThreadPoolExecutor\n"
        + "pool = ThreadPoolExecutor(4)\n\n"
        + "def one(question):\n"
        + f"    return client.chat.completions.create({ASKED}).choices[0].message.content\n\n"
        + "def answer(question):\n"
        + "    return '\\n'.join(pool.map(one, [f'{question} {n}' for n in range(6)]))\n"
    ),
}

MISS = re.compile(
    r"(?s)no recording of POST /\S+ \(model 'fake', trial 1\)\n"
    r"  in __recordings__/test_\w+\.jsonl \(\d+ recorded\)\n"
    r"  nearest recorded request: \S+: recorded 'be terse.*', asked 'be chatty.*'\n"
    r"  to record it: pytest \"test_\w+\.py::test_it\[\S+\]\" --ailoop-replies=record"
)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(numbered=True) as running:
        yield running


@pytest.fixture
def ways(project: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The project with a test module for each way, and an application where it needs one."""
    project.write(
        "pyproject.toml",
        f'[tool.ailoop.models.m]\nmodel = "fake"\nbase_url = "{server.url}"\n',
    )
    for way, files in WAYS.items():
        for name, text in files.items():
            whole = name.replace("WAY", file_name(way))
            write = project.eval if name.startswith("test") else swapped(project.write)
            # No two ways ask the same: a reply is recorded once a session.
            text = text.replace("be terse", f"be terse, {way},")
            write(text.replace("WAY", file_name(way)), whole)
    project.rows([{"id": name, "input": f"the {name}"} for name in ("sun", "moon")])
    monkeypatch.syspath_prepend(str(project.path))
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    yield project
    # Applications leave connections open, also on a loop that is closed: their own affair.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def file_name(way: str) -> str:
    return way.replace(" ", "_")


def swapped(write: Any) -> Any:
    return lambda text, name: write(name, text)


def without_origin(project: Any) -> list[dict[str, Any]]:
    """Return the item records, apart from whether replies came live or from a recording.

    Calls of several threads are written down as they end.
    """
    found = project.results()
    for row in found:
        for call in row["calls"]:
            del call["origin"]
        if "thread_pool" in row["nodeid"]:
            row["calls"].sort(key=lambda call: call["digest"])
            row["output"] = sorted((row["output"] or "").split("\n"))
    return found


def origins(project: Any) -> set[str]:
    return {call["origin"] for row in project.results() for call in row["calls"]}


def recordings(project: Any) -> dict[str, list[bytes]]:
    """Return the lines of each file of recordings."""
    folder = project.path / "__recordings__"
    return {path.stem: path.read_bytes().splitlines() for path in sorted(folder.iterdir())}


def record(project: Any, monkeypatch: pytest.MonkeyPatch, *args: str) -> Any:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-developer-1234")
    result = project.run(*(args or ["--ailoop-replies=record"]))
    monkeypatch.delenv("OPENAI_API_KEY")
    return result


def test_what_was_recorded_is_replayed(
    ways: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each way to ask gives the same outputs, scores, tokens and times again, without server and
    key; the recordings stay as they are."""
    record(ways, monkeypatch).assert_outcomes(passed=2 * len(WAYS))
    assert {"live"} == origins(ways)
    calls = server.calls
    server.stop()
    recorded, files = without_origin(ways), recordings(ways)
    assert {f"test_{file_name(way)}" for way in WAYS} == set(files)
    assert calls == sum(len(lines) - 1 for lines in files.values())
    for row in recorded:
        assert row["output"], row["nodeid"]

    ways.run("--ailoop-replies=replay").assert_outcomes(passed=2 * len(WAYS))
    assert {"recording"} == origins(ways)
    for before, after in zip(recorded, without_origin(ways), strict=True):
        assert before == after
    assert calls == server.calls
    assert files == recordings(ways)


def test_a_changed_word_misses_by_name(
    ways: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One changed word makes each way an error that names the word, what is nearest and the
    command; that very command records it, and drops nothing else."""
    record(ways, monkeypatch)
    server.stop()
    before = recordings(ways)
    for path in ways.path.glob("*.py"):
        path.write_text(path.read_text().replace("terse", "chatty"))
    result = ways.run("--ailoop-replies=replay")
    result.assert_outcomes(errors=2 * len(WAYS))
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    for row in ways.results():
        assert ("error", "ReplayMissError") == (row["outcome"], row["fault"]["type"])
        assert MISS.search(row["fault"]["message"]), row["nodeid"]
    commands = re.findall(r"^E +to record it: pytest (.*)$", result.stdout.str(), re.MULTILINE)
    assert 2 * len(WAYS) == len(commands)

    server.start()
    for command in commands[:: len(commands) // 3]:
        node, mode = shlex.split(command)
        calls = server.calls
        record(ways, monkeypatch, node, mode).assert_outcomes(passed=1)
        assert server.calls > calls
        calls = server.calls
        ways.run(node, "--ailoop-replies=replay").assert_outcomes(passed=1)
        assert server.calls == calls
    after = recordings(ways)
    assert before.keys() == after.keys()
    for name, lines in before.items():
        assert set(lines) <= set(after[name])
