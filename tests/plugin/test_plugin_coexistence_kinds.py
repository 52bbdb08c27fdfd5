"""Beside pytest's other kinds of test: subtests, unittest, doctests."""

from __future__ import annotations

MARK = '@pytest.mark.ailoop(dataset="cases.jsonl")\n'


def test_subtests(project, workers):
    """A failed subtest makes its item red; the scores of all subtests are the item's, once."""
    project.eval(
        f"""
{MARK}def test_it(case, subtests):
    for word in ("the", "m"):
        with subtests.test(word=word):
            record(word, case.input.count(word))
            assert word in case.input
    record("end", 1)
"""
    )
    result = project.run("--junit-xml=out.xml", *workers)
    result.stdout.fnmatch_lines(["*4 failed, 1 passed*"])
    rows = project.results()
    assert [row["outcome"] for row in rows] == ["failed", "passed", "failed"]
    assert [[score["name"] for score in row["scores"]] for row in rows] == [
        ["the", "m", "end", "passed"]
    ] * 3
    assert (project.path / "out.xml").read_text("utf-8").count('name="ailoop.end"') == 3


def test_other_kinds_of_test(project):
    """unittest cases, doctests and text doctests run beside evals, unmeasured."""
    project.write("test_notes.txt", ">>> 1 + 1\n2\n")
    project.eval(
        f'''
import unittest

class TestOld(unittest.TestCase):
    def setUp(self):
        self.ready = True

    def test_old(self):
        with self.subTest("inner"):
            self.assertTrue(self.ready)

def helper():
    """Help.

    >>> helper()
    'helped'
    """
    return "helped"

{MARK}def test_it(case):
    """An eval with an example.

    >>> 2 + 2
    4
    """
    assert helper()
'''
    )
    result = project.run("--doctest-modules")
    result.stdout.fnmatch_lines(["*7 passed*"])
    assert [row["outcome"] for row in project.results()] == ["passed"] * 3


def test_doctests_below_a_modules_mark(project):
    """A module that is marked as a whole may hold doctests: they are no evals, and no fault."""
    project.eval(
        '''
pytestmark = pytest.mark.ailoop(dataset="cases.jsonl")

def helper():
    """Help.

    >>> helper()
    'helped'
    """
    return "helped"

def test_it(case):
    assert helper()
'''
    )
    project.run("--doctest-modules").assert_outcomes(passed=4)
    assert len(project.results()) == 3


def test_a_subtest_that_could_not_be_measured(project):
    """What kept a subtest from its measure is an error of the item, not a failure."""
    project.eval(
        f"""
import openai

{MARK}def test_it(case, subtests):
    with subtests.test():
        raise openai.APIConnectionError(request=None)
    assert case
"""
    )
    project.run()
    assert [row["outcome"] for row in project.results()] == ["error"] * 3
    assert project.run_json()["counts"]["error"] == 3
