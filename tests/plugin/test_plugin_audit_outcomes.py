"""What weighs more where an item has several things to say: faults, misses, skips, xfail."""

from __future__ import annotations

import sys

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


@pytest.mark.parametrize("value", ["None", "1 / 0"])
def test_a_hard_expectation_that_could_not_be_scored_is_an_error(project, value):
    """`hard` says when to stop, not what it was: what could not be measured is no failure."""
    project.eval(
        f"def broken(text):\n    return {value}\n\n@pytest.mark.ailoop(dataset='cases.jsonl')\n"
        "def test_it(case):\n    expect('a').to(broken, hard=True)\n"
    )
    result = project.run("--ailoop-case=sun")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*0 of 1 case scored*"])
    assert [row["outcome"] for row in project.results()] == ["error"]


@pytest.mark.parametrize(
    "statement",
    [
        "expect('a').to(len)",
        "expect('a').to(bool)",
        "expect('a').to('a')",
        "expect('a').to(contains('a'), at_least='x')",
        "expect('a', name='?').to(contains('a'))",
        "record('?', 1)",
        "record('x', float('nan'))",
    ],
)
def test_a_wrong_use_is_told_at_the_users_line(project, statement):
    """The traceback ends in the test: our own frames say nothing to a user."""
    project.eval(
        f"@pytest.mark.ailoop(dataset='cases.jsonl')\ndef test_it(case):\n    {statement}\n"
    )
    result = project.run("--ailoop-case=sun", "--tb=short")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["test_eval.py:5: in test_it", "E   *UsageError: *"])
    result.stdout.no_fnmatch_line("*pytest_ailoop/*.py:*")


@pytest.mark.parametrize("said", ["record('passed', 0)", "expect(1).to(yes, name='passed')"])
def test_the_outcomes_name_is_taken(project, said):
    """A score of the user's called `passed` would be counted with the items' outcomes."""
    project.eval(
        "def yes(value): return True\n\n@pytest.mark.ailoop(dataset='cases.jsonl')\n"
        f"def test_it(case):\n    {said}\n"
    )
    result = project.run("--ailoop-case=sun")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the name 'passed' is that of the item's own outcome*"])


def test_a_check_of_that_name_gets_a_number(project):
    """A function called `passed` is a check like any other; its score has its own line."""
    project.eval(
        "def passed(value): return False\n\n@pytest.mark.ailoop(dataset='cases.jsonl')\n"
        "def test_it(case):\n    expect('x').not_to(passed)\n"
    )
    project.run("--ailoop-case=sun").assert_outcomes(passed=1)
    (row,) = project.results()
    assert [("passed #2", 0.0), ("passed", 1.0)] == [(s["name"], s["value"]) for s in row["scores"]]


@pytest.mark.parametrize("turn", [False, True])
def test_a_drop_beside_a_negated_check_is_a_regression(project, turn):
    """`negated(contains(...))` is called like a negated expectation, and is none."""
    lines = ["expect(answer).to(negated(contains('b')))", "expect(answer).to(contains('a'))"]
    body = "\n    ".join(lines[::-1] if turn else lines)
    head = "@pytest.mark.ailoop(dataset='cases.jsonl')\ndef test_it(case):\n    answer = "
    project.eval(f"{head}'a'\n    {body}\n")
    project.run("--snapshot-update")
    project.eval(f"{head}'nothing'\n    {body}\n")
    result = project.run("-vv")
    result.stdout.fnmatch_lines(["*test_it?sun?  regressed; contains 1 -> 0; passed 1 -> 0*"])
    assert '"direction"' not in project.baseline().read_text("utf-8")


@pytest.mark.parametrize(
    ("flags", "failed", "errors"), [((), 1, 0), (("--assert=plain",), 0, 1)], ids=["", "plain"]
)
def test_asserts_that_do_not_run_measure_nothing(project, flags, failed, errors):
    """Under `python -O` only asserts that pytest rewrote are run; the others are no measurement."""
    project.eval("@pytest.mark.ailoop\ndef test_it():\n    assert False\n")
    result = project.pytester.run(
        sys.executable, "-O", "-m", "pytest", "-p", "no:cacheprovider", *flags
    )
    result.assert_outcomes(failed=failed, errors=errors, warnings=1)
    if errors:
        result.stdout.fnmatch_lines(["*nothing was measured: python -O leaves*"])


BROKEN_OFF = """
def check(text):
    {statement}

async def slow(text):
    {statement}

@pytest.mark.ailoop(dataset='cases.jsonl')
{head}
    expect('a').to(contains('b'))
    {expect}
"""


@pytest.mark.parametrize(
    "statement", ["pytest.fail('no')", "pytest.skip('no')", "pytest.xfail('n')"]
)
@pytest.mark.parametrize(
    ("head", "expect"),
    [
        ("def test_it(case):", "expect('a').to(check)"),
        ("async def test_it(case):", "await expect('a').to(slow)"),
    ],
    ids=["sync", "async"],
)
def test_a_check_that_is_broken_off_is_no_measurement(project, statement, head, expect):
    """What pytest itself raises inside a check (its plugins do so at a timeout) is no verdict."""
    project.eval(BROKEN_OFF.format(statement=statement, head=head, expect=expect))
    result = project.run("--ailoop-case=sun")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*did not come to its end*", "*MISS contains 0*"])
    assert [row["outcome"] for row in project.results()] == ["error"]


def test_a_judge_that_was_not_awaited_leaves_a_failure_a_failure(project):
    """What waits for the test to go on did not break the body off."""
    project.eval(
        "async def slow(text): return True\n\n@pytest.mark.ailoop(dataset='cases.jsonl')\n"
        "async def test_it(case):\n    expect('a').to(slow)\n    assert case.id == 'x'\n"
    )
    project.run("--ailoop-case=sun").assert_outcomes(failed=1)


def test_a_strict_unexpected_pass_is_a_failure_to_pytest_and_a_pass_to_us(project, workers):
    """The test is red as everywhere in pytest; that the item passed was measured, and no error."""
    project.eval(
        "@pytest.mark.xfail(strict=True)\n@pytest.mark.ailoop(dataset='cases.jsonl')\n"
        "def test_it(case):\n    assert case.id == 'sun'\n"
    )
    result = project.run("--junit-xml=out.xml", *workers)
    result.assert_outcomes(failed=1, xfailed=2)
    assert ["xpassed", "xfailed", "xfailed"] == [row["outcome"] for row in project.results()]
    result.stdout.fnmatch_lines(["*1 item passed unexpectedly*"])
    assert 'errors="0" failures="1"' in (project.path / "out.xml").read_text("utf-8")


def test_a_prompt_that_cannot_be_rendered_is_an_error(project):
    """A fault in the prompt file says nothing on what the model answers."""
    project.write("p.prompt.md", "user:\n{{ q.nothing.more }}\n")
    project.eval(
        "@pytest.mark.ailoop(dataset='cases.jsonl', prompt='p.prompt.md')\n"
        "def test_it(case, prompt):\n    assert prompt.render(q=case.input)\n"
    )
    result = project.run("--ailoop-case=sun")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*PromptError: p.prompt.md:2: *"])


def test_causes_in_a_circle_come_to_an_end(project):
    """Exceptions that name each other as their cause are a failure like any other."""
    project.eval(
        "@pytest.mark.ailoop(dataset='cases.jsonl')\ndef test_it(case):\n"
        "    one, two = ValueError('one'), ValueError('two')\n"
        "    one.__cause__, two.__cause__ = two, one\n    raise one\n"
    )
    project.run("--ailoop-case=sun", "--timeout=20").assert_outcomes(failed=1)
