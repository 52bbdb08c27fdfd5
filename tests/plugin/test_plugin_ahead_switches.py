"""Switches under which nothing runs ahead, or nothing runs, or a part of pytest is missing."""

from __future__ import annotations

import warnings

import pytest

from tests.fakes.crowd import MeetingServer, gather, notes

EVAL = """
import asyncio
from crowd import note

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    note("begun", case.id)
    for _ in range(9):
        await asyncio.sleep(0)
    note("over", case.id)
    assert case.id != "red"
"""
ALONE = [f"{word} c{n:02}" for n in range(4) for word in ("begun", "over")]

#: A debugger that asks nobody.
QUIET_PDB = """
import pdb
import sys
from crowd import note

class Quiet(pdb.Pdb):
    def interaction(self, frame, traceback):
        note("debugger")

    def runcall(self, function, *args, **kwargs):
        note("traced")
        return function(*args, **kwargs)

    def set_trace(self, frame=None, **how):
        self.message("asks at once")
        note("stopped in", (frame or sys._getframe().f_back).f_code.co_name)
"""


@pytest.fixture
def quiet(project, monkeypatch: pytest.MonkeyPatch):
    # Both outlive a run, and there are many in this process.
    monkeypatch.setattr("_pytest.debugging.pytestPDB._wrapped_pdb_cls", None)
    monkeypatch.setattr("pytest_timeout.SUPPRESS_TIMEOUT", False)
    project.write("quiet.py", QUIET_PDB)


def test_bodies_run_side_by_side_without_them(project):
    """The measure of this page: with no such switch, the bodies overlap."""
    gather(project, 4)
    project.eval(EVAL)
    project.run().assert_outcomes(passed=4)
    assert sorted(ALONE) == sorted(notes(project))
    assert [f"begun c{n:02}" for n in range(4)] == list(notes(project))[:4]


@pytest.mark.parametrize(
    "switches", [["--ailoop-lookahead=0"], ["--ailoop-replies=replay"], ["--pdb"]], ids=" ".join
)
def test_nothing_runs_ahead(project, switches):
    """Each body begins when the one before it is over."""
    gather(project, 4)
    project.eval(EVAL)
    project.run(*switches).assert_outcomes(passed=4)
    assert ALONE == notes(project)


def test_a_concurrency_of_one(project):
    """With `--ailoop-concurrency=1` no two bodies are at work at once."""
    gather(project, 4)
    project.eval(EVAL)
    project.run("--ailoop-concurrency=1").assert_outcomes(passed=4)
    assert ALONE == notes(project)


def test_pdb_stops_at_the_failure(project, quiet):
    """`--pdb` enters the debugger after the item that failed, before the next one begins."""
    gather(project, 4)
    project.eval(EVAL.replace('"red"', '"c01"'))
    result = project.run("--pdb", "--pdbcls=quiet:Quiet")
    result.assert_outcomes(passed=3, failed=1)
    assert [*ALONE[:4], "debugger", *ALONE[4:]] == notes(project)


def test_trace_stops_at_each_item(project, quiet):
    """`--trace` enters the debugger before each body, one after the other."""
    gather(project, 2)
    project.eval(EVAL)
    project.run("--trace", "--pdbcls=quiet:Quiet").assert_outcomes(passed=2)
    assert ["traced", *ALONE[:2], "traced", *ALONE[2:4]] == notes(project)


@pytest.mark.parametrize("capture", [[], ["-s"]], ids=["captured", "-s"])
@pytest.mark.parametrize("kind", ["", "async "], ids=["sync", "async"])
def test_a_breakpoint_in_a_body(project, quiet, kind, capture):
    """`breakpoint()` stops where it stands, and asks at once: also before the item's turn."""
    gather(project, 3)
    project.eval(
        f'@pytest.mark.ailoop("cases.jsonl")\n{kind}def test_it(case):\n'
        '    if case.id == "c02":\n        breakpoint()\n    assert case\n'
    )
    result = project.run("--pdbcls=quiet:Quiet", *capture)
    result.assert_outcomes(passed=3)
    assert ["stopped in test_it"] == notes(project)
    result.stdout.fnmatch_lines(["*asks at once*", "*.*", "*3 passed*"])


ASK = """
import openai
from crowd import note

@pytest.fixture(scope="module")
def client():
    note("set up")
    return openai.AsyncOpenAI()

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case, client):
    note("begun")
    asked = [{"role": "user", "content": case.input}]
    assert await client.chat.completions.create(model="fake", messages=asked)
"""


@pytest.mark.parametrize("switch", ["--collect-only", "--setup-plan", "--setup-only"])
def test_looking_starts_no_body(project, monkeypatch, switch):
    """No body begins and no call goes out; only `--setup-only` sets fixtures up."""
    gather(project, 4)
    project.eval(ASK)
    with MeetingServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        assert pytest.ExitCode.OK == project.run(switch).ret
    assert 0 == server.calls
    assert (["set up"] if switch == "--setup-only" else []) == notes(project)


def test_setup_show_shows_each_item_once(project):
    """`--setup-show` shows items and fixtures in the order of turns, and the bodies overlap."""
    gather(project, 3)
    project.eval(
        """
from crowd import three

@pytest.fixture(scope="module")
def wide():
    return 1

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case, wide):
    await three.meet()
    assert case
"""
    )
    result = project.run("--setup-show")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        ["*SETUP    M wide*", "*test_it?c00?*", "*test_it?c01?*", "*test_it?c02?*", "*TEARDOWN M*"]
    )


MIXED = """
import logging
import warnings
from crowd import three

@pytest.mark.ailoop("cases.jsonl")
async def test_async(case):
    print("says", case.id)
    logging.getLogger("speaker").warning("logs %s", case.id)
    warnings.warn(f"warns {case.id}")
    await three.meet()
    assert case.id != "c01"

@pytest.mark.xfail(reason="not yet")
@pytest.mark.ailoop("cases.jsonl")
def test_sync(case):
    print("says", case.id)
    assert case.id != "c02"
"""


@pytest.mark.parametrize(
    "switches",
    [
        ["-p", "no:logging"],
        ["-p", "no:warnings"],
        ["-p", "no:terminal"],
        ["-p", "no:junitxml"],
        ["-p", "no:debugging"],
        ["-p", "no:faulthandler"],
        ["-p", "no:unraisableexception", "-p", "no:threadexception"],
        ["-p", "no:timeout"],
        ["-p", "no:xdist"],
        ["-p", "no:assertion"],
        ["--assert=plain"],
        ["--import-mode=importlib", "-o", "pythonpath=."],
        ["-v"],
        ["-q", "-q"],
    ],
    ids=" ".join,
)
def test_parts_of_pytest_that_are_missing(project, switches):
    """Bodies overlap, and each item ends as it should."""
    gather(project, 3)
    project.eval(MIXED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Without its plugin, pytest leaves them as they are.
        project.run(*switches)
    ends = [(row["key"]["test"], row["key"]["case"], row["outcome"]) for row in project.results()]
    assert [
        ("test_async", "c00", "passed"),
        ("test_async", "c01", "failed"),
        ("test_async", "c02", "passed"),
        ("test_sync", "c00", "xpassed"),
        ("test_sync", "c01", "xpassed"),
        ("test_sync", "c02", "xfailed"),
    ] == ends


def test_without_the_skipping_plugin(project):
    """`-p no:skipping` makes pytest blind to the marks, and so the bodies run."""
    gather(project, 3)
    project.eval(
        '@pytest.mark.skip\n@pytest.mark.ailoop("cases.jsonl")\n'
        "async def test_it(case):\n    assert case\n"
    )
    project.run("-p", "no:skipping")
    assert ["passed"] * 3 == [row["outcome"] for row in project.results()]
