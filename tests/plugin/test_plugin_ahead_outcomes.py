"""However a body ends before its turn, its item ends so, and no other does."""

from __future__ import annotations

import pytest

from tests.fakes.crowd import gather, notes

HEAD = """
import asyncio
from crowd import Crowd, note

crowd = Crowd({many})

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    note("begun", case.id)
    await crowd.meet()
    if case.id == "c02":
{ends}
    assert case
"""


def run(project, ends: str, *args: str, many: int = 3, count: int = 5, plugins: tuple = ()):
    """Run five items side by side, of which the third ends by the lines *ends*."""
    gather(project, count)
    lines = "".join(f"        {line}\n" for line in ends.splitlines())
    project.eval(HEAD.format(ends=lines, many=many))
    return project.run(*args, on=plugins)


ENDS = {
    "skip": ('pytest.skip("not today")', "skipped", {"passed": 4, "skipped": 1}),
    "fail": ('pytest.fail("by hand")', "failed", {"passed": 4, "failed": 1}),
    "xfail": ('pytest.xfail("known")', "xfailed", {"passed": 4, "xfailed": 1}),
    "importorskip": ('pytest.importorskip("no_such_one")', "skipped", {"passed": 4, "skipped": 1}),
    "assert": ("assert 1 == 2", "failed", {"passed": 4, "failed": 1}),
    "error": ('raise ValueError("odd")', "failed", {"passed": 4, "failed": 1}),
    "system exit": ("raise SystemExit(3)", "failed", {"passed": 4, "failed": 1}),
    "cancelled": ("raise asyncio.CancelledError", "failed", {"passed": 4, "failed": 1}),
    "cancels itself": (
        "asyncio.current_task().cancel()\nawait asyncio.sleep(0)",
        "failed",
        {"passed": 4, "failed": 1},
    ),
    "raises": (
        'with pytest.raises(ZeroDivisionError):\n    1 / 0\nassert "fine"',
        "passed",
        {"passed": 5},
    ),
    "group": (
        "async with asyncio.TaskGroup() as group:\n"
        "    group.create_task(asyncio.sleep(0))\n    1 / 0",
        "failed",
        {"passed": 4, "failed": 1},
    ),
    "group that ends": (
        "async with asyncio.TaskGroup() as group:\n"
        "    tasks = [group.create_task(asyncio.sleep(0, n)) for n in range(3)]\n"
        "assert [0, 1, 2] == [one.result() for one in tasks]",
        "passed",
        {"passed": 5},
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_each_end(project, name):
    """The third item ends as its body did, the others pass, and reports stay in order."""
    ends, outcome, counts = ENDS[name]
    result = run(project, ends, "-v")
    result.assert_outcomes(**counts)
    assert ["passed", "passed", outcome, "passed", "passed"] == [
        row["outcome"] for row in project.results()
    ]
    shown = [line.split()[0] for line in result.outlines if line.startswith("test_eval.py::")]
    assert [f"test_eval.py::test_it[c{n:02}]" for n in range(5)] == shown


def test_ends_on_workers(project):
    """The same ends on two workers, all in one run."""
    gather(project, 8)
    project.eval(
        """
import asyncio
from crowd import two

def end(name):
    if name == "c00":
        pytest.skip("not today")
    if name == "c01":
        pytest.fail("by hand")
    if name == "c02":
        pytest.xfail("known")
    if name == "c03":
        raise SystemExit(3)
    if name == "c04":
        raise asyncio.CancelledError

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await two.meet()
    end(case.id)
    assert case.id != "c05"
"""
    )
    project.run("-n", "2").assert_outcomes(passed=2, failed=4, skipped=1, xfailed=1)
    assert (["skipped", "failed", "xfailed", *["failed"] * 3, "passed", "passed"]) == [
        row["outcome"] for row in project.results()
    ]


def test_exit_ends_the_session(project):
    """`pytest.exit` in a body ends the run in its item's turn, with its status and words."""
    result = run(project, 'pytest.exit("enough", returncode=7)')
    assert 7 == result.ret
    result.stdout.fnmatch_lines(["*enough*"])
    assert ["c00", "c01"] == [row["key"]["case"] for row in project.results()]


def test_a_chained_error_shows_its_cause(project):
    """The traceback is the body's own: its lines, its cause, and none of the plugin's."""
    result = run(
        project,
        'try:\n    {}["key"]\nexcept KeyError as error:\n    raise ValueError("odd") from error',
    )
    result.stdout.fnmatch_lines(
        ["*KeyError: 'key'*", "*direct cause*", '*raise ValueError("odd") from error*']
    )
    result.stdout.no_fnmatch_line("*engine.py*")
    result.stdout.no_fnmatch_line("*baton.py*")


MARKS = """
from crowd import note, three

@pytest.mark.ailoop("cases.jsonl")
async def test_first(case):
    await three.meet()
    assert case

@pytest.mark.skip(reason="no")
@pytest.mark.ailoop("cases.jsonl")
async def test_skip(case):
    note("must not run")

@pytest.mark.skipif("sys.version_info > (3,)", reason="no")
@pytest.mark.ailoop("cases.jsonl")
def test_skipif(case):
    note("must not run")

@pytest.mark.skipif(False, reason="no")
@pytest.mark.ailoop("cases.jsonl")
async def test_not_skipped(case):
    note("runs")
    assert case

@pytest.mark.xfail(run=False)
@pytest.mark.ailoop("cases.jsonl")
async def test_not_run(case):
    note("must not run")

@pytest.mark.xfail(strict=True)
@pytest.mark.ailoop("cases.jsonl")
async def test_strict(case):
    assert case

@pytest.mark.xfail(raises=ZeroDivisionError)
@pytest.mark.ailoop("cases.jsonl")
async def test_raises(case):
    assert case.id != "c00"
    1 / 0

@pytest.mark.xfail("True", reason="known")
@pytest.mark.ailoop("cases.jsonl")
def test_condition(case):
    assert case.id == "c00"
"""


def test_marks(project, workers):
    """Marks that skip keep the body from running at all; those that expect say how it counts."""
    gather(project, 3)
    project.eval(MARKS.replace("three", "two") if workers else MARKS)
    project.run(*workers)
    ends: dict[str, list[str]] = {}
    for row in project.results():
        ends.setdefault(row["key"]["test"], []).append(row["outcome"])
    assert {
        "test_first": ["passed"] * 3,
        "test_skip": ["skipped"] * 3,
        "test_skipif": ["skipped"] * 3,
        "test_not_skipped": ["passed"] * 3,
        "test_not_run": ["xfailed"] * 3,
        "test_strict": ["xpassed"] * 3,
        "test_raises": ["failed", "xfailed", "xfailed"],
        "test_condition": ["xpassed", "xfailed", "xfailed"],
    } == ends
    assert ["runs"] * 3 == list(notes(project))


def test_runxfail(project):
    """`--runxfail` runs and reports them as if they were not marked."""
    gather(project, 3)
    project.eval(
        """
from crowd import three

@pytest.mark.xfail(run=False)
@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await three.meet()
    assert case.id != "c01"
"""
    )
    project.run("--runxfail").assert_outcomes(passed=2, failed=1)


def test_a_mark_that_is_wrong(project):
    """A condition that cannot be evaluated is an error of its item, told by pytest."""
    gather(project, 2)
    project.eval(
        """
@pytest.mark.ailoop("cases.jsonl")
def test_first(case):
    assert case

@pytest.mark.skipif("no_such_name", reason="no")
@pytest.mark.ailoop("cases.jsonl")
def test_it(case):
    assert case
"""
    )
    result = project.run()
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(["*NameError: name 'no_such_name' is not defined*"])
