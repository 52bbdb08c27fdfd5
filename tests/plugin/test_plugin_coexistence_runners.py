"""Beside plugins that change how tests are run: shuffled, cut off, tried again."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

EVALS = """
@pytest.mark.ailoop(dataset="cases.jsonl", trials=2)
def test_length(case, trial):
    record("length", len(case.input))
    expect(case.input).to(contains("the"))

@pytest.mark.parametrize("word", ["sun", "mars"])
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_word(case, word):
    expect(case.input).to(contains(word), at_least=0.0)

def test_ordinary():
    pass
"""


def bare(project) -> list[dict]:
    """Return the last run's records without what a clock says."""
    return [{**row, "duration": 0} for row in project.results()]


def test_a_shuffled_run_says_the_same(project, workers):
    """pytest-randomly's order changes neither records nor baseline, with and without workers."""
    project.eval(EVALS)
    project.run("--ailoop-accept=new,improved,regressed")
    straight, baseline = bare(project), project.baseline().read_bytes()
    project.baseline().unlink()
    orders = set()
    for seed in ("1",) if workers else ("1", "7"):
        result = project.run(
            "-v",
            f"--randomly-seed={seed}",
            "--ailoop-accept=new,improved,regressed",
            *workers,
            on=["randomly"],
        )
        lines = [line for line in result.outlines if "::" in line and "ED" in line]
        orders.add(tuple(line.split()[0] for line in lines))
        assert bare(project) == straight
        assert project.baseline().read_bytes() == baseline
        project.baseline().unlink()
    assert workers or len(orders) == 2


def test_the_sample_does_not_follow_randomly(project):
    """The seed of the sample is ours alone: a shuffled run draws the same cases."""
    project.eval('@pytest.mark.ailoop("cases.jsonl")\ndef test_it(case):\n    assert case\n')
    drawn = set()
    for seed in ("1", "2", "3"):
        project.run("--ailoop-sample=2", f"--randomly-seed={seed}", on=["randomly"])
        drawn.add(tuple(sorted(row["key"]["case"] for row in project.results())))
    assert len(drawn) == 1


HANGING = """
import asyncio
import time

@pytest.mark.ailoop("cases.jsonl")
def test_sync(case):
    record("before", 1)
    if case.id == "sun":
        time.sleep(30)
    assert case

@pytest.mark.ailoop("cases.jsonl")
async def test_async(case):
    record("before", 1)
    if case.id == "sun":
        await asyncio.sleep(30)
    assert case
"""


@pytest.mark.parametrize("others", [[], ["asyncio"]], ids=["own loop", "pytest-asyncio"])
def test_a_hanging_eval_is_cut(project, others):
    """pytest-timeout's signal makes the hanging item red and recorded; the others go on."""
    project.eval(HANGING)
    mode = ("--asyncio-mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
    result = project.run_apart(
        "--timeout=1", "--timeout-method=signal", *(mode if others else ()), on=others
    )
    result.assert_outcomes(passed=4, failed=2)
    assert "never awaited" not in result.stderr.str()
    rows = project.results()
    assert [row["outcome"] for row in rows] == ["failed", "passed", "passed"] * 2
    assert "Timeout" in rows[0]["fault"]["message"]
    assert [score["name"] for score in rows[0]["scores"]] == ["before", "passed"]
    assert rows[0]["scores"][-1]["value"] == 0.0


def test_a_cut_body_does_not_go_on(project):
    """What was cut off is cancelled: it neither calls nor scores while the next item runs."""
    project.eval(
        """
import asyncio

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    if case.id == "sun":
        try:
            await asyncio.sleep(1.2)
            record("late", 1)
        finally:
            record("ended", 1)
    await asyncio.sleep(0.3)
    assert case
"""
    )
    result = project.run_apart("--timeout=1", "--timeout-method=signal", "-W", "error")
    result.assert_outcomes(passed=2, failed=1)
    names = [[score["name"] for score in row["scores"]] for row in project.results()]
    assert names == [["ended", "passed"], ["passed"], ["passed"]]


def test_a_hanging_eval_ends_the_process_by_thread(project):
    """The thread method ends the process, as always: no run is taken for whole."""
    project.eval(HANGING)
    result = project.run_apart(
        "--timeout=1", "--timeout-method=thread", "--ailoop-accept=new", "-k", "test_sync"
    )
    assert result.ret != 0
    assert "Timeout" in result.stdout.str() + result.stderr.str()
    assert not project.baseline().exists()
    assert project.runs == []


def test_a_hanging_eval_costs_a_worker(project):
    """Under xdist the thread method ends one worker: the lost items are named as missing."""
    project.eval(HANGING)
    result = project.run_apart(
        *("--timeout=1", "--timeout-method=thread", "-n", "1", "--max-worker-restart=0"),
        *("-k", "test_sync", "--ailoop-accept=new,prune"),
    )
    assert result.ret != 0
    assert project.run_json()["counts"]["missing"] >= 1
    result.stdout.fnmatch_lines(["*incomplete*"])


FLAKY = """
import pathlib

@pytest.mark.ailoop("cases.jsonl")
def test_flaky(case, request, trace):
    counter = pathlib.Path(request.path.parent, f"attempts-{case.id}")
    attempt = len(counter.read_text()) + 1 if counter.exists() else 1
    counter.write_text("x" * attempt)
    record("attempt", attempt)
    expect(case.id).to(equals("sun"), at_least=0.0, name="is sun")
    expect(str(attempt)).to(equals("3" if case.id == "sun" else "1"), name="right try")
"""


def test_only_the_last_attempt_counts(project, workers):
    """A rerun starts with a fresh notebook; its record replaces the one of the failed attempt."""
    project.eval(FLAKY)
    result = project.run(
        *("--reruns=2", "--ailoop-accept=new", "--junit-xml=out.xml"),
        *workers,
        on=["rerunfailures"],
    )
    result.stdout.fnmatch_lines(["*3 passed, 2 rerun*"])
    rows = {row["key"]["case"]: row for row in project.results()}
    assert {name: row["outcome"] for name, row in rows.items()} == dict.fromkeys(rows, "passed")
    sun = {score["name"]: score["value"] for score in rows["sun"]["scores"]}
    assert sun == {"attempt": 3, "is sun": 1, "right try": 1, "passed": 1}
    assert len(rows["sun"]["scores"]) == len(rows["moon"]["scores"]) == 4
    assert len(rows["sun"]["expectations"]) == 2
    text = project.baseline().read_text("utf-8")
    assert '"n":1' in text.replace(" ", "")
    assert '"n":3' not in text.replace(" ", "")
    for case in ElementTree.parse(project.path / "out.xml").iter("testcase"):
        names = [one.get("name") for one in case.iter("property")]
        assert len(names) == len(set(names)), case.get("name")


def test_an_eval_that_stays_red(project):
    """When no attempt helps, the last one is the record, and the item is red once."""
    project.eval('@pytest.mark.ailoop\ndef test_it():\n    expect("a").to(equals("b"))\n')
    result = project.run("--reruns=2", on=["rerunfailures"])
    result.stdout.fnmatch_lines(["*1 failed, 2 rerun*"])
    (row,) = project.results()
    assert [one["name"] for one in row["scores"]] == ["equals", "passed"]
    assert project.run_json()["counts"]["failed"] == 1


def test_an_error_of_the_infrastructure_is_tried_again(project):
    """Reruns cover what could not be measured as well as what was missed."""
    project.eval(
        """
import pathlib

@pytest.mark.ailoop
def test_it(request):
    counter = pathlib.Path(request.path.parent, "attempt")
    first = not counter.exists()
    counter.write_text("x")

    def check(value):
        return 1 / (not first) == 1

    expect("a").to(check)
"""
    )
    result = project.run("--reruns=1", on=["rerunfailures"])
    result.stdout.fnmatch_lines(["*1 passed, 1 rerun*"])
    assert [row["outcome"] for row in project.results()] == ["passed"]
