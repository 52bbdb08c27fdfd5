"""Beside hypothesis: examples inside an eval, an eval that is a property, plain properties."""

from __future__ import annotations

import hypothesis.strategies  # noqa: F401  (stays imported between the runs in this process)
import pytest

HEAD = """
from hypothesis import HealthCheck, given, settings, strategies as st
few = settings(max_examples=5, derandomize=True, database=None, deadline=None)
"""


def test_examples_inside_an_eval(project):
    """Each example scores by itself; a plain property test beside passes unmeasured."""
    project.eval(
        HEAD
        + """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    @few
    @given(st.integers(0, 9))
    def holds(number):
        expect(case.input * number).to(matches(r"(?s).*"), name="text")

    holds()

@few
@given(st.integers())
def test_plain(number):
    assert number == number
"""
    )
    # Apart: hypothesis collects garbage, and with it what earlier tests of this process left open.
    result = project.run_apart("-W", "error", on=["hypothesispytest"])
    result.assert_outcomes(passed=4)
    for row in project.results():
        names = [score["name"] for score in row["scores"]]
        assert names == ["text", *(f"text #{number}" for number in range(2, 6)), "passed"]
        assert len(row["expectations"]) == 5
        assert row["outcome"] == "passed"


def test_an_eval_that_is_a_property(project):
    """`@given` on an eval runs as ever, with hypothesis' own word on fixtures of a test."""
    project.eval(
        HEAD
        + """
@settings(few, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, 9))
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case, number):
    record("number", number)
    expect(case.input).to(contains("the"), hard=True)
"""
    )
    result = project.run("-W", "error", on=["hypothesispytest"])
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*ExpectationFailed*"])
    outcomes = {row["key"]["case"]: row["outcome"] for row in project.results()}
    assert outcomes == {"sun": "passed", "moon": "passed", "mars": "failed"}


@pytest.mark.parametrize("plugin", ["asyncio", "anyio"])
def test_an_async_property(project, plugin):
    """Where another plugin runs async properties, judges and `llm` are those of async tests."""
    project.eval(
        HEAD
        + f"""
@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"

async def slow(text):
    return bool(text)

@settings(few, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(1, 9))
@pytest.mark.{plugin}
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_it(case, llm, number):
    assert type(llm) is LLM
    assert await expect(case.input * number).to(slow)
"""
    )
    mode = ("-o", "asyncio_default_fixture_loop_scope=function") if plugin == "asyncio" else ()
    result = project.run("-W", "error", *mode, on=["hypothesispytest", plugin])
    result.assert_outcomes(passed=3)
    assert [len(row["expectations"]) for row in project.results()] == [5, 5, 5]
