"""What weighs more where an item has several things to say: faults, misses, skips, xfail."""

from __future__ import annotations

import pytest

APP = """
import openai

def app(question):
    try:
        client = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="x", max_retries=0)
        asked = [{"role": "user", "content": question}]
        made = client.chat.completions.create(model="m", messages=asked)
        return made.choices[0].message.content
    except Exception:
        return "sorry"

"""


@pytest.mark.parametrize(
    "statement",
    [
        "assert 'sun' in app(case.input)",
        "expect(app(case.input)).to(contains('sun'), hard=True)",
        "expect(app(case.input)).to(contains('sun'))",
        "expect(app(case.input)).to(contains('sorry'))",
        "pytest.skip(app(case.input))",
        "pytest.xfail(app(case.input))",
    ],
)
def test_a_swallowed_miss_is_an_error_however_the_body_ends(project, statement):
    """The answer an application makes up for a missing recording is no quality, good or bad."""
    project.eval(
        f"{APP}@pytest.mark.ailoop(dataset='cases.jsonl')\ndef test_it(case):\n    {statement}\n"
    )
    result = project.run("--ailoop-replies=replay", "--ailoop-case=sun")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ReplayMissError: replay: no recording of POST*"])
    (row,) = project.results()
    assert row["outcome"] == "error"
    assert "passed" not in [one["name"] for one in row["scores"]]


def test_an_expected_failure_hides_no_missing_recording(project):
    """`xfail` expects quality below the bar, not a reply that is not there."""
    project.eval(
        f"{APP}@pytest.mark.xfail\n@pytest.mark.ailoop(dataset='cases.jsonl')\n"
        "def test_it(case):\n    assert 'sun' in app(case.input)\n"
    )
    result = project.run("--ailoop-replies=replay", "--ailoop-case=sun")
    result.assert_outcomes(errors=1)


def test_the_worst_cases_name_the_fault_of_an_error(project):
    """Where no reply came, that is the reason to show, not the expectation that missed for it."""
    project.eval(
        f"{APP}@pytest.mark.ailoop(dataset='cases.jsonl')\n"
        "def test_it(case):\n    expect(app(case.input)).to(contains('sun'))\n"
    )
    result = project.run("--ailoop-replies=replay", "--ailoop-case=sun")
    result.stdout.fnmatch_lines(["worst cases:", "*test_it?sun?*error*", "*| ReplayMissError: *"])


def test_a_skip_takes_no_missed_expectation_back(project):
    """What an item missed stays missed, although the body then skips the rest."""
    project.eval(
        "@pytest.mark.ailoop(dataset='cases.jsonl')\n"
        "def test_it(case):\n"
        "    expect('a').to(contains('b'))\n"
        "    pytest.skip('the rest needs a network')\n"
    )
    result = project.run("--ailoop-case=sun")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*1 of 1 expectations missed*", "*missing 'b'*"])
