"""Model output is data: nothing of it controls a terminal, a log or a CI service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.openai_server import FakeServer

#: Screen and title control, a colour, a C1 code, text turned round, a tag, and CI commands.
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\x1b[31mred\x9b32mgreen\r\u202eturned\u2066\u200b\U000e0041\ufeff\n"
    "::error file=app.py::owned\n  ::set-output name=a::b\n##[error]owned\n##vso[task.complete]x\n"
    "\x0c::warning::owned\x85::error::again\u2028::error::more\n##teamcity[x]\n\x08\x00end"
)
ENDS = """
import warnings
import pytest
from pytest_ailoop import *

llm_eval = pytest.mark.ailoop(dataset="cases.jsonl", model="m")

@llm_eval
def test_passes(case, llm):
    reply = llm(case.input)
    expect(reply).to(contains("owned"))
    record("said", 1, reason=reply.text)

@llm_eval
def test_misses(case, llm):
    expect(llm(case.input)).to(contains("never"))

@llm_eval
def test_classifies(case, llm):
    expect(llm(case.input)).to(classifies_as(case.expected))

@llm_eval
def test_asserts(case, llm):
    assert llm(case.input).text == case.expected

@llm_eval
def test_raises(case, llm):
    raise RuntimeError(llm(case.input).text)

@llm_eval
def test_prints(case, llm):
    reply = llm(case.input)
    print(reply.text)
    print(reply.text.encode("utf-8", "replace").decode())
    warnings.warn(reply.text)
    assert reply.text == ""

@llm_eval
def test_skips(case, llm):
    pytest.skip(llm(case.input).text)

@llm_eval
def test_fails_as_expected(case, llm):
    pytest.xfail(llm(case.input).text)

@llm_eval
def test_a_check_raises(case, llm):
    def check(text):
        raise ValueError(text)
    expect(llm(case.input)).to(check)

@llm_eval
def test_is_refused(case, llm):
    llm("REFUSE " + case.input)
"""
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_COMMAND = re.compile(r"\s*(::|##\[|##vso|##teamcity)")


@pytest.fixture
def hostile(project: Any) -> Iterator[Any]:
    """The project with a model that answers what is dangerous to show."""
    project.rows([{"id": "sun", "input": HOSTILE.replace("\0", ""), "expected": "echo"}])
    project.write("test_eval.py", ENDS)
    with FakeServer() as server:
        server.refuses, server.suffix = True, HOSTILE
        table = f'[tool.ailoop.models.m]\nmodel = "fake"\nbase_url = "{server.url}"\n'
        project.write("pyproject.toml", table)
        yield project


def assert_harmless(shown: str) -> None:
    assert [] == [shown[max(0, one.start() - 80) :][:120] for one in _FORBIDDEN.finditer(shown)]
    assert [] == [line for line in shown.split("\n") if _COMMAND.match(line)]


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("-q",),
        ("-v", "-rA"),
        ("-vv", "--tb=long", "-l", "-rA"),
        ("-vv", "--tb=native"),
        ("--tb=line",),
        ("--tb=short", "--full-trace"),
        ("-vv", "-rA", "-n", "2"),
    ],
    ids=" ".join,
)
def test_no_output_reaches_the_screen_as_it_is(hostile, args):
    """No control character, no bidirectional control and no CI command stands in any output,
    however loud it is; what was said can be read."""
    result = hostile.run("-W", "always", *args)
    shown = result.stdout.str()
    assert_harmless(shown)
    assert_harmless(result.stderr.str())
    assert "\\x1b[2J" in shown
    result.assert_outcomes(passed=1, failed=5, skipped=1, xfailed=1, errors=2, warnings=1)
    run = hostile.runs[-1]
    assert "owned" in (run / "results.jsonl").read_text("utf-8")


def test_the_difference_to_what_was_accepted_is_harmless(hostile):
    """The accepted output and the new one are shown line by line, and both as data."""
    hostile.run("--snapshot-update", "-k", "passes").assert_outcomes(passed=1, deselected=9)
    text = (hostile.path / "test_eval.py").read_text("utf-8")
    text = text.replace("llm(case.input)\n    expect", "llm('x' + case.input)\n    expect")
    (hostile.path / "test_eval.py").write_text(text.replace('"owned"', '"never"'), "utf-8")
    for args in ((), ("-vv",)):
        result = hostile.run("-k", "passes", *args)
        result.stdout.fnmatch_lines(["*accepted output (-) and this one (+):*"])
        assert_harmless(result.stdout.str())
