"""pytest-timeout beside bodies that run ahead: the right item is red, and only that one."""

from __future__ import annotations

import pytest

from tests.fakes.crowd import SIGNAL, evals, outcomes

HANGS = """
@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await crowd.meet()
    if case.id == "c02":
        await asyncio.sleep(30)  # where it hangs
    assert case
"""


@pytest.mark.parametrize(
    "how",
    [["--timeout=1"], ["--timeout=1", "-o", "timeout_func_only=true"]],
    ids=["whole item", "func_only"],
)
def test_an_async_body_hangs(project, how):
    """The item that hangs is red, and shows the user's line; those begun beside it are not."""
    evals(project, HANGS)
    result = project.run(*how, *SIGNAL)
    assert "PPFPP" == outcomes(project)
    result.stdout.fnmatch_lines(
        [
            "*_ test_it?c02? _*",
            "*>*await asyncio.sleep(30)  # where it hangs*",
            "*Failed: Timeout (>1.0s) from pytest-timeout*",
        ]
    )
    assert "Timeout" in project.results()[2]["fault"]["message"]


def test_an_async_body_hangs_on_a_worker(project):
    """The same on two workers."""
    evals(project, HANGS, many=2)
    project.run("--timeout=1", *SIGNAL, "-n", "2")
    assert "PPFPP" == outcomes(project)


def test_the_marker(project):
    """`@pytest.mark.timeout` sets the time of its items alone."""
    evals(
        project,
        """
@pytest.mark.timeout(0.5)
@pytest.mark.ailoop("cases.jsonl")
async def test_a_short(case):
    await crowd.meet()
    await asyncio.sleep(30 if case.id == "c01" else 0)
    assert case

@pytest.mark.ailoop("cases.jsonl")
async def test_b_long(case):
    await asyncio.sleep(0.8)
    assert case
""",
    )
    project.run(*SIGNAL, "--timeout=20")
    assert "PFPPP" + "PPPPP" == outcomes(project)


def test_a_sync_body_hangs(project):
    """A sync body that blocks is red, and shows the user's line; the rest goes on."""
    evals(
        project,
        """
@pytest.mark.ailoop("cases.jsonl")
def test_it(case):
    if case.id == "c02":
        time.sleep(3)  # where it hangs
    assert case
""",
    )
    result = project.run("--timeout=1", *SIGNAL)
    assert "PPFPP" == outcomes(project)
    result.stdout.fnmatch_lines(["*time.sleep(3)  # where it hangs*", "*Failed: Timeout*"])


def test_a_sync_body_computes_without_end(project):
    """It is red, shows the user's line, and does not go on beside the others."""
    evals(
        project,
        """
turns = [0]

@pytest.mark.ailoop("cases.jsonl")
def test_it(case):
    while case.id == "c02": turns[0] += 1  # without end
    assert case

def test_the_end():
    time.sleep(0.1)
    before = turns[0]
    time.sleep(0.1)
    assert turns[0] == before > 0
""",
    )
    result = project.run("--timeout=1", *SIGNAL)
    result.assert_outcomes(passed=5, failed=1)
    assert "PPFPP" == outcomes(project)
    result.stdout.fnmatch_lines(["*_ test_it?c02? _*", "*# without end*", "*Failed: Timeout*"])


def test_an_async_body_computes_without_end(project):
    """The same of an async one; those that it kept waiting are not to blame."""
    evals(
        project,
        """
@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    while case.id == "c02": pass  # without end
    assert case
""",
    )
    result = project.run("--timeout=1", *SIGNAL)
    assert "PPFPP" == outcomes(project)
    result.stdout.fnmatch_lines(["*_ test_it?c02? _*", "*# without end*", "*Failed: Timeout*"])


def test_two_hang_each_in_its_own_way(project):
    """One waits and one blocks the thread; each is red by its own line."""
    evals(
        project,
        """
@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await crowd.meet()
    if case.id == "c00":
        await asyncio.sleep(30)  # waits
    if case.id == "c01":
        time.sleep(30)  # blocks
    assert case
""",
    )
    result = project.run("--timeout=1", *SIGNAL)
    assert "FFPPP" == outcomes(project)
    result.stdout.fnmatch_lines(["*>*asyncio.sleep(30)  # waits*", "*>*time.sleep(30)  # blocks*"])


def test_a_blocker_with_time_left_is_green(project):
    """What blocked while another's time ran out, but within its own, passes."""
    evals(
        project,
        """
@pytest.mark.timeout(0.5)
@pytest.mark.ailoop
async def test_hangs():
    await crowd.meet()
    await asyncio.sleep(30)

@pytest.mark.timeout(20)
@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await crowd.meet()
    if case.id == "c01":
        time.sleep(1)
    assert case
""",
    )
    project.run(*SIGNAL)
    assert "FPPPPP" == outcomes(project)


def test_time_before_its_turn_counts(project):
    """A body that was at work before its turn has that much less time left in it."""
    evals(
        project,
        """
@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await crowd.meet()
    await asyncio.sleep({"c00": 0.6, "c01": 1.4}.get(case.id, 0))
    assert case
""",
    )
    project.run("--timeout=1", *SIGNAL)
    assert "PFPPP" == outcomes(project)


def test_a_body_that_took_too_long_before_its_turn(project):
    """One that is over when its turn comes, and took longer than it may, is red by itself."""
    evals(
        project,
        """
@pytest.mark.timeout(20)
@pytest.mark.ailoop
async def test_first():
    await crowd.meet()
    await asyncio.sleep(1)
    assert True

@pytest.mark.timeout(0.2)
@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await crowd.meet()
    await asyncio.sleep(0.5 if case.id == "c01" else 0)
    assert case
""",
    )
    project.run(*SIGNAL)
    assert "PPFPPP" == outcomes(project)


def test_an_item_of_its_own_turn(project):
    """One that runs in its own turn is cut there, and those that run ahead are not."""
    evals(
        project,
        """
@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await crowd.meet()
    assert case

@pytest.mark.timeout(0.5)
@pytest.mark.ailoop("cases.jsonl")
async def test_own(case, tmp_path):
    await asyncio.sleep(30 if case.id == "c01" else 0)  # here
    assert case
""",
    )
    result = project.run(*SIGNAL)
    assert "PPPPP" + "PFPPP" == outcomes(project)
    result.stdout.fnmatch_lines(["*>*await asyncio.sleep(30*# here*"])
