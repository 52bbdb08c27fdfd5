"""Bodies that run ahead, and what chooses, stops or repeats items."""

from __future__ import annotations

import pytest

from tests.fakes.crowd import gather, notes

#: Waits until {many} bodies are inside, so that it passes only where they run side by side.
EVAL = """
from crowd import Crowd, note

RED = {red}
crowd = Crowd({many})

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    note("begun", case.id)
    await crowd.meet()
    note("over", case.id)
    assert case.id not in RED
"""
ASK = """
import openai
from crowd import note

RED = {red}
client = openai.AsyncOpenAI()

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    asked = [{{"role": "user", "content": case.input}}]
    reply = await client.chat.completions.create(model="fake", messages=asked)
    assert case.id not in RED, reply
"""


def outcomes(project) -> dict[str, str]:
    return {row["key"]["case"]: row["outcome"] for row in project.results()}


def begun(project) -> list[str]:
    return [line.split()[1] for line in notes(project) if line.startswith("begun")]


def test_k_starts_no_body_that_was_not_chosen(project, workers):
    """Of twelve items those that `-k` keeps run side by side; no other body begins."""
    gather(project, 12)
    # xdist tells a worker of two items at first.
    project.eval(EVAL.format(red=[], many=2 if workers else 3))
    result = project.run("-k", "c02 or c03 or c05 or c07 or c08 or c10", *workers)
    result.assert_outcomes(passed=6)
    assert ["c02", "c03", "c05", "c07", "c08", "c10"] == sorted(begun(project))


def test_a_node_id_starts_one_body(project):
    """Named alone, an item runs alone."""
    gather(project, 4)
    project.eval(EVAL.format(red=[], many=1))
    project.run("test_eval.py::test_it[c02]").assert_outcomes(passed=1)
    assert ["c02"] == begun(project)


def test_lf_starts_what_failed(project, workers):
    """`--lf` runs the three that failed side by side, and no other."""
    gather(project, 12)
    red = ["c01", "c04", "c09"]
    project.eval(EVAL.format(red=red, many=3))
    on = ["cacheprovider"]
    project.run(on=on).assert_outcomes(passed=9, failed=3)
    (project.path / "notes.txt").unlink()
    if workers:  # One of them may get a single item.
        project.eval(EVAL.format(red=red, many=1))
    project.run("--lf", *workers, on=on).assert_outcomes(failed=3)
    assert red == sorted(begun(project))


@pytest.mark.parametrize("switch", ["-x", "--maxfail=1"])
def test_the_first_failure_ends_the_run(project, switch):
    """Reports end with the failure; at most as many bodies as fit in flight began beyond it."""
    gather(project, 20)
    project.eval(EVAL.format(red=["c03", "c04"], many=3))
    result = project.run(switch, "--ailoop-concurrency=4")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])
    assert {"c00": "passed", "c01": "passed", "c02": "passed", "c03": "failed"} == outcomes(project)
    assert {"c00", "c01", "c02", "c03"} <= set(begun(project))
    assert 8 >= len(begun(project))


def test_maxfail_counts_in_the_order_of_items(project):
    """A body that failed ahead of its turn counts in its turn: not before those in front of it."""
    gather(project, 20)
    project.eval(EVAL.format(red=["c02", "c05", "c06"], many=3))
    result = project.run("--maxfail=2", "--ailoop-concurrency=8")
    result.assert_outcomes(passed=4, failed=2)
    assert [f"c{n:02}" for n in range(6)] == list(outcomes(project))
    result.stdout.fnmatch_lines(["*stopping after 2 failures*"])


def test_x_with_workers(project):
    """`-x -n 2` ends early, too, and what was begun in vain is no failure."""
    gather(project, 20)
    project.eval(EVAL.format(red=["c00"], many=2))
    result = project.run("-x", "-n", "2")
    assert 1 == result.parseoutcomes()["failed"]
    assert "errors" not in result.parseoutcomes()
    assert 20 > len(project.results())


def test_sw_stops_and_goes_on_there(project):
    """`--sw` stops at the first failure and goes on with it, as without running ahead."""
    gather(project, 9)
    project.eval(EVAL.format(red=["c04"], many=3))
    on = ["cacheprovider"]
    result = project.run("--sw", on=on)
    result.assert_outcomes(passed=4, failed=1)
    assert [f"c{n:02}" for n in range(5)] == list(outcomes(project))
    (project.path / "notes.txt").unlink()
    project.eval(EVAL.format(red=[], many=3))
    project.run("--sw", on=on).assert_outcomes(passed=5, deselected=4)
    assert [f"c{n:02}" for n in range(4, 9)] == sorted(begun(project))


def test_replies_of_unused_bodies_are_kept(project, meeting):
    """What was paid for when `-x` ended the run is in the cache: the next run pays the rest."""
    gather(project, 12)
    meeting.wanted = 2
    project.eval(ASK.format(red=["c01", "c02", "c06", "c07"]))
    project.run("-x", "--ailoop-concurrency=4").assert_outcomes(passed=1, failed=1)
    assert 2 < meeting.calls < 12
    project.eval(ASK.format(red=[]))
    project.run().assert_outcomes(passed=12)
    assert 12 == meeting.calls


FLAKY = """
import openai
from crowd import NOTES, note, three

client = openai.AsyncOpenAI()

class TestIt:
    @pytest.mark.ailoop("cases.jsonl")
    async def test_it(self, case):
        self.tries = getattr(self, "tries", 0) + 1
        asked = [{"role": "user", "content": case.input}]
        reply = await client.chat.completions.create(model="fake", messages=asked)
        await three.meet()
        note(case.id, self.tries, reply.choices[0].message.content)
        again = [one for one in NOTES.read_text().splitlines() if one.startswith(case.id)]
        record("tries", len(again))
        assert case.id != "c01" or len(again) == 3
"""


def test_a_rerun_gets_a_fresh_body(project, meeting):
    """A body that failed ahead is run anew: a new `self`, new scores, and the same reply."""
    gather(project, 5)
    project.eval(FLAKY)
    result = project.run("--reruns=3", on=["rerunfailures"])
    result.stdout.fnmatch_lines(["*5 passed, 2 rerun*"])
    assert ["c01 1 echo: question 1"] * 3 == [one for one in notes(project) if "c01" in one]
    assert 7 == len(notes(project))
    tries = {
        row["key"]["case"]: [one["value"] for one in row["scores"] if one["name"] == "tries"]
        for row in project.results()
    }
    assert {"c00": [1], "c01": [3], "c02": [1], "c03": [1], "c04": [1]} == tries
    assert [1] * 5 == [len(row["calls"]) for row in project.results()]
    assert 5 == meeting.calls


def test_a_rerun_asks_anew_where_it_must(project, meeting):
    """With `--ailoop-replies=live` each attempt asks the model."""
    gather(project, 5)
    project.eval(FLAKY)
    project.run("--reruns=3", "--ailoop-replies=live", on=["rerunfailures"]).assert_outcomes(
        passed=5
    )
    assert 7 == meeting.calls


def test_a_rerun_after_a_fault_asks_anew(project, meeting):
    """A call that failed ahead of its turn is asked again by the rerun, and none but it."""
    gather(project, 6)
    project.eval(ASK.format(red=[]).replace("AsyncOpenAI()", "AsyncOpenAI(max_retries=0)"))
    meeting.fail_next(400)
    result = project.run("--reruns=1", on=["rerunfailures"])
    result.stdout.fnmatch_lines(["*6 passed, 1 rerun*"])
    assert 7 == meeting.calls
