"""What a failing eval may show: a few kilobytes, whatever a model said, and all of it with -vv."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

EVALS = r"""
import logging, sys, warnings

LINE = "y" * 200_000
LINES = "a line\n" * 30_000
llm_eval = pytest.mark.ailoop(dataset="cases.jsonl")

@pytest.fixture
def broken():
    raise ValueError(LINE)

@llm_eval
def test_raise(case):
    raise ValueError(LINE)

@llm_eval
def test_lines(case):
    raise ValueError(LINES)

@llm_eval
def test_fail(case):
    pytest.fail(LINE)

@llm_eval
def test_words(case):
    pytest.fail(LINES, pytrace=False)

@llm_eval
def test_chain(case):
    try:
        raise KeyError(LINES)
    except KeyError as cause:
        raise ValueError(LINE) from cause

@llm_eval
def test_group(case):
    raise ExceptionGroup(LINE, [ValueError(LINES), KeyError(LINE)])

@llm_eval
def test_note(case):
    error = ValueError("noted")
    error.add_note(LINES)
    raise error

@llm_eval
def test_locals(case):
    one, two, three = LINE, [LINE, LINES], {"a": LINE}
    raise ValueError(LINE)

@llm_eval
def test_equal(case):
    reply, expected = LINES + "x", LINES
    assert reply == expected

@llm_eval
def test_story(case):
    record("said", 1, reason=LINE)
    expect(LINE).to(contains("never"))
    raise ValueError(LINES)

@llm_eval
def test_printed(case):
    print(LINE)
    print(LINES, file=sys.stderr)
    logging.warning(LINE)
    assert False

@llm_eval
def test_printed_and_passed(case):
    print(LINE)
    assert True

@llm_eval
def test_skip(case):
    pytest.skip(LINE)

@llm_eval
def test_xfail(case):
    pytest.xfail(LINE)

@llm_eval
def test_setup(case, broken):
    pass

@llm_eval
def test_warning(case):
    warnings.warn(LINE)
    assert True
"""
COUNT = EVALS.count("def test_")


@pytest.fixture
def large(project):
    project.rows([{"id": "sun", "input": "the sun"}])
    project.eval(EVALS)
    return project


# Python's own form shows some 8 kB of pytest's frames.
@pytest.mark.parametrize(
    ("args", "most"),
    [
        (("-rA", "-l"), 4_000),
        (("-rA", "-n", "2"), 4_000),
        (("--tb=native",), 12_000),
        (("--tb=line",), 4_000),
    ],
    ids=["all", "workers", "native", "line"],
)
def test_a_case_shows_four_kilobytes_at_most(large, args, most):
    """Exceptions, their causes, groups and notes, captured output and warnings are all cut."""
    result = large.run("-q", "-W", "always", *args)
    shown = result.stdout.str()
    assert len(shown) < most * COUNT
    parts = re.split(r"^[_=]{3,} (.+) [_=]{3,}$", shown, flags=re.MULTILINE)
    sizes = dict(zip(parts[1::2], map(len, parts[2::2]), strict=True))
    assert ("test_chain[sun]" in sizes) == ("--tb=line" not in args)
    long = {title: size for title, size in sizes.items() if size > most}
    assert [] == [title for title in long if title.startswith(("test_", "warnings"))]
    result.assert_outcomes(passed=2, failed=11, skipped=1, xfailed=1, errors=1, warnings=1)


def test_junit_has_what_the_terminal_has(large):
    """Neither the message nor the text of a case in the file is longer than what is shown."""
    large.run("--junit-xml=out.xml", "-o", "junit_logging=all")
    root = ElementTree.parse(large.path / "out.xml").getroot()
    cases = {case.get("name"): len(ElementTree.tostring(case)) for case in root.iter("testcase")}
    assert COUNT == len(cases)
    assert {} == {name: size for name, size in cases.items() if size > 4_500}


def test_all_is_shown_when_asked_for(large):
    """From -vv on nothing is cut."""
    result = large.run("-vv", "-k", "raise or test_printed[")
    shown = result.stdout.str()
    assert "y" * 200_000 in shown.replace("\n", "")
    assert 30_000 <= shown.count("a line")
    assert "left out" not in shown


def test_the_beginning_and_the_end_are_shown(project):
    """Between them stands how much was left out, and how to see it."""
    project.eval(
        '@pytest.mark.ailoop(dataset="cases.jsonl")\n'
        'def test_it(case):\n    raise ValueError("begins " + "y" * 200_000 + " ends")'
    )
    result = project.run("-k", "sun")
    result.stdout.fnmatch_lines(
        [
            "E * ValueError: begins yyy*",
            "E   ... 19?,??? characters left out (-vv shows all)",
            "E   ...yyy* ends",
        ]
    )


def test_short_texts_stay_whole(project):
    """What a text does not need of the room, longer ones have."""
    project.eval(
        '@pytest.mark.ailoop(dataset="cases.jsonl")\n'
        "def test_it(case):\n"
        '    print("short " * 50)\n    raise ValueError("y" * 200_000)'
    )
    shown = project.run("-k", "sun").stdout.str()
    assert "short " * 50 in shown.replace("\n", "")
    assert 1_900 < shown.count("y") < 2_500


def test_other_tests_are_as_pytest_shows_them(project):
    """An ordinary test beside an eval is not cut."""
    project.eval(
        '@pytest.mark.ailoop(dataset="cases.jsonl")\ndef test_it(case):\n    assert case\n'
        'def test_other():\n    raise ValueError("y" * 100_000)'
    )
    assert "y" * 100_000 in project.run().stdout.str()


def test_no_half_of_a_secret_is_left_by_a_cut(project, monkeypatch):
    """Secrets are masked before the cut, wherever it falls."""
    secret = "".join(chr(ord("a") + number % 26) for number in range(200))
    monkeypatch.setenv("SERVICE_API_KEY", secret)
    project.eval(
        'import os\nTOLD = "-".join([os.environ["SERVICE_API_KEY"]] * 10_000)\n'
        '@pytest.mark.ailoop(dataset="cases.jsonl")\ndef test_it(case):\n    raise ValueError(TOLD)'
    )
    shown = project.run("-k", "sun").stdout.str()
    assert "[secret]-[secret]" in shown
    assert "abcdef" not in shown


def test_a_cut_begins_no_line_with_a_command(project):
    """A line that the cut begins cannot be read as a CI service's command."""
    project.eval(
        '@pytest.mark.ailoop(dataset="cases.jsonl")\n'
        'def test_it(case):\n    print(":" * 100_000)\n    assert False'
    )
    shown = project.run("-k", "sun").stdout.str()
    assert "characters left out" in shown
    assert [] == [line for line in shown.splitlines() if line.lstrip().startswith("::")]


def test_empty_lines_cost_no_more_than_others(project):
    """A model that answers with line ends alone holds nothing up."""
    project.eval(
        '@pytest.mark.ailoop(dataset="cases.jsonl")\n'
        'def test_it(case):\n    print("\\n" * 1_000_000)\n    assert False'
    )
    assert "characters left out" in project.run("-k", "sun").stdout.str()
