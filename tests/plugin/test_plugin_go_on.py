"""The command that goes on with a run that was stopped: one for all ways to stop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.openai_server import FakeServer

TABLE = '[tool.ailoop.models.m]\nmodel = "fake"\nbase_url = "{url}"\n'
ASK = """
import os

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_it(case, llm):
    expect(await llm(f"what {case.input}")).to(contains(os.environ.get("FAILS", case.input)))
    if case.id == os.environ.get("STOPS_AT"):
        raise KeyboardInterrupt
"""


@pytest.fixture
def asking(project: Any) -> Iterator[Any]:
    with FakeServer() as server:
        project.write("pyproject.toml", TABLE.format(url=server.url))
        project.rows([{"id": f"c{n:02}", "input": f"q{n:02}"} for n in range(6)])
        project.eval(ASK)
        yield project


def command(result: pytest.RunResult) -> str:
    """Return the command that goes on, without what leaves plugins out; empty without one."""
    shown = re.sub(r"\n +", " ", result.stdout.str())
    found = re.search(r"next: (pytest .*?--ailoop-resume)  ?\(", shown)
    return re.sub(r"-p no:\w+ |--basetemp=.*?/runpytest-\d+ ", "", found[1]) if found else ""


SPENT, CUT = ("--ailoop-max-calls=3", "--ailoop-concurrency=1"), ("--ailoop-lookahead=0",)


@pytest.mark.parametrize("limits", [SPENT, CUT], ids=["budget", "interrupt"])
def test_what_never_failed_goes_on_stopping_at_the_first_failure(asking, monkeypatch, limits):
    """`-x` stays where no failure ended the run, and the place of each argument, too."""
    if limits is CUT:
        monkeypatch.setenv("STOPS_AT", "c03")
    result = asking.run_apart("-x", *limits, "-k", "test_it and c")
    expected = f"pytest -x {' '.join(limits)} -k 'test_it and c' --ailoop-resume"
    assert expected == command(result)


@pytest.mark.parametrize(
    "stop", [("-x",), ("--maxfail=1",), ("--maxfail", "1"), ("--exitfirst",)], ids=" ".join
)
def test_a_failure_that_ended_the_run_shall_not_end_it_again(asking, monkeypatch, stop):
    """What ends a run at its first failure is left out: the failure is kept."""
    monkeypatch.setenv("FAILS", "nothing of the kind")
    result = asking.run_apart(*stop, "-v", "--ailoop-resume", "--ailoop-lookahead=0")
    assert "pytest -v --ailoop-lookahead=0 --ailoop-resume" == command(result)


@pytest.mark.parametrize("limits", [SPENT, CUT], ids=["budget", "interrupt"])
def test_secrets_among_the_arguments_are_masked(asking, monkeypatch, limits):
    """A key that was given on the command line is shown nowhere."""
    monkeypatch.setenv("SHOP_API_KEY", "xyzzy-canary-1234")
    if limits is CUT:
        monkeypatch.setenv("STOPS_AT", "c03")
    result = asking.run_apart(*limits, "-o", "addopts=--color=no", "-k", "not xyzzy-canary-1234")
    assert "[secret]" in command(result)
    assert "canary" not in result.stdout.str()


@pytest.mark.parametrize("mode", ["live", "record"])
def test_where_everything_is_asked_anew_nothing_goes_on(asking, mode):
    """Nothing is kept there, so that no command is shown, and the refusal says so."""
    result = asking.run_apart(*SPENT, f"--ailoop-replies={mode}", "-rs")
    assert pytest.ExitCode.INTERRUPTED == result.ret
    assert "" == command(result)
    assert "resume" not in result.stdout.str()
