"""Ways of xdist to share items out: with each, many run at once on every worker."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.fakes.crowd import MeetingServer, gather, notes

EVAL = """
pytestmark = pytest.mark.ailoop("cases.jsonl", model="m")

async def test_it(case, llm):
    reply = await llm(case.input, max_tokens=8)
    expect(reply).to(contains("question"))
"""


class LateMeeting(MeetingServer):
    """Lets the first requests through, and the others once so many of them are in flight."""

    def __init__(self, free: int, **how: Any) -> None:
        super().__init__(**how)
        self.free = free

    def received(self, request: dict[str, Any]) -> tuple[int, dict[str, str]] | None:
        if self.free:
            self.free -= 1
            self.requests.append(request)
            return None
        return super().received(request)


@pytest.fixture
def server(project):
    # Before a worker has told of evals, xdist gives it two or three items.
    with LateMeeting(free=6, wanted=8) as running:
        table = f'[tool.ailoop.models.m]\nmodel = "fake"\nbase_url = "{running.url}"\n'
        project.write("pyproject.toml", table)
        yield running


def ran(project: Any, *args: str) -> list[dict[str, Any]]:
    """Run anew; return the records without what a clock measured."""
    shutil.rmtree(project.path / ".ailoop", ignore_errors=True)
    result = project.run("--ailoop-concurrency=8", *args)
    assert 0 == result.ret
    found = project.results()
    for record in found:
        for call in record["calls"]:
            call.update(latency=None, first_token=None)
    return found


@pytest.mark.parametrize("dist", ["load", "loadgroup", "worksteal"])
def test_each_worker_runs_its_share_at_once(project, server, dist):
    """As many calls are in flight as the limit allows, and all is as in one process."""
    gather(project, 40)
    project.eval(EVAL)
    alone = ran(project)
    assert 40 == server.calls
    server.free, server.most = 6, 0
    assert alone == ran(project, "-n", "2", f"--dist={dist}")
    assert (80, 8) == (server.calls, server.most)


@pytest.mark.parametrize("dist", ["loadfile", "loadscope"])
def test_each_worker_looks_into_the_next_files(project, server, dist):
    """Evals of several small files run side by side on one worker, too."""
    gather(project, 1)
    for number in range(32):
        project.rows([{"id": "c", "input": f"question {number}"}], f"cases{number}.jsonl")
        project.eval(EVAL.replace("cases", f"cases{number}"), f"test_{number:02}.py")
    ran(project, "-n", "2", f"--dist={dist}")
    assert (32, 8) == (server.calls, server.most)


def test_where_all_workers_run_all_items_each_reply_is_paid_once(project, server):
    """With `--dist=each` the records are as in one process, too, though most replies were found."""
    gather(project, 8)
    project.eval(EVAL)
    server.free = 100
    alone = ran(project)
    assert alone == ran(project, "-n", "2", "--dist=each")
    assert 16 == server.calls


def test_another_plugins_scheduler_stays(project):
    """What a conftest makes is used as it is."""
    gather(project, 4)
    project.eval("@pytest.mark.ailoop('cases.jsonl')\ndef test_it(case):\n    assert case.id\n")
    project.write(
        "conftest.py",
        """
from crowd import note
from xdist.scheduler import LoadScheduling

class Mine(LoadScheduling):
    pass

made = []

def pytest_xdist_make_scheduler(config, log):
    made.append(Mine(config, log))
    return made[0]

def pytest_sessionfinish(session):
    if made:
        used = session.config.pluginmanager.getplugin("dsession").sched
        note("used" if used is made[0] else "replaced")
""",
    )
    project.run("-n", "2").assert_outcomes(passed=4)
    assert "used" in notes(project)


def test_a_crash_ends_few_workers(project, server):
    """What takes its worker down is found in its own turn by the next one, and others finish."""
    server.free = 1000
    gather(project, 40)
    project.eval(
        """
import asyncio, os

@pytest.mark.ailoop("cases.jsonl", model="m")
async def test_it(case, llm):
    await asyncio.sleep(0.02 if case.id == "c30" else 0.2)
    if case.id == "c30":
        os._exit(3)
    await llm(case.input, max_tokens=8)
"""
    )
    # syrupy warns of workers that it did not hear from.
    result = project.run("-n", "2", "--ailoop-concurrency=16", "-W", "default")
    crashes = [line for line in result.outlines if "node down" in line]
    missing = {f"c{number:02}" for number in range(40)}
    missing -= {one["key"]["case"] for one in project.results()}
    assert "c30" in missing
    assert (True, True) == (len(crashes) <= 3, len(missing) <= 3), (crashes, missing)
    result.stdout.fnmatch_lines(["* ran one at a time: a worker crashed before"])
