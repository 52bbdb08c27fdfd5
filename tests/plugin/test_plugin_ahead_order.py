"""The order of items and what stands between them, beside bodies that run ahead."""

from __future__ import annotations

from tests.fakes.crowd import gather, notes

ORDINARY = """
import os
from crowd import note, two

@pytest.fixture(scope="module")
def wide():
    note("wide up")
    return 1

@pytest.mark.ailoop("cases.jsonl")
async def test_first(case):
    await two.meet()
    note("eval", os.environ.get("PLACE"))
    assert case

def test_ordinary(monkeypatch):
    monkeypatch.setenv("PLACE", "elsewhere")
    note("ordinary", os.environ["PLACE"])

@pytest.mark.ailoop("cases.jsonl")
async def test_second(case):
    note("eval", os.environ.get("PLACE"))
    assert case

def test_sets_up(wide):
    note("ordinary")

@pytest.mark.ailoop("cases.jsonl")
def test_third(case, wide):
    note("with", wide)
    assert case
"""


def test_ordinary_tests_in_between(project, workers):
    """What an ordinary test changes for its time reaches no eval; what it sets up, those after."""
    gather(project, 3)
    # A worker may get one of the first alone.
    project.eval(ORDINARY.replace("await two.meet()", "pass") if workers else ORDINARY)
    result = project.run("-v", *workers)
    result.assert_outcomes(passed=11)
    assert {"eval None", "with 1"} == {
        one for one in notes(project) if one.startswith(("eval", "with"))
    }
    if not workers:
        found = list(notes(project))
        assert found.index("wide up") < found.index("with 1")
        shown = [line.split("::")[1] for line in result.outlines if line.startswith("test_eval")]
        kinds = [line.partition("[")[0].split()[0] for line in shown]
        assert [
            *["test_first"] * 3,
            "test_ordinary",
            *["test_second"] * 3,
            "test_sets_up",
            *["test_third"] * 3,
        ] == kinds


def test_a_wider_fixture_that_fails(project):
    """Each item that asks for it is an error, once; no body of theirs begins."""
    gather(project, 3)
    project.eval(
        """
from crowd import note, three

@pytest.fixture(scope="module")
def wide():
    raise RuntimeError("broken")

@pytest.mark.ailoop("cases.jsonl")
async def test_first(case):
    await three.meet()
    assert case

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case, wide):
    note("must not run")
    assert case
"""
    )
    project.run().assert_outcomes(passed=3, errors=3)
    assert [] == notes(project)


def test_a_random_order(project):
    """pytest-randomly's order is that of the reports, and bodies overlap all the same."""
    gather(project, 5)
    project.eval(
        """
from crowd import three

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await three.meet()
    assert case
"""
    )
    orders = set()
    for seed in ("1", "2", "3"):
        result = project.run("-v", f"--randomly-seed={seed}", on=["randomly"])
        result.assert_outcomes(passed=5)
        shown = [line.split()[0] for line in result.outlines if line.startswith("test_eval.py::")]
        assert 5 == len(set(shown))
        orders.add(tuple(shown))
    assert len(orders) > 1
