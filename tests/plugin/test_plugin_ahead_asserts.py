"""Rewritten asserts and warnings of bodies that run ahead belong to their items."""

from __future__ import annotations

import pytest

from tests.fakes.crowd import gather, notes

COMPARE = """
def pytest_assertrepr_compare(config, op, left, right):
    if op == "==" and isinstance(left, str):
        return [f"as NAME says: {left} is not {right}"]
"""
EVAL = """
from crowd import Crowd

crowd = Crowd(MANY)

@pytest.mark.ailoop("CASES")
async def test_it(case):
    await crowd.meet()
    assert case.id == "another"
"""


def test_messages_are_worded_by_their_own_conftest(project, workers):
    """`pytest_assertrepr_compare` is asked of the folder that the item lies in, not the awaited."""
    gather(project, 3)
    many = "1" if workers else "6"
    crowd = project.path / "crowd.py"
    crowd.write_text(f"{crowd.read_text()}\nall_of_them = Crowd({many})\n")
    text = EVAL.replace("CASES", "../cases.jsonl")
    text = text.replace("Crowd(MANY)", "all_of_them").replace("import Crowd", "import all_of_them")
    for name in ("one", "two"):
        project.write(f"{name}/conftest.py", COMPARE.replace("NAME", name))
        project.eval(text, f"{name}/test_{name}.py")
    result = project.run("-o", "pythonpath=.", *workers)
    result.assert_outcomes(failed=6)
    said = [
        line.split("as ")[1] for line in result.outlines if line.startswith("E") and "as " in line
    ]
    expected = [f"{name} says: c{n:02} is not another" for name in ("one", "two") for n in range(3)]
    assert sorted(expected) == sorted(said)


def test_a_rewritten_assert_shows_its_values(project):
    """Each failure shows the values of its own body, and those of no other."""
    gather(project, 4)
    project.eval(EVAL.replace("CASES", "cases.jsonl").replace("MANY", "4"))
    result = project.run()
    result.assert_outcomes(failed=4)
    said = [line for line in result.outlines if line.startswith("E ") and "==" in line]
    assert [f"c{n:02}" in line for n, line in enumerate(said)] == [True] * 4, said


def test_passing_asserts_are_told_of_their_item(project):
    """Where `pytest_assertion_pass` is in use, items run in their own turn: it names the item."""
    gather(project, 3)
    project.write("pytest.ini", "[pytest]\nenable_assertion_pass_hook = true\n")
    project.write(
        "conftest.py",
        "from crowd import note\n\ndef pytest_assertion_pass(item, lineno, orig, expl):\n"
        "    note(item.name, orig)\n",
    )
    project.eval(
        """
import asyncio

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await asyncio.sleep(0)
    assert case.id
"""
    )
    project.run().assert_outcomes(passed=3)
    told = [one for one in notes(project) if one.startswith("test_it")]
    assert [f"test_it[c{n:02}] case.id" for n in range(3)] == told


WARNS = """
import warnings
from crowd import three, two

def warn(words):
    warnings.warn(words)

@pytest.mark.ailoop("cases.jsonl")
async def test_own(case):
    await CROWD.meet()
    warn(f"own {case.id}")
    assert case

@pytest.mark.ailoop("cases.jsonl")
async def test_same(case):
    warn("the same")
    await CROWD.meet()
    assert case
"""


def test_warnings_name_their_items(project, workers):
    """The summary counts the warnings of all bodies, below the items that gave them."""
    gather(project, 3)
    project.eval(WARNS.replace("CROWD", "two" if workers else "three"))
    result = project.run("-W", "default", *workers)
    result.assert_outcomes(passed=6, warnings=6)
    text = result.stdout.str()
    for number in range(3):
        assert 1 == text.count(f"UserWarning: own c{number:02}")
    assert 1 == text.count("UserWarning: the same")
    named = [line.strip() for line in result.outlines if line.strip().startswith("test_eval.py::")]
    expected = [f"test_eval.py::test_own[c{n:02}]" for n in range(3)]
    assert expected == sorted(one for one in named if "test_own" in one)


@pytest.mark.parametrize("how", ["switch", "ini"])
def test_warnings_as_errors(project, how):
    """With `-W error`, or the ini's, the body that warns is red, and it alone."""
    gather(project, 3)
    if how == "ini":
        project.write("pytest.ini", "[pytest]\nfilterwarnings = error\n")
    project.eval(
        """
import warnings
from crowd import three

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await three.meet()
    if case.id == "c01":
        warnings.warn("odd")
    with pytest.warns(UserWarning, match="expected"):
        warnings.warn("expected")
    assert case
"""
    )
    result = project.run(*(["-W", "error"] if how == "switch" else []))
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*_ test_it?c01? _*", '*>*warnings.warn("odd")*'])


def test_the_filterwarnings_mark(project):
    """It holds for its own items, which run in their turn, and for none beside them."""
    gather(project, 3)
    project.eval(
        """
import warnings
from crowd import three

@pytest.mark.ailoop("cases.jsonl")
async def test_free(case):
    await three.meet()
    warnings.warn("shown")
    assert case

@pytest.mark.filterwarnings("error")
@pytest.mark.ailoop("cases.jsonl")
async def test_strict(case):
    if case.id == "c01":
        warnings.warn("raised")
    assert case

@pytest.mark.filterwarnings("ignore")
@pytest.mark.ailoop("cases.jsonl")
def test_calm(case):
    warnings.warn("never seen")
    assert case
"""
    )
    result = project.run("-W", "default")
    result.assert_outcomes(passed=8, failed=1, warnings=3)
    result.stdout.no_fnmatch_line("*never seen*")
