"""What is no measurement is an error, never a failure: calls without reply, ways round replay."""

from __future__ import annotations

import gc
import re
import warnings
from typing import Any

import pytest

from tests.fakes.openai_server import FakeServer

APP = """
import openai
client = openai.OpenAI(api_key="any-key-will-do", max_retries={retries})

def ask(question):
    asked = [{{"role": "user", "content": question}}]
    return client.chat.completions.create(model="fake", messages=asked).choices[0].message.content

def swallow(question):
    try:
        return ask(question)
    except Exception:
        return "Sorry, I cannot answer now."
"""
EVAL = """
import app

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    {body}
"""
BODIES = {
    "raised": "expect(app.ask(case.input)).to(contains('echo'))",
    "wrapped": """
    try:
        shown = app.ask(case.input)
    except Exception:
        raise RuntimeError('no answer')
    expect(shown).to(contains('echo'))""",
    "swallowed": "expect(app.swallow(case.input)).to(contains('Sorry'))",
    "swallowed and missed": "expect(app.swallow(case.input)).to(contains('echo'))",
    "swallowed and asserted": "assert 'echo' in app.swallow(case.input)",
    "swallowed and hard": "expect(app.swallow(case.input)).to(contains('echo'), hard=True)",
}


@pytest.fixture
def asking(project: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The project with an application that asks the server; `body` writes what a test does."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.syspath_prepend(str(project.path))
    project.rows([{"id": "sun", "input": "the sun"}])

    def body(text: str, retries: int = 0) -> Any:
        project.write("app.py", APP.format(retries=retries))
        project.eval(EVAL.format(body=text))
        return project

    yield body
    # The application's connections are its own affair.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def junit(project: Any) -> tuple[str, str, str]:
    """Return errors and failures of junit's file, and its text."""
    text = (project.path / "out.xml").read_text("utf-8")
    found = re.search(r'errors="(\d+)" failures="(\d+)"', text)
    assert found is not None
    return found[1], found[2], text


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("fault", ["500", "401", "refused", "miss"])
def test_a_call_without_reply_is_an_error(asking, server, fault, body):
    """A server's fault, a refused key, no connection and a miss are errors, whatever the
    application makes of them."""
    project = asking(BODIES[body])
    args = ["--junit-xml=out.xml"]
    if fault == "refused":
        server.stop()
    elif fault == "miss":
        args.append("--ailoop-replies=replay")
    else:
        server.fail_next(*[int(fault)] * 20)  # Each try meets it.
    result = project.run(*args)
    result.assert_outcomes(errors=1)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["test_eval.py E *", "ERROR test_eval.py::test_it*"])
    errors, failures, text = junit(project)
    assert ("1", "0") == (errors, failures)
    assert "<error " in text
    (row,) = project.results()
    assert "error" == row["outcome"]
    assert "passed" not in [score["name"] for score in row["scores"]]
    said = {"500": "HTTP 500|Error code: 500", "401": "HTTP 401|Error code: 401"}
    said |= {"refused": "Connect(ion)? ?[eE]rror", "miss": "no recording of POST"}
    assert re.search(said[fault], row["fault"]["message"])


def test_quality_below_the_bar_is_a_failure(asking, server):
    """An answer that misses its bar is F and <failure>, beside the E of one that never came."""
    project = asking(BODIES["swallowed and missed"].replace("'echo'", "'echo: the moon'"))
    project.rows([{"id": name, "input": f"the {name}"} for name in ("sun", "mars", "moon")])
    server.fail_next(401)
    # One after the other: the server refuses whoever asks first.
    result = project.run("--junit-xml=out.xml", "--ailoop-lookahead=0")
    result.assert_outcomes(errors=1, failed=1, passed=1)
    result.stdout.fnmatch_lines(["test_eval.py EF. *"])
    assert ("1", "1") == junit(project)[:2]
    assert ["error", "failed", "passed"] == [row["outcome"] for row in project.results()]


def test_a_retry_that_helps_is_no_fault(asking, server):
    """A call that brings its reply after all leaves an ordinary item, and both tries in the
    record."""
    project = asking(BODIES["raised"], retries=2)
    server.fail_next(503, retry_after_ms="1")
    project.run().assert_outcomes(passed=1)
    (row,) = project.results()
    assert [503, 200] == [call["status"] for call in row["calls"]]


def test_a_pause_that_is_too_long_is_told(asking, server):
    """Where the server wants a pause of hours, the item says so, not only what the client raised;
    none of our own lines stands in its traceback."""
    project = asking(BODIES["raised"], retries=2)
    server.fail_next(429, retry_after="9999")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*LimitError*9999 s*"])
    result.stdout.no_fnmatch_line("*def judged*")
    assert 1 == server.calls
    shown = " ".join(result.stdout.str().split())
    assert "warning: model 'fake' was not asked any more: its server wants to be left" in shown
    assert "for 167 min (retry-after)" in shown or "for 2.78 h (retry-after)" in shown


def test_what_the_server_says_of_the_request_is_the_applications_affair(asking, server):
    """An application may live with a request that was refused as such; not answering it is an
    error like any."""
    project = asking(BODIES["swallowed"])
    server.fail_next(400)
    project.run().assert_outcomes(passed=1)
    project = asking(BODIES["raised"])
    server.fail_next(400)
    project.run("--ailoop-replies=live").assert_outcomes(errors=1)


def test_a_cancelled_call_is_the_applications_affair(asking, server):
    """An application that asks two models and takes the first answer has no fault."""
    server.latency = 0.2
    project = asking(
        """
    import asyncio, openai

    async def race():
        client = openai.AsyncOpenAI(api_key="any-key-will-do")
        asked = [{"role": "user", "content": case.input}]
        calls = [
            asyncio.ensure_future(client.chat.completions.create(model=name, messages=asked))
            for name in ("one", "two")
        ]
        await asyncio.sleep(0.05)
        calls[1].cancel()
        return await calls[0]

    expect(asyncio.run(race())).to(contains("echo"))"""
    )
    project.run().assert_outcomes(passed=1)


def test_a_stream_that_breaks_is_an_error(asking, server):
    """A connection that breaks in the middle of a stream is an error, also if it is swallowed."""
    project = asking(
        """
    found = []
    try:
        for chunk in app.client.chat.completions.create(
            model="fake", messages=[{"role": "user", "content": case.input}], stream=True
        ):
            found.append(chunk.choices[0].delta.content or "")
    except Exception:
        pass
    expect("".join(found)).to(contains("echo"))"""
    )
    server.break_streams_after = 2
    project.run().assert_outcomes(errors=1)


def test_the_traceback_ends_in_the_users_code(asking):
    """A miss shows the user's lines and no frame of a client; `--full-trace` shows them all."""
    project = asking(BODIES["raised"])
    shown = project.run("--ailoop-replies=replay").stdout.str()
    assert "app.py:7: ReplayMissError" in shown
    assert "_base_client" not in shown
    shown = project.run("--ailoop-replies=replay", "--full-trace").stdout.str()
    assert "_base_client" in shown


def test_a_lost_connection_is_told_in_few_lines(asking, server):
    """Causes below the client are shown by their words alone; `--full-trace` shows it all."""
    project = asking(BODIES["raised"])
    server.stop()
    shown = project.run().stdout.str()
    assert "app.py:7: APIConnectionError" in shown
    assert "\nhttpx2.ConnectError: " in shown
    assert "map_httpcore_exceptions" not in shown
    assert "map_httpcore_exceptions" in project.run("--full-trace").stdout.str()


BYPASSES = {
    "urllib": "import urllib.request; urllib.request.urlopen('https://model.example/v1/chat')",
    "http.client": (
        "import http.client; http.client.HTTPSConnection('model.example').request('GET', '/')"
    ),
    "socket": "import socket; socket.create_connection(('192.0.2.7', 443), timeout=1)",
    "asyncio": ("import asyncio; asyncio.run(asyncio.open_connection('model.example', 443))"),
    "aiohttp": """
    import aiohttp, asyncio
    async def ask():
        async with aiohttp.ClientSession() as session:
            await session.get('https://model.example/v1/chat')
    asyncio.run(ask())""",
    "thread": """
    import threading, urllib.request
    def ask():
        try:
            urllib.request.urlopen('https://model.example/v1/chat')
        except Exception:
            pass
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()""",
}


@pytest.mark.parametrize("way", BYPASSES)
@pytest.mark.parametrize("swallowed", [False, True], ids=["raised", "swallowed"])
def test_ways_round_replay_fail_by_name(asking, server, way, swallowed):
    """What tries to reach another host in replay is an error that names library and host."""
    body = BYPASSES[way]
    if swallowed:
        lines = "\n        ".join(line.strip("\n") for line in body.split("\n"))
        body = f"\n    try:\n        {lines}\n    except Exception:\n        pass"
    project = asking(f"{body}\n    record('x', 1)")
    result = project.run("--ailoop-replies=replay")
    result.assert_outcomes(errors=1)
    (row,) = project.results()
    assert "BypassError" == row["fault"]["type"]
    library = "aiohttp" if way == "aiohttp" else "test_eval"
    host = "192.0.2.7" if way == "socket" else "model.example"
    words = f"library {library} tried to reach host {host}"
    assert f"call not seen by ailoop: {words}" in row["fault"]["message"]
    assert words in result.stdout.str()


@pytest.mark.parametrize(
    "way",
    [
        "import urllib.request; urllib.request.urlopen(f'{url}/chat/completions', data=b'{}')",
        "import http.client; http.client.HTTPConnection(host).request('POST', '/v1/embeddings')",
    ],
)
def test_models_on_this_machine_are_barred_too(asking, server, way):
    """A local model server asked through another library is an error; other services are not."""
    import urllib.parse

    host = urllib.parse.urlsplit(server.url).netloc
    project = asking(f"url, host = {server.url!r}, {host!r}\n    {way}\n    record('x', 1)")
    project.run("--ailoop-replies=replay").assert_outcomes(errors=1)
    assert "the model endpoint /" in project.results()[0]["fault"]["message"]
    assert 0 == server.calls
    project = asking(
        f"import urllib.request; urllib.request.urlopen({server.url + '/models'!r}).close()\n"
        "    record('x', 1)"
    )
    project.run("--ailoop-replies=replay").assert_outcomes(passed=1)


def test_outside_of_evals_nothing_is_barred(asking, server):
    """Ordinary tests beside evals reach what they reach, in replay too."""
    project = asking("record('x', 1)")
    project.write(
        "test_plain.py",
        "import socket, pytest, urllib.request\n"
        "def test_it():\n"
        f"    urllib.request.urlopen('{server.url}/chat/completions', data=b'{{}}').close()\n"
        "    with pytest.raises(RuntimeError, match='only loopback'):\n"
        "        socket.create_connection(('192.0.2.7', 443), timeout=1)\n",
    )
    project.run("--ailoop-replies=replay").assert_outcomes(passed=2)
    assert 1 == server.calls


def test_hosts_let_through_are_reached(asking, server):
    """What stands in `passthrough` is neither barred nor recorded."""
    project = asking("expect(app.ask(case.input)).to(contains('echo'))")
    project.write("ailoop.toml", f"[recordings]\npassthrough = ['{server.host}']\n")
    project.run("--ailoop-replies=replay").assert_outcomes(passed=1)
    assert 1 == server.calls
    assert [] == project.results()[0]["calls"]
