"""The marker: merged, checked, and crossed into items with stable ids."""

from __future__ import annotations

import pytest

PASSING = """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    expect(case.expected).to(contains(case.expected))
"""


def test_one_item_a_case(project, workers):
    """Each row is an item whose id is the row's."""
    project.eval(PASSING)
    result = project.run("-v", *workers)
    result.assert_outcomes(passed=3)
    assert {row["nodeid"] for row in project.results()} == {
        "test_eval.py::test_it[sun]",
        "test_eval.py::test_it[moon]",
        "test_eval.py::test_it[mars]",
    }


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        (
            'datset="cases.jsonl"',
            "test_eval.py::test_it: marker ailoop: unknown keyword 'datset'; "
            "did you mean 'dataset'?",
        ),
        (
            "dataset='cases.jsonl', trials=0",
            "trials= expects a whole number of at least 1, or 'auto', got 0",
        ),
        (
            "dataset='cases.jsonl', model=[]",
            "model= expects a name or a list of different names, got []",
        ),
        (
            "dataset='cases.jsonl', model=['a', 'a']",
            "model= expects a name or a list of different names, got ['a', 'a']",
        ),
        (
            "dataset='cases.jsonl', params=[1]",
            "params= expects a mapping of axis names to lists of values",
        ),
        ("dataset='cases.jsonl', case_type=3", "case_type= expects a pydantic model class, got 3"),
        (
            "dataset='cases.jsonl', fields=['a']",
            "fields= expects a mapping of meaning to column, like {'input': 'question'}",
        ),
        (
            "dataset='cases.jsonl', gate=[0.9]",
            "gate= expects a gate or a list of different gates, like [pass_rate(0.9), "
            "no_regression()], got [0.9]",
        ),
        ("", "the test takes `case`, but its marker names no data set"),
    ],
)
def test_marker_faults_are_usage_errors(project, marker, message):
    """What the marker says wrongly ends the session with status 4, the test's name and advice."""
    project.eval(PASSING.replace('dataset="cases.jsonl"', marker))
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message.replace('[', '[[]')}*"])


def test_marker_fault_under_xdist(project):
    """A worker reports a marker fault as a collection error; the controller lives."""
    project.eval(PASSING.replace("dataset=", "datset="))
    result = project.run("-n", "2")
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED)
    result.stdout.fnmatch_lines(["*unknown keyword 'datset'; did you mean 'dataset'*"])
    assert "INTERNALERROR" not in result.stdout.str()


def test_nearest_marker_wins(project):
    """Keywords merge from module and class to function; the nearest of each wins."""
    project.eval(
        """
pytestmark = ailoop("cases.jsonl", trials=2, params={"x": [1]})

@pytest.mark.ailoop(params={"x": [1, 2]})
class TestIt:
    @pytest.mark.ailoop(trials=1)
    def test_near(self, case, x):
        record("x", x)

def test_far(case, trial, x):
    record("trial", trial)
"""
    )
    result = project.run("--collect-only", "-q")
    listed = [line for line in result.outlines if "::" in line]
    assert listed[:6] == [
        f"test_eval.py::TestIt::test_near[{case}-x_{x}]"
        for case in ("sun", "moon", "mars")
        for x in (1, 2)
    ]
    assert listed[6:8] == [
        "test_eval.py::test_far[sun-x_1-r1]",
        "test_eval.py::test_far[sun-x_1-r2]",
    ]
    assert len(listed) == 12


def test_ordinary_parametrize_beside_it(project, workers):
    """`parametrize` multiplies the items; each of its values is a test of its own in the run."""
    project.eval(
        """
@pytest.mark.parametrize("tone", ["kind", "terse"])
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case, tone):
    record("length", len(tone))
"""
    )
    project.run(*workers).assert_outcomes(passed=6)
    assert {row["key"]["test"] for row in project.results()} == {"test_it[kind]", "test_it[terse]"}


def test_async_functions_need_no_other_plugin(project, workers):
    """An `async def` eval runs by itself, on a loop that lives as long as the session."""
    project.eval(
        """
import asyncio
loops = set()

@pytest.mark.ailoop(dataset="cases.jsonl")
async def test_it(case):
    await asyncio.sleep(0)
    loops.add(id(asyncio.get_running_loop()))
    assert len(loops) == 1
"""
    )
    project.run(*workers).assert_outcomes(passed=3)


def test_names_of_a_conftest_win(project):
    """A fixture of the user's with one of our names is theirs."""
    project.write(
        "conftest.py", "import pytest\n@pytest.fixture\ndef model():\n    return 'mine'\n"
    )
    project.eval(
        """
@pytest.mark.ailoop(dataset="cases.jsonl", model=["a", "b"])
def test_it(case, model):
    assert model == "mine"
"""
    )
    project.run().assert_outcomes(passed=6)


def test_outside_of_evals_fixtures_say_what_is_missing(project):
    """An ordinary test that takes one of our fixtures is told to bear the marker."""
    project.eval("def test_it(case):\n    pass\n")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'case' belongs to evals: mark the test with*"])


def test_without_a_data_set_there_is_one_case(project):
    """A marked test without a data set is one item with one case."""
    project.eval("@pytest.mark.ailoop\ndef test_it():\n    record('answer', 42)\n")
    project.run().assert_outcomes(passed=1)
    assert [row["key"]["case"] for row in project.results()] == ["only"]


def test_marked_unittest_method_is_refused(project):
    """A test that cannot become an eval is refused, not run unmeasured."""
    project.eval(
        """
import unittest

class TestIt(unittest.TestCase):
    @pytest.mark.ailoop(dataset="cases.jsonl")
    def test_it(self):
        pass

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_other(case):
    assert case
"""
    )
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*works on pytest functions*not on TestCaseFunction*"])


def test_strict_markers(project):
    """The marker is registered, so `--strict-markers` accepts it."""
    project.eval(PASSING)
    project.run("--strict-markers").assert_outcomes(passed=3)


def test_data_fault_is_a_collection_error(project, workers):
    """A fault in a data file is an error of collecting the module, with file and line."""
    project.write("cases.jsonl", '{"id": "a", "input": 1}\n{"id": \n')
    project.eval(PASSING)
    result = project.run(*workers)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*cases.jsonl:2*"])
    assert "Traceback" not in result.stdout.str()
