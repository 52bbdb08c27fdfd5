"""With xdist workers: the same bytes as in one process, and lost items named."""

from __future__ import annotations

import json
import shutil

import pytest

MANY = """
import asyncio

@pytest.mark.ailoop(dataset="cases.jsonl", model=["big", "mini"], prompt=["kind.md", "terse.md"])
async def test_prompts(case, model, prompt):
    await asyncio.sleep(0)
    text = prompt.render(it=case.input).messages[0]["content"]
    expect(text).to(contains(case.input))
    expect(f"{model} {text}").to(contains("big"))
    record("length", len(text))

@pytest.mark.ailoop(dataset="cases.jsonl", trials=3, params={"heat": [0, 1]})
def test_trials(case, trial, heat):
    label = case.expected if trial < 3 or heat == 0 else "comet"
    expect(label).to(classifies_as(case.expected, labels=["star", "moon", "planet", "comet"]))

class TestOdd:
    @pytest.mark.ailoop(dataset="cases.jsonl")
    def test_it(self, case):
        if case.id == "sun":
            pytest.skip("too hot")
        if case.id == "moon":
            raise RuntimeError("no such place")
        str(case)

@pytest.mark.parametrize("tone", ["moonlike", "sunny"])
@pytest.mark.xfail(strict=False)
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_tones(case, tone):
    assert tone.startswith(case.id)

def test_ordinary():
    pass
"""


def ran(project, *args):
    """Run with *args*; return what must not depend on the number of workers."""
    for name in (".ailoop", "__snapshots__"):
        shutil.rmtree(project.path / name, ignore_errors=True)
    result = project.run("--snapshot-update", "--color=no", *args)
    section = result.stdout.str().partition("= ailoop =")[2].partition("\nrun: ")[0]
    run = project.run_json()
    for name in ("id", "started", "duration"):
        del run[name]
    del run["options"]["arguments"]
    return {
        "status": result.ret,
        "section": section,
        "baseline": project.baseline().read_text("utf-8"),
        "results": (project.runs[-1] / "results.jsonl").read_text("utf-8"),
        "run": json.dumps(run),
    }


@pytest.fixture
def many(project):
    """Evals of all kinds: async, classes, axes, trials, labels, skips, errors, xfails."""
    project.write("kind.md", "Kindly: what is {{ it }}?\n")
    project.write("terse.md", "{{ it }}?\n")
    project.eval(MANY)
    return project


def test_any_number_of_workers_gives_the_same_bytes(many):
    """Baseline, results, run record, section and exit code are the same for -n 0, 2 and 4."""
    alone = ran(many, "-v")
    assert 3 * (4 + 6 + 1 + 2) == alone["results"].count("\n")
    assert alone["section"].count("\n") > 30
    assert alone == ran(many, "-v", "-n", "2")
    assert alone == ran(many, "-v", "-n", "4")


@pytest.mark.parametrize("dist", ["loadfile", "worksteal"])
def test_how_tests_are_spread_changes_nothing(many, dist):
    """Other ways to spread tests over workers give the same bytes too."""
    shutil.copy(many.path / "test_eval.py", many.path / "test_more.py")
    assert ran(many) == ran(many, "-n", "2", f"--dist={dist}")


CRASH = """
import os

@pytest.mark.ailoop(dataset="cases.jsonl", trials=2)
def test_it(case, trial):
    if (case.id, trial) == ("moon", 1) and os.path.exists("crash"):
        os._exit(3)
    expect(case.expected).to(contains(case.expected))
"""


@pytest.fixture
def crashing(planets):
    """An accepted baseline, a row that left, and a test that takes its worker down."""
    planets.project.eval(CRASH)
    planets.accept()
    planets.project.rows(
        [{"id": name, "input": name, "expected": name} for name in ("sun", "moon")]
    )
    planets.project.write("crash", "")
    return planets


@pytest.mark.parametrize(
    ("args", "missing"),
    [
        (("-n", "2"), ["test_it moon 1"]),
        (("-n", "1", "--max-worker-restart=0"), ["test_it moon 1", "test_it moon 2"]),
    ],
)
def test_a_crashed_workers_items_are_named(crashing, args, missing):
    """What a crash took away is named; the run is incomplete, red, and prunes nothing."""
    before = [line for line in crashing.lines if '"case": "sun"' not in line][2:]
    # syrupy warns of the worker that it did not hear from; warnings are errors out here.
    result = crashing.project.run("--snapshot-update", "-W", "default", *args)
    assert 0 != result.ret
    assert set(missing) <= set(crashing.ended["missing"])
    assert any("crashed" in one for one in crashing.ended["incomplete"])
    result.stdout.fnmatch_lines(
        ["without a result: *", "  - test_it[[]moon]", "incomplete: *crash*"]
    )
    assert before == [line for line in crashing.lines if '"case": "sun"' not in line][2:]


def test_a_crash_before_any_result_is_told(crashing):
    """A worker that dies in the first eval still leaves the plan: all items are named."""
    crashing.project.rows([{"id": "moon", "input": "moon", "expected": "moon"}])
    result = crashing.project.run("-n", "1", "--max-worker-restart=0", "-W", "default")
    assert 0 != result.ret
    assert ["test_it moon 1", "test_it moon 2"] == crashing.ended["missing"]
    result.stdout.fnmatch_lines(["without a result: 2 of 2 items"])


def test_a_collection_fault_reaches_the_controller(many):
    """A module that no worker can import makes the run red; there is no half comparison."""
    many.write("test_broken.py", "import nothing_of_this_name\n")
    result = many.run("-n", "2")
    assert 0 != result.ret
    result.stdout.fnmatch_lines(["*nothing_of_this_name*"])
    assert "INTERNALERROR" not in result.stdout.str()


def test_a_marked_unittest_method_is_refused_by_the_controller(project):
    """A usage fault that only workers saw ends the session red, with its words."""
    project.eval(
        """
import unittest

class TestIt(unittest.TestCase):
    @pytest.mark.ailoop(dataset="cases.jsonl")
    def test_it(self):
        pass
"""
    )
    result = project.run("-n", "2")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["ailoop: *the marker ailoop works on pytest*", "*not on*"])
