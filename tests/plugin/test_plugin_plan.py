"""`--ailoop-plan`: what would be asked, and that nothing is done."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.judged import ASK, ask
from tests.fakes.openai_server import FakeServer

LOUD = """
import pathlib

@pytest.fixture(scope="session", autouse=True)
def loud():
    pathlib.Path("fixture ran").touch()

def test_ordinary():
    pathlib.Path("test ran").touch()
"""


@pytest.fixture
def asking(project: Any, server: FakeServer) -> Any:
    """A project with three cases; each item asks the model once and a judge once."""
    ask(project, server.url, price="input = 1000000.0, output = 0.0")
    return project


def planned(project: Any, *args: str) -> str:
    """Return the plan as one line of text; the run must have succeeded."""
    result = project.run("--ailoop-plan", *args)
    assert 0 == result.ret
    return " ".join(result.stdout.str().partition("= ailoop plan =")[2].split())


def test_nothing_runs(asking, server, workers):
    """No test, no fixture, no call, no file: also of ordinary tests, and with workers asked for."""
    asking.eval(ASK + LOUD)
    before = sorted(path.name for path in asking.path.iterdir())
    result = asking.run("--ailoop-plan", *workers)
    assert 0 == result.ret
    assert 0 == server.calls
    assert before == sorted(
        path.name for path in asking.path.iterdir() if path.name != "__pycache__"
    )
    result.stdout.fnmatch_lines(["*no tests ran in *"])


def test_before_the_first_run_nothing_is_known(asking):
    """It says so, and what makes it known."""
    told = planned(asking)
    assert "m: never ran 3 ? ? ? ? ? n/a" in told
    assert "total: 3 items; no kept run has their tests" in told
    assert "--ailoop-sample=3" in told


def test_after_a_run_everything_is_known_and_free(asking, server, workers):
    """Each call is answered from the cache; the plan's live calls are those the run makes."""
    asking.run()
    told = planned(asking, *workers)
    assert "fake 3 1.0 3 3 0 - -" in told
    assert "dear (judge) 3 1.0 3 3 0 - -" in told
    assert "total: 3 items, 6 calls, 6 answered from recordings or cache (free), 0 live" in told
    assert "known from: 3 items with case, prompt and model as in a kept run" in told
    assert 6 == server.calls


def test_without_the_cache_the_same_calls_go_live(asking):
    """Known from history, paid anew: tokens and price as they were, judges apart."""
    asking.run()
    (asking.path / ".ailoop/cache.db").unlink()
    told = planned(asking)
    assert "fake 3 1.0 3 0 3 " in told
    usage = [call["usage"] for row in asking.results() for call in row["calls"]]
    tokens = sum(one["input_tokens"] + one["output_tokens"] for one in usage)
    assert f"6 live, {tokens} tokens, cost $" in told


def test_recordings_make_calls_free_in_replay(asking):
    """Replay reads recordings alone; what has none is said to have none."""
    asking.run("--ailoop-replies=record", "--ailoop-case=sun", "--ailoop-case=moon")
    asking.run("--ailoop-replies=live")
    told = planned(asking, "--ailoop-replies=replay")
    assert "6 calls, 4 answered from recordings (free), 2 without a recording" in told


def test_in_replay_nobody_asks_for_another_one(asking):
    """What no recording answers is missing at each place, also where all ask for the same."""
    asking.eval(ASK.replace('model="m")\ndef', 'model="m", trials=2)\ndef'))
    asking.run("--ailoop-replies=live", "--ailoop-case=sun")
    told = planned(asking, "--ailoop-replies=replay", "--ailoop-case=sun")
    assert "4 calls, 0 answered from recordings (free), 4 without a recording" in told
    (asking.path / ".ailoop/cache.db").unlink()
    assert "1 answered from recordings or cache (free), 3 live" in planned(asking, "-k", "sun")


STOPS = "import os\n" + ASK.replace("test_it(case, llm):", "test_it(case, llm):\n    STOP")
STOP = "if case.id == os.environ.get('STOPS_AT'):\n        raise KeyboardInterrupt"


def test_what_would_be_kept_is_not_planned(asking, server, monkeypatch, workers):
    """With `--ailoop-resume` the plan is of what is left, and the journal stays as it was."""
    asking.eval(STOPS.replace("STOP", STOP))
    asking.run_apart()
    monkeypatch.setenv("STOPS_AT", "mars")
    (asking.path / ".ailoop/cache.db").unlink()
    asking.run_apart("--ailoop-lookahead=0")
    (journal,) = (asking.path / ".ailoop/journal").iterdir()
    before = journal.read_bytes()
    (asking.path / ".ailoop/cache.db").unlink()
    result = asking.run_apart("--ailoop-plan", "--ailoop-resume", *workers)
    told = " ".join(result.stdout.str().partition("= ailoop plan =")[2].split())
    assert "total: 1 item, 2 calls, 0 answered" in told
    assert "resume: 2 of 3 items kept from the run of " in told
    assert before == journal.read_bytes()
    monkeypatch.delenv("STOPS_AT")
    calls = server.calls
    asking.run_apart("--ailoop-resume", *workers).assert_outcomes(passed=3)
    assert 2 == server.calls - calls


def test_nothing_to_resume_is_said_in_the_plan(asking):
    """All is planned, and why nothing is kept."""
    asking.run()
    told = planned(asking, "--ailoop-resume")
    assert "total: 3 items, 6 calls" in told
    assert "resume: nothing to resume: the last run ended complete" in told


def test_the_plan_is_what_the_run_then_does(asking, server):
    """Live calls of a plan and of the run after it are the same, for changed rows too."""
    asking.run()
    rows = [{"id": f"n{n}", "input": f"new {n}", "expected": ""} for n in range(4)]
    asking.rows([{"id": "sun", "input": "the sun", "expected": "star", "tags": ["easy"]}, *rows])
    told = planned(asking)
    assert "total: 5 items, ~10 calls, 2 answered from recordings or cache (free), ~8 live" in told
    before = server.calls
    asking.run()
    assert 8 == server.calls - before


def test_a_new_model_is_priced_before_it_is_asked(asking):
    """A model beside the one that ran: as many calls and tokens, at its own price."""
    asking.run()
    asking.eval(ASK.replace('model="m")\ndef', 'model=["m", "dear"])\ndef'))
    told = planned(asking)
    assert "3 items ~ by another model's calls of the same test" in told
    assert "dear 3 ~1.0 ~3 0 ~3 ~15 ~$6.00" in told


def test_selection_counts(asking):
    """`-k`, `--lf` and case options plan what they select."""
    asking.run()
    assert "total: 1 item, 2 calls" in planned(asking, "-k", "moon")
    assert "total: 2 items, 4 calls" in planned(asking, "--ailoop-sample=2")
    asking.eval(ASK.replace("contains(case.id)", 'contains("n")'))
    asking.run(on=["cacheprovider"]).assert_outcomes(passed=2, failed=1)
    result = asking.run("--ailoop-plan", "--lf", on=["cacheprovider"])
    result.stdout.fnmatch_lines(["total: 1 item, 2 calls, *"])


def test_a_budget_is_set_against_the_plan(asking):
    """Whether the limits are enough is said where it is known."""
    asking.run()
    (asking.path / ".ailoop/cache.db").unlink()
    told = planned(asking, "--ailoop-max-calls=4", "--ailoop-max-cost=1000")
    assert "budget: --ailoop-max-calls=4 (not enough: the run will stop), " in told
    assert "--ailoop-max-cost=1000 (enough)" in told
    assert "budget: none; --ailoop-max-cost=USD" in planned(asking)


def test_a_damaged_run_is_left_out_and_named(asking):
    """The plan goes on with the runs before it."""
    asking.run()
    asking.run()
    (asking.runs[-1] / "results.jsonl").write_text("{}\n")
    told = planned(asking)
    assert "total: 3 items, 6 calls" in told
    assert "warning: a run was left out: " in told


def test_what_cannot_be_collected_cannot_be_planned(asking):
    """An error of collection stays one: no plan, exit code 2."""
    asking.write("test_broken.py", "import nothing_of_that_name\n")
    result = asking.run("--ailoop-plan", "--continue-on-collection-errors")
    assert pytest.ExitCode.INTERRUPTED == result.ret
    assert "ailoop plan" not in result.stdout.str()


def test_tests_of_their_own_in_verbose_mode(asking):
    """`-v` has a table for each test."""
    asking.write("test_more.py", (asking.path / "test_eval.py").read_text("utf-8"))
    asking.run()
    told = planned(asking, "-v")
    assert "- test_eval.py::test_it model items" in told
    assert "- test_more.py::test_it model items" in told
    assert "- all tests model items" in told


def test_results_are_left_as_they_were(asking):
    """Planning keeps no run and changes no kept one."""
    asking.run()
    before = json.dumps(asking.results())
    planned(asking)
    assert (1, before) == (len(asking.runs), json.dumps(asking.results()))
