"""junit XML: scores as properties, outcomes as what they are, and text that XML can hold."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

EVAL = r"""
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_scores(case):
    expect(case.expected).to(contains("star", "moon"), at_least=0.5)
    expect(case.input).to(matches("the"), name="starts: the")
    record("length", len(case.input))
    record("share", 1 / 3)

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_label(case):
    expect(case.expected).to(classifies_as(case.expected, labels=["star", "moon", "planet"]))

@pytest.mark.xfail(strict=False)
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_expected(case):
    expect(case.expected).to(contains("star"))

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_odd(case):
    if case.id == "sun":
        pytest.skip("too hot")
    if case.id == "moon":
        expect("\x1b[31m\x00\ufffe]]> <script> ☃ \ud800").to(contains("nothing"))
    str(case)

def test_ordinary():
    pass
"""


def run(project, *args):
    """Run the evals; return the suite's element and its test cases by name."""
    project.eval(EVAL)
    project.run("--junit-xml=out.xml", "-o", "junit_family=xunit2", *args)
    root = ElementTree.parse(project.path / "out.xml").getroot()[0]
    cases = {one.get("name"): one for one in root.iter("testcase")}
    return root, cases


@pytest.fixture
def suite(project):
    return run(project)


def properties(case):
    return {one.get("name"): one.get("value") for one in case.iter("property")}


def test_the_file_is_whole(project, workers):
    """It parses, and its sums tell failures from errors from skips."""
    root, cases = run(project, *workers)
    assert {
        "tests": "13",
        "failures": "2",
        "errors": "1",
        "skipped": "3",
    } == {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert 13 == len(cases)


def test_scores_are_properties(suite):
    """Each score is a property under its name; an ordinary test has none of ours."""
    _, cases = suite
    assert {
        "ailoop.contains": "0.5",
        "ailoop.starts: the": "1",
        "ailoop.length": "7",
        "ailoop.share": "0.333333",
        "ailoop.passed": "1",
    } == properties(cases["test_scores[sun]"])
    assert "0" == properties(cases["test_scores[mars]"])["ailoop.passed"]
    assert "1" == properties(cases["test_label[mars]"])["ailoop.classifies_as"]
    assert {} == properties(cases["test_ordinary"])


def test_outcomes_are_what_they_are(suite):
    """An expected failure is a skip of type xfail, a miss a failure, no measurement an error."""
    _, cases = suite
    xfailed = cases["test_expected[moon]"].find("skipped")
    assert "pytest.xfail" == xfailed.get("type")
    assert "0" == properties(cases["test_expected[moon]"])["ailoop.passed"]
    assert [] == list(cases["test_expected[sun]"].iter("skipped"))
    assert "too hot" == cases["test_odd[sun]"].find("skipped").get("message")
    assert "nothing was measured" in cases["test_odd[mars]"].find("error").get("message")
    failure = cases["test_scores[mars]"].find("failure")
    assert "2 of 2 expectations missed" == failure.get("message")
    assert "MISS contains 0 (wanted >= 0.5)" in failure.text


def test_any_text_fits(suite):
    """Control characters, half characters and markup of an output do no harm."""
    _, cases = suite
    assert "]]> <script> ☃" in cases["test_odd[moon]"].find("failure").text
