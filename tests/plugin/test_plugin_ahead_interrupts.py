"""What ends a run from outside or inside while bodies are under way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests.fakes.crowd import MeetingServer, gather, notes

ASK = """
import openai
from crowd import note

client = openai.{client}(max_retries=0)

@pytest.fixture(scope="module")
def wide():
    note("set up")
    yield
    note("torn down")

@pytest.mark.ailoop("cases.jsonl")
{kind}def test_it(case, wide):
    asked = [{{"role": "user", "content": case.input}}]
    try:
        reply = {call}client.chat.completions.create(model="fake", messages=asked)
        assert reply
    finally:
        note("over", case.id)
"""
KINDS = {
    "async": ASK.format(client="AsyncOpenAI", kind="async ", call="await "),
    "sync": ASK.format(client="OpenAI", kind="", call=""),
}


class SlowServer(MeetingServer):
    """Answers the first four cases at once; the others wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.free = threading.Event()

    def received(self, request):
        self.asked += 1
        if int(request["body"]["messages"][-1]["content"].split()[-1]) >= 4:
            self.free.wait(20)
        return super().received(request)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowServer]:
    with SlowServer() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        yield running
        running.free.set()


class Process:
    """pytest in a process of its own, to be signalled as a terminal does it."""

    def __init__(self, project, *args: str) -> None:
        off = ("asyncio", "anyio", "randomly", "recording", "rerunfailures", "cacheprovider")
        switches = [part for name in off for part in ("-p", f"no:{name}")]
        self.out = (project.path / "out.txt").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-v", *switches, *args],
            cwd=project.path,
            stdout=self.out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._path = project.path / "out.txt"

    def interrupt(self) -> None:
        os.killpg(self._process.pid, signal.SIGINT)

    @property
    def passed(self) -> int:
        """How many items were reported green."""
        return self._path.read_text("utf-8").count("PASSED")

    def wait(self) -> str:
        """Return what it wrote, when it is gone with all its children."""
        self.code = self._process.wait(30)
        self.out.close()
        with pytest.raises(ProcessLookupError):
            os.killpg(self._process.pid, 0)
        return self._path.read_text("utf-8")


def until(reached, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_while_calls_are_in_flight(project, slow, kind):
    """Ctrl-C: exit code 2, a partial report, fixtures torn down last, paid replies kept."""
    gather(project, 12)
    project.eval(KINDS[kind])
    process = Process(project, "--ailoop-concurrency=8")
    until(lambda: slow.asked == 12 and process.passed == 4)
    time.sleep(0.3)  # The letter comes first, then the record is taken.
    process.interrupt()
    time.sleep(0.3)
    slow.free.set()
    out = process.wait()
    assert pytest.ExitCode.INTERRUPTED == process.code
    assert "KeyboardInterrupt" in out
    assert "4 passed" in out
    assert ["c00", "c01", "c02", "c03"] == [row["key"]["case"] for row in project.results()]
    assert "set up" == notes(project)[0]
    assert "torn down" == notes(project)[-1]
    assert "Traceback" not in out
    assert "never retrieved" not in out
    # What came back while the run ended is paid, and asked no second time.
    project.run().assert_outcomes(passed=12)
    assert 12 == slow.calls


@pytest.mark.parametrize("pause", [0.05, 2.5])
def test_a_second_interrupt(project, slow, pause):
    """Ctrl-C twice, while calls never come back: the report is there all the same.

    Also where the second comes while pytest puts the first into words.
    """
    gather(project, 12)
    project.eval(KINDS["async"])
    process = Process(project, "--ailoop-concurrency=8")
    until(lambda: slow.asked == 12 and process.passed == 4)
    time.sleep(0.3)  # The letter comes first, then the record is taken.
    process.interrupt()
    time.sleep(pause)
    process.interrupt()
    out = process.wait()
    assert not slow.free.is_set()
    assert pytest.ExitCode.INTERRUPTED == process.code
    assert "4 passed" in out
    assert 4 == len(project.results())


def test_an_interrupt_with_workers(project, slow):
    """Ctrl-C under `-n 2`: exit code 2, and no process is left."""
    gather(project, 12)
    project.eval(KINDS["async"])
    process = Process(project, "-n", "2")
    until(lambda: slow.asked >= 6)
    process.interrupt()
    time.sleep(0.3)
    slow.free.set()
    process.wait()
    assert pytest.ExitCode.INTERRUPTED == process.code


@pytest.mark.parametrize("kind", ["", "async "], ids=["sync", "async"])
def test_a_body_that_raises_keyboard_interrupt(project, kind):
    """It ends the session as everywhere in pytest; fixtures are torn down after all bodies."""
    gather(project, 6)
    project.eval(
        f"""
import asyncio
from crowd import note

@pytest.fixture(scope="module")
def wide():
    yield
    note("torn down")

@pytest.mark.ailoop("cases.jsonl")
{kind}def test_it(case, wide):
    if case.id == "c01":
        {"await asyncio.sleep(0)" if kind else "pass"}
        raise KeyboardInterrupt
    assert case

@pytest.mark.ailoop("cases.jsonl")
async def test_waits(case, wide):
    try:
        await asyncio.sleep(30)
    finally:
        note("over", case.id)
    assert case
"""
    )
    result = project.run_apart()
    assert pytest.ExitCode.INTERRUPTED == result.ret
    result.stdout.fnmatch_lines(["*KeyboardInterrupt*"])
    assert "torn down" == notes(project)[-1]
    assert {f"over c{n:02}" for n in range(6)} >= set(notes(project)[:-1])


def test_nothing_is_left(project, slow):
    """After a run, whatever its bodies did, no body and no patch of ours is left."""
    import logging
    import warnings
    from concurrent.futures import ThreadPoolExecutor

    slow.free.set()
    before = (
        sys.stdout,
        warnings.showwarning,
        logging.Logger.callHandlers,
        threading.Thread.start,
        ThreadPoolExecutor.submit,
    )
    gather(project, 6)
    for kind in KINDS:
        project.eval(KINDS[kind])
        project.run("-x", "--ailoop-replies=live").assert_outcomes(passed=6)
    assert before == (
        sys.stdout,
        warnings.showwarning,
        logging.Logger.callHandlers,
        threading.Thread.start,
        ThreadPoolExecutor.submit,
    )
    assert not [one for one in threading.enumerate() if one.name == "ailoop-body"]
