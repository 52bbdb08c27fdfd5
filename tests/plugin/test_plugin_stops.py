"""A budget stop, Ctrl-C and a kill, one after the other: nothing is lost, nothing paid twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.fakes import priced
from tests.fakes.openai_server import FakeServer

#: Two calls an item; a stop comes between them.
ASK = """
import os
import signal

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
def test_it(case, llm):
    expect(llm(f"one {case.input}")).to(contains(case.input))
    if case.id == os.environ.get("INTERRUPTED_AT"):
        raise KeyboardInterrupt
    if case.id == os.environ.get("KILLED_AT"):
        os.kill(os.getpid(), signal.SIGKILL)
    expect(llm(f"two {case.input}")).to(contains(case.input))
"""
COUNT, IN_FLIGHT = 20, 4


class Sessions:
    """Runs one session after the other; knows what each asked, and what it says that it paid."""

    def __init__(self, project: Any, server: FakeServer) -> None:
        priced.ask(project, server.url, cases=COUNT, text=ASK)
        self._project, self._server = project, server
        self.asked: list[int] = []
        self.bills: list[dict[str, Any] | None] = []

    def run(self, *args: str) -> pytest.RunResult:
        calls, runs = self._server.calls, len(self._project.runs)
        limits = ("--ailoop-resume", f"--ailoop-concurrency={IN_FLIGHT}")
        result: pytest.RunResult = self._project.run_apart(*limits, *args)
        self._server.settle()
        self.asked.append(self._server.calls - calls)
        told = len(self._project.runs) > runs
        self.bills.append(self._project.run_json()["bill"] if told else None)
        return result


def test_three_stops_and_the_end(project, server, monkeypatch, workers):
    """Each session paid what it asked; only what was in flight at the kill is asked again; the
    last one has all items, kept ones among them."""
    sessions = Sessions(project, server)
    assert pytest.ExitCode.INTERRUPTED == sessions.run("--ailoop-max-calls=9", *workers).ret
    monkeypatch.setenv("INTERRUPTED_AT", "c08")
    assert pytest.ExitCode.INTERRUPTED == sessions.run().ret
    monkeypatch.setenv("KILLED_AT", "c14")
    monkeypatch.delenv("INTERRUPTED_AT")
    assert -9 == sessions.run().ret
    monkeypatch.delenv("KILLED_AT")
    sessions.run(*workers).assert_outcomes(passed=COUNT)

    assert 9 == sessions.asked[0]
    assert all(sessions.asked)
    paid = [None if bill is None else bill["paid"]["known"] for bill in sessions.bills]
    assert [0, 0, 0] == [bill["paid"]["unknown"] for bill in sessions.bills if bill is not None]
    spent, interrupted, _, last = (pytest.approx(calls * 0.2) for calls in sessions.asked)
    # A killed session says nothing.
    assert [spent, interrupted, None, last] == paid

    kept = [bill["kept"] for bill in sessions.bills if bill is not None]
    assert 0 == kept[0] < kept[1] < kept[2] < COUNT
    final = sessions.bills[-1]
    assert final is not None
    rows = project.results()
    assert {f"c{n:02}" for n in range(COUNT)} == {row["key"]["case"] for row in rows}
    costs = [call["cost"] for row in rows for call in row["calls"]]
    assert [pytest.approx(0.2)] * COUNT * 2 == costs
    # What the results cost was paid: now, earlier for kept items, or for replies in the cache.
    sums = [final[name]["known"] for name in ("paid", "saved", "earlier")]
    assert sum(sums) < COUNT * 2 * 0.2 + 1e-6

    questions = Counter(one["body"]["messages"][-1]["content"] for one in server.requests)
    assert COUNT * 2 == len(questions)
    assert sum(questions.values()) - len(questions) <= IN_FLIGHT
