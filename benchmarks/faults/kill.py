"""R1: `kill -9` at random moments, then the same command again with `--ailoop-resume`."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench, Line, at_most, exactly
from benchmarks.faults._evals import ended, records, started
from benchmarks.measure import Failed
from benchmarks.project import Project

_BODY = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="bench")
async def test_{0}(case, llm):
    note("bodies.log", case.id)
    reply = await llm(case.input)
    expect(reply).to(contains("answer"))
"""

#: Notes apart from the plugin: which bodies began, and which items pytest was through with.
_NOTES = """
import os, pathlib

def note(name, text):
    path = pathlib.Path(__file__).with_name(name)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, (text + chr(10)).encode())
    os.close(handle)
"""
_CONFTEST = """
import pytest
from notes import note

@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid):
    note("finished.log", nodeid.partition("[")[2].partition("-bench")[0])
"""

CONCURRENCY = 4


@dataclass
class Count:
    """What was found wrong, over all kills."""

    kills: int = 0
    completed: int = 0
    lost: int = 0
    twice: int = 0
    unequal: int = 0
    most_repeats: int = 0
    kept: list[int] = field(default_factory=list)


def run(bench: Bench) -> Iterator[Line]:
    kills = 10 if bench.quick else 100
    count = Count()
    drawn = random.Random(1)
    bench.server.set(latency=0.05, log=True)
    expected = _unbroken(bench)
    while count.kills < kills:
        _campaign(bench, drawn, count, expected)
    name = f"R1 {count.kills} kills, {count.completed} runs of {len(expected)} items to their end"
    kept = sum(count.kept) / max(1, len(count.kept))
    yield exactly(f"{name}: finished results lost", count.lost, 0, detail=f"{kept:.0f} kept a time")
    yield exactly(f"{name}: counted twice or not at all", count.twice, 0)
    yield exactly(f"{name}: unlike an unbroken run", count.unequal, 0)
    yield at_most("R1 calls repeated after one kill", count.most_repeats, CONCURRENCY)


def _project(bench: Bench) -> Project:
    # More than a second of calls, so that most kills meet a run in its middle.
    evals = Project(bench.fresh("kill"), bench.server.url, _BODY, 100)
    body = (evals.folder / "test_eval.py").read_text(encoding="utf-8")
    evals.write("test_eval.py", f"from notes import note\n{body}")
    evals.write("notes.py", _NOTES)
    evals.write("conftest.py", _CONFTEST)
    return evals


def _unbroken(bench: Bench) -> list[Any]:
    evals = _project(bench)
    evals.run("--ailoop-resume", concurrency=CONCURRENCY)
    return _results(evals)


def _results(evals: Project) -> list[Any]:
    """Return the last run's records, without where a reply came from: an answer of the killed
    run comes from the cache."""
    found: list[Any] = evals.results()
    for record in found:
        for call in record["calls"]:
            del call["origin"]
    return found


def _campaign(bench: Bench, drawn: random.Random, count: Count, expected: list[Any]) -> None:
    """Run a project to its end through as many kills as it meets."""
    evals = _project(bench)
    bench.server.set(latency=0.05, log=True)
    asked: Counter[str] = Counter()
    while True:
        finished, began = _noted(evals, "finished.log"), len(_noted(evals, "bodies.log"))
        was_killed = _killed(evals, began + drawn.randint(0, 40), drawn.uniform(0, 0.06))
        again = _noted(evals, "bodies.log")[began:]
        count.lost += len(set(finished) & set(again))
        now = Counter(question for _, question in bench.server.log()[asked.total() :])
        if asked:
            count.most_repeats = max(count.most_repeats, sum((asked & now).values()))
        asked += now
        count.kills += was_killed
        # A kill on the way out, after all was written, ends a whole run.
        if not was_killed or len(records(evals)) == len(expected):
            break
        count.kept.append(len(set(finished)))
    count.completed += 1
    found = _results(evals)
    count.twice += sum(number != 1 for number in Counter(one["nodeid"] for one in found).values())
    count.twice += len(expected) - len({one["nodeid"] for one in found})
    count.unequal += found != expected


def _killed(evals: Project, bodies: int, later: float) -> bool:
    """Run the command, kill it *later* than it began that many bodies; return whether it came to
    that. By the work done, not by the clock: on a busy machine kills would all meet start-ups."""
    command = evals.command("--ailoop-resume", concurrency=CONCURRENCY)
    with started(command, evals.folder) as (process, output):
        while process.poll() is None and len(_noted(evals, "bodies.log")) < bodies:
            time.sleep(0.005)
        time.sleep(later)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode == -signal.SIGKILL:
            return True
        done = ended(process, output, 1)
    if done.code != 0:
        raise Failed(f"a resumed run ended with {done.code}:\n{done.said[-2000:]}")
    return False


def _noted(evals: Project, name: str) -> list[str]:
    path: Path = evals.folder / name
    return path.read_text(encoding="utf-8").split() if path.exists() else []
