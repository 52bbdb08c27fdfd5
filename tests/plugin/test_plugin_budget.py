"""A budget that ends a run in time: what is left out, what is kept, and how it is told."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.fakes import priced
from tests.fakes.openai_server import FakeServer
from tests.fakes.priced import ASK

TABLE = (
    priced.TABLE
    + """
[tool.ailoop]
judge = "judge"
[tool.ailoop.models.judge]
model = "dear"
base_url = "{url}"
price = {{ input = 0.0, output = 0.0 }}
[tool.ailoop.models.unpriced]
model = "unheard-of"
base_url = "{url}"
"""
)

APP = """
import openai

client = openai.OpenAI(base_url="{url}", api_key="x", max_retries=2)

def answer(question):
    message = {{"role": "user", "content": question}}
    try:
        reply = client.chat.completions.create(model="fake", messages=[message])
    except Exception:
        return f"sorry, no answer to {{question}}"
    return reply.choices[0].message.content

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_app(case):
    assert case.input in answer(case.input)
"""


@pytest.fixture
def asking(project: Any, server: FakeServer) -> Any:
    """A project with twelve cases and an eval that asks the server once a case."""
    priced.ask(project, server.url, cases=12, table=TABLE)
    return project


def section(result: pytest.RunResult) -> str:
    """Return the section with its wrapped lines joined."""
    return " ".join(result.stdout.str().partition("= ailoop =")[2].split())


def test_calls_stop_and_the_rest_is_not_measured(asking, server, workers):
    """The limit is kept to the call; items without a call are missing, not failed, exit code 2."""
    result = asking.run("--ailoop-max-calls=5", "--ailoop-concurrency=2", *workers)
    assert 5 == server.calls
    assert pytest.ExitCode.INTERRUPTED == result.ret
    assert {"passed": 5, "not measured": 7}.items() <= outcomes(result).items()
    assert 5 == len(asking.results())
    run = asking.run_json()
    assert {"missing": 7, "passed": 5} == run["counts"]
    assert 2 == run["exit_status"]
    words = "stopped by --ailoop-max-calls=5: 5 calls made, 7 of 12 items not measured"
    assert [words] == run["plan"]["narrowed"]
    assert f"incomplete: {words}" in section(result)
    result.stdout.fnmatch_lines([f"!*{words}*!", "*5 passed, 7 not measured in *"])


def outcomes(result: pytest.RunResult) -> dict[str, int]:
    """Return pytest's last line as numbers."""
    last = result.outlines[-1].strip("= ").rpartition(" in ")[0]
    return {word: int(count) for count, _, word in (one.partition(" ") for one in last.split(", "))}


def test_what_was_answered_is_not_asked_again(asking, server, workers):
    """The same command goes on: each run makes as many calls as it may, the last one none."""
    limits = ("--ailoop-max-calls=5", "--ailoop-concurrency=2", *workers)
    assert [2, 2, 0, 0] == [int(asking.run(*limits).ret) for _ in range(4)]
    assert 12 == server.calls
    assert 12 == len(asking.results())


def test_cached_items_run_after_the_stop(asking, server):
    """Items that need no live call are measured although the budget is spent before them."""
    asking.run("--ailoop-case=c11").assert_outcomes(passed=1)
    result = asking.run("--ailoop-max-calls=0")
    assert ["c11"] == [row["key"]["case"] for row in asking.results()]
    assert {"passed": 1, "not measured": 11}.items() <= outcomes(result).items()
    assert 1 == server.calls


def test_a_limit_that_is_just_enough_stops_nothing(asking):
    """As many calls as allowed is a complete run."""
    result = asking.run("--ailoop-max-calls=12")
    assert 0 == result.ret
    assert [] == asking.run_json()["plan"]["narrowed"]


def test_eight_workers_keep_one_limit(asking, server):
    """With eight workers exactly as many calls go out as allowed, and nothing of them is left."""
    asking.rows([{"id": f"c{n:02}", "input": f"q{n:02}"} for n in range(40)])
    result = asking.run("--ailoop-max-calls=17", "-n", "8")
    assert 17 == server.calls
    assert 23 == outcomes(result)["not measured"]
    assert [] == list((asking.path / ".ailoop").glob("session-*"))


def test_cost_passes_the_limit_by_no_more_than_is_in_flight(asking, server, workers):
    """A call costs $0.20 here; over the limit go at most the calls that were in flight."""
    asking.rows([{"id": f"c{n:02}", "input": f"q{n:02}"} for n in range(40)])
    result = asking.run("--ailoop-max-cost=2", "--ailoop-concurrency=8", *workers)
    assert 10 <= server.calls <= 18
    assert pytest.ExitCode.INTERRUPTED == result.ret
    asked = f"{server.calls} calls made for ${server.calls * 2 / 10:g}"
    assert f"stopped by --ailoop-max-cost=2: {asked}" in section(result)


MANY = """
import asyncio

@pytest.mark.ailoop(model="m")
async def test_it(llm):
    await asyncio.gather(*[llm(f"what {n:02}") for n in range(30)], return_exceptions=True)
    assert True
"""


def test_who_waits_for_a_place_is_not_in_flight(asking, server):
    """Calls that wait behind the concurrency limit when the budget is spent do not go out."""
    asking.eval(MANY)
    result = asking.run("--ailoop-max-cost=1", "--ailoop-concurrency=2")
    assert 5 <= server.calls <= 7
    assert {"not measured": 1} == outcomes(result)


def test_one_at_a_time_cost_is_never_passed(asking, server):
    """With one call in flight the limit of cost is exact."""
    asking.run("--ailoop-max-cost=1", "--ailoop-concurrency=1", "--ailoop-lookahead=0")
    assert 5 == server.calls


def test_a_model_without_a_price_is_refused(asking, server):
    """`--ailoop-max-cost` asks no model whose price it does not know, and says how to give one."""
    asking.eval(ASK.replace('"m"', '["m", "unpriced"]'))
    result = asking.run("--ailoop-max-cost=100")
    assert 12 == server.calls
    assert {"fake"} == {one["body"]["model"] for one in server.requests}
    assert pytest.ExitCode.INTERRUPTED == result.ret
    told = section(result)
    assert "12 of 24 items not measured: not asked: the price of model 'unheard-of'" in told
    assert "price = { input = 0.25, output = 2.0 }" in told


def test_time_stops_new_calls(asking, server, workers):
    """Once the time is over no call starts; the run is incomplete, and says so."""
    result = asking.run("--ailoop-max-time=0.001", *workers)
    assert 0 == server.calls
    assert pytest.ExitCode.INTERRUPTED == result.ret
    assert "stopped by --ailoop-max-time=0.001s: 0 calls made, 12 of 12" in section(result)


def test_an_application_that_swallows_the_refusal_is_not_measured(asking, server, workers):
    """An answer made up for a call that was refused counts for nothing; nothing is tried again."""
    asking.eval(APP.format(url=server.url))
    result = asking.run("--ailoop-max-calls=4", *workers)
    assert 4 == server.calls
    assert {"passed": 4, "not measured": 8}.items() <= outcomes(result).items()
    assert 2 == result.ret


def test_a_refused_judge_leaves_its_item_out(asking, server):
    """An item whose judge could not be asked is not measured; its paid reply stays in the cache."""
    judged = '    await expect(case.input).to(judge("is it a question?"), at_least=0)\n'
    asking.eval(ASK + judged)
    asking.run("--ailoop-max-calls=1", "--ailoop-lookahead=0", "--ailoop-case=c00")
    assert ["fake"] == [one["body"]["model"] for one in server.requests]
    assert [] == asking.results()
    asking.run("--ailoop-case=c00")
    assert ["fake", "dear"] == [one["body"]["model"] for one in server.requests]


@pytest.mark.parametrize("mark", ["xfail(strict=True)", "xfail(strict=False)", "flaky(reruns=2)"])
def test_marks_do_not_hide_it(asking, mark):
    """Neither `xfail` nor reruns make something else of an item that was not measured."""
    asking.eval(f"@pytest.mark.{mark}{ASK}")
    result = asking.run("--ailoop-max-calls=0", "--junitxml=out.xml", on=["rerunfailures"])
    assert {"not measured": 12} == outcomes(result)
    root = ElementTree.parse(asking.path / "out.xml").getroot()
    assert {"pytest.skip"} == {one.get("type") for one in root.iter("skipped")}
    assert 2 == result.ret


def test_failures_stay_failures(asking, workers):
    """What failed before the stop is a failure; `-x` does not take the others for failures."""
    asking.eval(ASK.replace("contains(case.input)", 'contains("nothing of the kind")'))
    result = asking.run("--ailoop-max-calls=2", "--ailoop-concurrency=1", *workers)
    assert {"failed": 2, "not measured": 10}.items() <= outcomes(result).items()
    assert 2 == result.ret
    result = asking.run("--ailoop-max-calls=0", "--ailoop-case=c11", "-x")
    assert "stopped early" not in section(result)


def test_lf_keeps_what_was_not_measured(asking):
    """An item that failed and then was not measured is still one of the last failed."""
    asking.eval(ASK.replace("contains(case.input)", 'contains("nothing")'))
    picked = ("--ailoop-case=c01", "--ailoop-case=c02")
    asking.run(*picked, on=["cacheprovider"])
    (asking.path / ".ailoop/cache.db").unlink()
    asking.run("--lf", "--ailoop-max-calls=1", "--ailoop-concurrency=1", on=["cacheprovider"])
    kept = asking.path / ".pytest_cache/v/cache/lastfailed"
    assert 2 == len(json.loads(kept.read_text("utf-8")))


def test_junit_names_them(asking, workers):
    """In junit they are skipped, with the limit as the reason."""
    asking.run("--ailoop-max-calls=3", "--ailoop-concurrency=1", "--junitxml=out.xml", *workers)
    root = ElementTree.parse(asking.path / "out.xml").getroot()[0]
    assert ("12", "9", "0", "0") == tuple(
        root.get(name) for name in ("tests", "skipped", "failures", "errors")
    )
    reasons = {one.get("message") for one in root.iter("skipped")}
    assert {"not asked: --ailoop-max-calls=3 is reached"} == reasons


def test_a_stopped_run_prunes_nothing(asking):
    """Accepting a stopped run takes what it measured and leaves the lines of all other cases."""
    asking.run("--snapshot-update")
    before = asking.baseline().read_text("utf-8")
    (asking.path / ".ailoop/cache.db").unlink()
    result = asking.run("--snapshot-update", "--ailoop-max-calls=3", "--ailoop-concurrency=1")
    assert before == asking.baseline().read_text("utf-8")
    assert "--ailoop-resume (goes on with what is left)" in section(result)


def test_recording_a_part_drops_nothing(asking, server):
    """`record` under a budget adds what was answered and keeps the other recordings."""
    asking.run("--ailoop-replies=record")
    path = asking.path / "__recordings__/test_eval.jsonl"
    assert 13 == len(path.read_text("utf-8").splitlines())
    asking.run("--ailoop-replies=record", "--ailoop-max-calls=3")
    assert 13 == len(path.read_text("utf-8").splitlines())
    assert 15 == server.calls
