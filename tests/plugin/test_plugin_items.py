"""An item's end: what makes it red, and with which words."""

from __future__ import annotations

import pytest


def body(text: str, head: str = "def test_it(case):") -> str:
    lines = "".join(f"    {line}\n" for line in text.strip().splitlines())
    return f'@pytest.mark.ailoop(dataset="cases.jsonl")\n{head}\n{lines}'


def test_all_missed_expectations_are_told(project, workers):
    """Expectations are soft: the item fails at its end with every one of them."""
    project.eval(
        body(
            """
expect("a big star").to(contains("star"))
expect("a big star").to(contains("planet"))
expect("a big star").to(contains("comet"))
"""
        )
    )
    result = project.run("--ailoop-case=sun", *workers)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*2 of 3 expectations missed*", "*planet*", "*comet*"])
    (row,) = project.results()
    assert [one["standing"] for one in row["expectations"]] == ["met", "missed", "missed"]
    assert row["outcome"] == "failed"


def test_hard_expectation_stops(project):
    """`hard=True` ends the body at once."""
    project.eval(
        body(
            """
expect("a").to(contains("b"), hard=True)
record("never", 1)
"""
        )
    )
    project.run("--ailoop-case=sun").assert_outcomes(failed=1)
    (row,) = project.results()
    assert [score["name"] for score in row["scores"]] == ["contains", "passed"]


def test_nothing_measured_is_red(project, workers):
    """A marked test that neither scores nor asserts is an error that says so."""
    project.eval(body("str(case)"))
    result = project.run(*workers)
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["*nothing was measured*expect(value).to(check)*"])


def test_an_assert_is_enough(project):
    """Plain assert counts as a measurement, and the outcome is a score."""
    project.eval(body("assert case.expected == 'star'"))
    project.run().assert_outcomes(passed=1, failed=2)
    found = {row["key"]["case"]: row["scores"] for row in project.results()}
    assert [one["value"] for one in found["sun"] if one["name"] == "passed"] == [1.0]
    assert [one["value"] for one in found["mars"] if one["name"] == "passed"] == [0.0]


def test_expect_without_check_is_red(project):
    """`expect(...)` left without a check is an error that names its line."""
    project.eval(body("expect('x')"))
    result = project.run("--ailoop-case=sun")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_eval.py:5*"])


def test_never_awaited_check_is_red(project):
    """A check that must be awaited and is not is an error, not a pass."""
    project.eval(
        "async def slow(text):\n    return True\n\n"
        + body("expect('x').to(slow)\nassert True", "async def test_it(case):")
    )
    result = project.run("--ailoop-case=sun", "-W", "error")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*await*"])


def test_a_check_that_raises_is_an_error(project, workers):
    """User code that raises leaves its case unscored and red, and the other cases alone."""
    project.eval(
        """
def strict(text, case):
    return 1 / (case.id != "sun")

"""
        + body("expect('x').to(strict, at_least=1)")
    )
    result = project.run(*workers)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ZeroDivisionError*"])
    found = {row["key"]["case"]: row for row in project.results()}
    assert found["sun"]["outcome"] == "error"
    assert found["sun"]["scores"][0]["value"] is None


@pytest.mark.parametrize(
    ("statement", "outcomes", "recorded"),
    [
        ("pytest.skip('later')", {"skipped": 3}, "skipped"),
        ("pytest.xfail('known')", {"xfailed": 3}, "xfailed"),
        ("pytest.fail('no')", {"failed": 3}, "failed"),
        ("raise SystemExit(3)", {"failed": 3}, "failed"),
    ],
)
def test_outcomes_keep_their_meaning(project, statement, outcomes, recorded):
    """skip, xfail and fail inside a body mean what they mean in any test."""
    project.eval(body(statement))
    project.run().assert_outcomes(**outcomes)
    assert {row["outcome"] for row in project.results()} == {recorded}


def test_xfail_mark(project):
    """An expected miss is xfailed, an unexpected pass xpassed."""
    project.eval("@pytest.mark.xfail\n" + body("expect(case.expected).to(contains('star'))"))
    project.run().assert_outcomes(xfailed=2, xpassed=1)


def test_setup_error(project):
    """An item whose fixture raises is an error in the record."""
    project.write(
        "conftest.py",
        "import pytest\n@pytest.fixture\ndef broken():\n    raise RuntimeError('no database')\n",
    )
    project.eval(body("assert case", "def test_it(case, broken):"))
    project.run().assert_outcomes(errors=3)
    assert {row["outcome"] for row in project.results()} == {"error"}


def test_teardown_error_overrules(project):
    """A fault after the body makes the item an error in the record too."""
    project.write(
        "conftest.py",
        "import pytest\n@pytest.fixture\ndef leaky():\n    yield\n    raise RuntimeError('left')\n",
    )
    project.eval(body("assert case", "def test_it(case, leaky):"))
    project.run("--ailoop-case=sun").assert_outcomes(passed=1, errors=1)
    assert [row["outcome"] for row in project.results()] == ["error"]


def test_scores_are_junit_properties(project, workers):
    """junit keeps each score of an item as a property."""
    project.eval(body("record('length', len(case.input))"))
    project.run("--junit-xml=out.xml", *workers)
    text = (project.path / "out.xml").read_text("utf-8")
    assert '<property name="ailoop.length" value="7"' in text
    assert '<property name="ailoop.passed" value="1"' in text


def test_infrastructure_fault_is_a_junit_error(project):
    """What could not be measured is an <error> in junit, not a <failure>."""
    project.eval(body("str(case)"))
    project.run("--junit-xml=out.xml", "--ailoop-case=sun")
    text = (project.path / "out.xml").read_text("utf-8")
    assert 'errors="1" failures="0"' in text


def test_async_bodies_write_into_their_own_item(project, workers):
    """Each async body sees its own item, although all share one loop."""
    project.eval(body("expect(case.id).to(contains(case.id))", "async def test_it(case):"))
    project.run(*workers).assert_outcomes(passed=3)
    assert [row["output"] for row in project.results()] == ["sun", "moon", "mars"]


def test_a_fault_names_the_users_line(project):
    """The record's place is the innermost line of the user's code, not of a library."""
    project.write("app.py", "import json\n\ndef answer():\n    return json.loads('{')\n")
    project.pytester.syspathinsert()
    project.eval("from app import answer\n" + body("answer()"))
    project.run("--ailoop-case=sun").assert_outcomes(failed=1)
    assert ["app.py:4"] == [row["fault"]["where"] for row in project.results()]
    project.eval(body("str(case)"))
    project.run("--ailoop-case=sun").assert_outcomes(errors=1)
    assert [""] == [row["fault"]["where"] for row in project.results()]


def test_xfail_does_not_hide_what_could_not_be_measured(project, workers):
    """An expected failure is about quality: an item without a measurement is red all the same."""
    project.eval("@pytest.mark.xfail\n" + body("str(case)"))
    result = project.run(*workers)
    result.assert_outcomes(errors=3)
    assert {row["outcome"] for row in project.results()} == {"error"}
