"""What a run says it paid is what its live calls cost: no more, and no less."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from tests.fakes import priced
from tests.fakes.openai_server import FakeServer
from tests.fakes.priced import ASK

#: Calls from a thread that a session's fixture began: whose they are, nobody knows.
DOUBTFUL = """
import queue
import threading
import openai

@pytest.fixture(scope="session")
def ask():
    client = openai.OpenAI()
    questions = queue.SimpleQueue()

    def work():
        while (one := questions.get()) is not None:
            asked = [{"role": "user", "content": one[0]}]
            reply = client.chat.completions.create(model="fake", messages=asked)
            one[1].put(reply.choices[0].message.content)

    def asking(question):
        answer = queue.SimpleQueue()
        questions.put((question, answer))
        return answer.get()

    thread = threading.Thread(target=work)
    thread.start()
    yield asking
    questions.put(None)
    thread.join()

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
def test_it(case, llm, ask):
    assert case.input in llm(f"what {case.input}").text
    if case.id == "c02":
        assert case.input in ask(f"and {case.input}")
"""
FLAKY = """
import pathlib

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_it(case, llm):
    tries = pathlib.Path(f"{case.id}.tries")
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    expect(await llm(f"what {case.input}")).to(contains(case.input))
    assert case.id != "c01" or len(tries.read_text()) == 3
"""


@pytest.fixture
def asking(project: Any, known_server: FakeServer) -> Any:
    """A project of eight cases; each call to its model costs $0.20."""
    priced.ask(project, known_server.url, cases=8)
    return project


def paid(project: Any) -> float:
    """Return what the last run's `run.json` says."""
    bill = project.run_json()["bill"]
    assert 0 == bill["paid"]["unknown"]
    found: float = bill["paid"]["known"]
    return found


def cost(calls: int) -> float:
    return pytest.approx(calls * 0.2)  # type: ignore[no-any-return]


def words(result: pytest.RunResult) -> str:
    return " ".join(result.stdout.str().split())


def test_calls_of_doubted_bodies_were_paid(asking, server, workers):
    """Items that ran anew count once as live, and nothing that was asked for them is lost."""
    asking.eval(DOUBTFUL)
    result = asking.run(*workers)
    result.assert_outcomes(passed=8)
    assert server.calls >= 9
    assert cost(server.calls) == paid(asking)
    assert {"live"} == {one["origin"] for row in asking.results() for one in row["calls"]}
    assert "saved" not in words(result)


def test_every_attempt_of_a_rerun_is_paid(asking, server, workers):
    """With `live`, an item that ran three times was paid three times, and cost one call."""
    asking.eval(FLAKY)
    result = asking.run("--reruns=3", "--ailoop-replies=live", *workers, on=["rerunfailures"])
    result.assert_outcomes(passed=8)
    assert 10 == server.calls
    assert cost(10) == paid(asking)
    assert "cost $1.60" in words(result)
    assert "paid in this run: $2.00" in words(result)


def test_a_rerun_from_the_cache_is_paid_once(asking, server):
    """What the first attempt was answered is not asked again by the second one."""
    asking.eval(FLAKY)
    asking.run("--reruns=3", on=["rerunfailures"]).assert_outcomes(passed=8)
    assert 8 == server.calls
    assert cost(8) == paid(asking)


def test_what_was_refused_and_asked_again_is_paid_once(asking, server):
    """A try that the server refused costs nothing."""
    server.fail_next(500, 500)
    asking.run().assert_outcomes(passed=8)
    assert 10 == server.calls
    assert cost(8) == paid(asking)


STOPPING = f"import os\n{ASK}    if case.id == os.environ.get('STOPS_AT'):\n        STOP\n"


@pytest.mark.parametrize("stop", ["raise KeyboardInterrupt", "os._exit(3)"])
def test_what_was_kept_was_paid_earlier(asking, server, workers, stop, monkeypatch):
    """A resumed run says what it paid itself, and apart from that what kept items had cost."""
    asking.eval(STOPPING.replace("STOP\n", f"{stop}\n"))
    monkeypatch.setenv("STOPS_AT", "c05")
    asking.run_apart("--ailoop-lookahead=0")
    before = server.calls
    assert 6 == before
    monkeypatch.delenv("STOPS_AT")
    (asking.path / ".ailoop/cache.db").unlink()
    result = asking.run_apart("--ailoop-resume", *workers)
    bill = asking.run_json()["bill"]
    assert 5 == bill["kept"]
    assert cost(5) == bill["earlier"]["known"]
    assert 3 == server.calls - before
    assert cost(3) == paid(asking)
    assert "cost $1.60" in words(result)
    assert "paid in this run: $0.6000, kept 5 items, paid earlier $1.00" in words(result)
    assert "paid in this run: $0.6000, kept 5 items" in words(shown(asking))


def shown(project: Any) -> pytest.RunResult:
    result: pytest.RunResult = project.pytester.run(sys.executable, "-m", "pytest_ailoop", "show")
    return result


def test_a_first_failure_that_ends_the_run_was_not_all_that_was_asked(asking, server, workers):
    """Calls of bodies that had begun when `-x` ended the run are paid, too."""
    asking.eval(ASK.replace("contains(case.input)", "contains('q00 q01')"))
    asking.run("-x", "--ailoop-concurrency=4", *workers)
    assert server.calls >= 2
    assert len(asking.results()) < server.calls
    assert cost(server.calls) == paid(asking)


INTERRUPT = "import signal, time; time.sleep(1); os.kill(os.getppid(), signal.SIGINT)\n"


def test_workers_that_go_on_after_the_end_may_have_paid_more(asking, server, monkeypatch):
    """Where Ctrl-C ends the controller before its workers, the sum is told as a lower bound."""
    asking.eval(STOPPING.replace("STOP\n", INTERRUPT))
    monkeypatch.setenv("STOPS_AT", "c05")
    result = asking.run_apart("-n", "2", "--ailoop-lookahead=0")
    assert pytest.ExitCode.INTERRUPTED == result.ret
    found = asking.run_json()["bill"]["paid"]
    assert 1 == found["unknown"]
    assert 0 < found["known"] <= server.calls * 0.2 + 1e-6
    assert "paid in this run: >=$" in words(result)


def test_a_crashed_worker_told_what_it_paid(asking, server, monkeypatch):
    """What a worker was answered before it crashed is counted."""
    asking.eval(STOPPING.replace("STOP\n", "os._exit(3)\n"))
    monkeypatch.setenv("STOPS_AT", "c05")
    asking.run("-n", "2", "--ailoop-lookahead=0", "--max-worker-restart=0")
    assert cost(server.calls) == paid(asking)
    assert [] == list((asking.path / ".ailoop").glob("session-*"))


BROKEN = """
from pytest_ailoop.calling.tally import Tally

def _append(self, *_):
    self.is_broken = True

Tally._append = _append
"""


def test_where_workers_cannot_count_the_results_tell(asking, workers):
    """Without a place to count in together, `paid` is what the results tell."""
    asking.write("conftest.py", BROKEN)
    # Each in a process of its own: what the conftest breaks stays broken.
    result = asking.run_apart("--ailoop-replies=live", *workers)
    result.assert_outcomes(passed=8)
    assert (not workers) == bool(asking.run_json()["bill"])
    asking.run_apart(*workers).stdout.fnmatch_lines(["paid in this run: $0, $1.60 saved by *"])


def test_a_second_run_says_what_it_saved(asking):
    """With the cache nothing is paid, and each stored reply counts at its price."""
    asking.run()
    result = asking.run()
    assert "paid in this run: $0, $1.60 saved by recordings and cache" in words(result)
    assert cost(0) == paid(asking)
    assert re.search("cost \\$1.60", words(result))
