"""What bodies that run ahead print, log and take in time belongs to their items."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest

from tests.fakes.crowd import MeetingServer, gather

#: Keeps what each report says was captured.
KEEP = """
import json
import pathlib

def pytest_runtest_logreport(report):
    if report.when == "call":
        kept = [report.nodeid.partition("::")[2], report.capstdout, report.capstderr, report.caplog]
        with pathlib.Path(__file__).with_name("kept.jsonl").open("a") as file:
            file.write(json.dumps(kept) + "\\n")
"""
SAYS = """
import logging
import sys
import openai
from crowd import two

client = openai.OpenAI()
log = logging.getLogger("speaker")

def say(case, what):
    print(what, case.id)
    print(what, case.id, "!", file=sys.stderr)
    log.warning("%s %s", what, case.id)

@pytest.mark.ailoop("cases.jsonl")
async def test_async(case):
    say(case, "begins")
    await two.meet()
    say(case, "ends")
    assert case

@pytest.mark.ailoop("cases.jsonl")
def test_sync(case):
    say(case, "begins")
    asked = [{"role": "user", "content": case.input}]
    client.chat.completions.create(model="fake", messages=asked)
    say(case, "ends")
    assert case

def test_ordinary():
    print("begins ordinary")
"""


@pytest.fixture
def meeting(meeting: MeetingServer) -> MeetingServer:
    meeting.wanted = 2
    return meeting


def kept(project) -> dict[str, list[str]]:
    lines = (project.path / "kept.jsonl").read_text("utf-8").splitlines()
    return {name: texts for name, *texts in map(json.loads, lines)}


def names(count: int) -> list[str]:
    return [f"{kind}[c{n:02}]" for kind in ("test_async", "test_sync") for n in range(count)]


@pytest.mark.parametrize("capture", ["sys", "fd", "tee-sys"])
def test_captured_output_belongs_to_its_item(project, meeting, capture):
    """Each report holds what its own body printed and logged, whole and in order."""
    gather(project, 4)
    project.write("conftest.py", KEEP)
    project.eval(SAYS)
    project.run(f"--capture={capture}").assert_outcomes(passed=9)
    found = kept(project)
    assert [*names(4), "test_ordinary"] == list(found)
    for name in names(4):
        case = name[-4:-1]
        out, err, log = found[name]
        assert f"begins {case}\nends {case}\n" == out
        assert f"begins {case} !\nends {case} !\n" == err
        assert ["begins", "ends"] == [line.split()[-2] for line in log.splitlines()], log
        assert {case} == {line.split()[-1] for line in log.splitlines()}
    assert "begins ordinary\n" == found["test_ordinary"][0]


def test_captured_output_on_workers(project, meeting):
    """The same on two workers."""
    gather(project, 4)
    project.write("conftest.py", KEEP)
    project.eval(SAYS)
    project.run("-n", "2").assert_outcomes(passed=9)
    found = kept(project)
    cases = {name: name[-4:-1] for name in names(4)}
    expected = {name: f"begins {case}\nends {case}\n" for name, case in cases.items()}
    assert expected == {name: found[name][0] for name in names(4)}


@pytest.mark.parametrize("switch", ["-s", "--capture=no"])
def test_uncaptured_output_comes_in_order(project, meeting, switch):
    """With `-s` the lines of an item stand together, in the order of turns."""
    gather(project, 4)
    project.eval(SAYS)
    result = project.run(switch, "-p", "no:logging")
    result.assert_outcomes(passed=9)
    said = [line.lstrip(".").partition("test_eval.py ")[2] or line for line in result.outlines]
    said = [line.lstrip(".") for line in said if "begins" in line or "ends" in line]
    expected = [f"{what} {name[-4:-1]}" for name in names(4) for what in ("begins", "ends")]
    assert [*expected, "begins ordinary"] == said


def test_live_logs_stand_below_their_item(project, meeting):
    """`log_cli` shows each record below the item whose body logged it."""
    gather(project, 3)
    project.eval(SAYS)
    result = project.run("-o", "log_cli=true", "-v")
    result.assert_outcomes(passed=7)
    place, seen = "", []
    for line in result.outlines:
        if line.startswith("test_eval.py::"):
            place = line.split("::")[1].split()[0]
        elif "WARNING" in line and "speaker:" in line:
            seen.append((place, *line.split()[-2:]))
    assert [(name, what, name[-4:-1]) for name in names(3) for what in ("begins", "ends")] == seen


def test_a_failure_shows_its_own_output(project, meeting):
    """The sections of a failure hold what its body put out, and nothing of the others."""
    gather(project, 4)
    project.eval(SAYS.replace("    assert case\n", '    assert case.id != "c02"\n'))
    result = project.run()
    result.assert_outcomes(passed=7, failed=2)
    said = [line for line in result.outlines if line.startswith(("begins", "ends", "WARNING"))]
    assert 12 == len(said)
    assert {"c02"} == {line.removesuffix(" !").split()[-1] for line in said}


TIMES = """
import asyncio
from crowd import Crowd

crowd = Crowd(4)

@pytest.fixture(autouse=True, scope="module")
def _first():
    pass

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case, record_testsuite_property):
    await crowd.meet()
    print("says", case.id)
    record("length", len(case.id))
    await asyncio.sleep(0.6 if case.id == "c00" else 0.3)
    assert case.id != "c03"
"""


def test_junit(project):
    """Each test case has its own time, output and properties, though all were waited for by one."""
    gather(project, 4)
    project.eval(TIMES)
    project.run("--junit-xml=out.xml", "-o", "junit_logging=all").assert_outcomes(
        passed=3, failed=1
    )
    found = list(ElementTree.parse(project.path / "out.xml").iter("testcase"))
    assert [f"test_it[c{n:02}]" for n in range(4)] == [one.get("name") for one in found]
    for case, one in zip(("c00", "c01", "c02", "c03"), found, strict=True):
        own = 0.6 if case == "c00" else 0.3
        assert own <= float(one.get("time", 0)) < own + 0.25, case
        assert f"says {case}" in "".join(out.text or "" for out in one.iter("system-out"))
        assert 1 == "".join(out.text or "" for out in one.iter("system-out")).count("says")
        properties = {each.get("name"): each.get("value") for each in one.iter("property")}
        assert "3" == properties["ailoop.length"]
    assert 1 == len(list(found[3].iter("failure")))


def durations(result) -> dict[str, float]:
    """Return what `--durations=0 -vv` says of each call."""
    calls = [line.split() for line in result.outlines if " call " in line and "::" in line]
    return {line[-1].rpartition("[")[2][:-1]: float(line[0][:-1]) for line in calls}


def test_durations(project):
    """`--durations` names the time that each body took by itself."""
    gather(project, 4)
    project.eval(TIMES)
    found = durations(project.run("--durations=0", "-vv"))
    assert {"c00", "c01", "c02", "c03"} == set(found)
    assert 0.6 <= found["c00"] < 0.85
    assert all(0.3 <= found[name] < 0.55 for name in ("c01", "c02", "c03")), found


def test_durations_of_sync_bodies(project, meeting):
    """A sync body's time holds none in which others had their turn to compute."""
    gather(project, 6)
    project.eval(
        """
import time
import openai

client = openai.OpenAI()

@pytest.mark.ailoop("cases.jsonl")
def test_it(case):
    time.sleep(0.1)
    asked = [{"role": "user", "content": case.input}]
    client.chat.completions.create(model="fake", messages=asked)
    time.sleep(0.1)
    assert case
"""
    )
    meeting.wanted = 1
    result = project.run("--durations=0", "-vv")
    result.assert_outcomes(passed=6)
    found = durations(result)
    assert 6 == len(found)
    assert 0.2 <= min(found.values())
    assert sorted(found.values())[2] < 0.6, found  # Six of them computed for 1.2 seconds.
