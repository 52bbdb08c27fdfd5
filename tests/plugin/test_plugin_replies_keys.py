"""Keys reach no file and no screen, wherever they were planted and however a test ends."""

from __future__ import annotations

import base64
import gc
import sqlite3
import urllib.parse
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop import redaction
from pytest_ailoop.calling.entries import text_in
from tests.fakes.openai_server import FakeServer

#: By what the test module reads them from; nothing in these names says that they are secret.
PLANTED = {
    "PLANTED_ARGUMENT": "canary/argument+4f9d=2b7c81",
    "PLANTED_UNSENT": "canary-unsent-4f9d2b7c81",
    "PLANTED_HEADER": 'canary-"header\\\\-4f9d2b7c81',
    "PLANTED_USER": "canary-user-4f9d2b7c81",
    "PLANTED_PASSWORD": "canary:password@4f9d2b7c81",
    "PLANTED_PATH": "sk-canary-path-4f9d2b7c81",
    "PLANTED_QUERY": "canary&query-4f9d2b7c81",
    "PLANTED_LLM": "sk-canary-llm-4f9d2b7c81",
}
#: What the environment holds under names that do.
NAMED = {
    "SERVICE_TOKEN": "canary+of/the=environment-77",
    "OPENAI_API_KEY": "sk-canary-openai-5c2e91",
    "DATABASE_URL": "postgres://me:canary-database-31@db.example/x",
}
ALL = (*PLANTED.values(), *NAMED.values(), "canary-database-31")

CLIENT = """
import base64, logging, os, urllib.parse
import openai

at = {name.removeprefix("PLANTED_"): one for name, one in os.environ.items() if "PLANTED" in name}
USER = ":".join(urllib.parse.quote(at[name], safe="") for name in ("USER", "PASSWORD"))
URL = f"http://HOST/{at['PATH']}/v1"
unsent = at.pop("UNSENT")
KNOWN = [*at.values(), os.environ["SERVICE_TOKEN"]]
SPOKEN = " ".join([*KNOWN, os.environ["DATABASE_URL"]])
SPOKEN += " " + " ".join(base64.b64encode(one.encode()).decode() for one in KNOWN)
SPOKEN += " " + " ".join(urllib.parse.quote(one, safe="") for one in KNOWN)

def client_of(url=URL, key=at["ARGUMENT"]):
    return openai.OpenAI(
        api_key=key,
        base_url=url,
        default_headers={"X-Service-Token": at["HEADER"]},
        default_query={"api-key": at["QUERY"]},
        max_retries=0,
    )

client = client_of()
with_user = client_of(URL.replace("://", f"://{USER}@"))

def ask(question, client=client):
    # What a key is, is known from the first request that bears it.
    for one in (client, with_user) if question != "hello" else ():
        ask("hello", one)
    asked = [{"role": "user", "content": question}]
    return client.chat.completions.create(model="fake", messages=asked).choices[0].message.content
"""
ENDS = """
import pytest
from pytest_ailoop import *
from app import *

pytestmark = pytest.mark.ailoop(dataset="cases.jsonl")

def test_passes(case):
    expect(ask(f"passing {case.input} {SPOKEN}")).to(contains("echo"))

def test_misses(case):
    spoken, mine, coded = SPOKEN, client, base64.b64encode(at["ARGUMENT"].encode())
    expect(ask(f"missing {SPOKEN}")).to(contains(f"{at['HEADER']} and more"))

def test_asserts(case):
    assert at["ARGUMENT"] in "nothing"

def test_records(case):
    record("noted", 1, reason=f"for {SPOKEN}")
    assert ask("records") == SPOKEN

def test_raises(case):
    raise RuntimeError(f"cannot reach {URL} with {SPOKEN}")

def test_the_library_raises(case):
    client.chat.completions.create(model="fake", messages=[{"role": "user", "content": object()}])

def test_a_key_that_was_never_sent(case):
    mine, key = client_of(key=unsent), unsent
    assert key in "nothing"

def test_nobody_listens(case):
    ask("nobody", client_of(f"http://{USER}@127.0.0.1:9/{at['PATH']}"))

def test_is_refused(case):
    ask("REFUSE ME")

def test_is_refused_and_swallowed(case):
    try:
        ask("REFUSE ME")
    except Exception as error:
        expect(str(error)).to(contains("never"))

def test_speaks(case):
    print(SPOKEN)
    logging.getLogger("app").error("with %s", SPOKEN)
    assert False, SPOKEN

def test_skips(case):
    pytest.skip(SPOKEN)

@pytest.mark.xfail(reason=SPOKEN)
def test_fails_as_expected(case):
    assert at["QUERY"] == ""

def test_warns(case):
    import warnings
    warnings.warn(SPOKEN)
    record("x", 1)

@pytest.fixture
def broken():
    raise RuntimeError(SPOKEN)

def test_setup_raises(case, broken):
    pass

@pytest.mark.ailoop(model="m")
async def test_llm(case, llm):
    reply = await llm(f"ask {SPOKEN}")
    expect(reply).to(contains("never"))

@pytest.mark.ailoop(model="m")
async def test_llm_is_refused(case, llm):
    await llm("REFUSE ME")
"""


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.refuses = True
        yield running


@pytest.fixture
def planted(project: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The project with tests that end in all ways, and keys in all places."""
    for name, value in (PLANTED | NAMED).items():
        monkeypatch.setenv(name, value)
    project.write(
        "pyproject.toml",
        f'[tool.ailoop.models.m]\nmodel = "fake"\nbase_url = "{server.url}"\n'
        'api_key_env = "PLANTED_LLM"\n',
    )
    project.write("app.py", CLIENT.replace("HOST", server.host))
    project.write("test_eval.py", ENDS)
    project.rows([{"id": "sun", "input": "the sun"}])
    monkeypatch.syspath_prepend(str(project.path))
    redaction.forget()
    yield project
    redaction.forget()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def spellings() -> list[str]:
    """Return how the keys may be written; parts that are common words are left out."""
    return [
        spelled
        for key in ALL
        for spelled in (
            key,
            urllib.parse.quote(key, safe=""),
            urllib.parse.quote(key, safe="").lower(),
            base64.b64encode(key.encode()).decode(),
            base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
        )
    ]


def leaks(text: str) -> list[str]:
    """Return what of *text* stands around a key."""
    found = []
    for spelled in spellings():
        place = text.lower().find(spelled.lower())
        if place >= 0:
            found.append(text[max(0, place - 150) : place + 60])
    return found


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the text of each file below *folder*, of databases each row unpacked."""
    for path in sorted(folder.rglob("*")):
        if path.name == "cache.db":
            with sqlite3.connect(path) as connection:
                for table, key in (("replies", "address"), ("outputs", "digest")):
                    rows = connection.execute(f"SELECT {key}, entry, sum FROM {table}")
                    for name, entry, checksum in rows:
                        text = text_in(name, entry, checksum)
                        assert text is not None
                        yield path, f"{name} {text}"
            connection.close()
        if path.is_file():
            yield path, path.read_bytes().decode("latin-1")


@pytest.mark.parametrize(
    "args",
    [
        ("--ailoop-replies=record", "--snapshot-update"),
        ("-n", "2", "--snapshot-update"),
        ("--ailoop-replies=replay", "--full-trace"),
        ("--tb=native",),
    ],
    ids=["record", "n2", "full trace", "native"],
)
def test_no_key_reaches_a_file_or_the_screen(planted, args):
    """Zero hits in all files and in the output, in every spelling, however a test ended."""
    loud = ("-vv", "--tb=long", "-l", "-rA", "--junit-xml=out.xml", "--showlocals")
    result = planted.run(*loud, *args)
    assert "17 items" in result.stdout.str() or "-n" in args
    shown = result.stdout.str() + result.stderr.str()
    assert [] == leaks(shown)
    checked = set()
    for path, text in texts(planted.path):
        checked.add(path.name)
        assert [] == leaks(text), path
    assert {"results.jsonl", "run.json", "out.xml", "cases.jsonl"} <= checked
    if "--snapshot-update" in args:
        assert {"cache.db", "test_eval.ailoop"} <= checked
    assert redaction.MASK in shown
