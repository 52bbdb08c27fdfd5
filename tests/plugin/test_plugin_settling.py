"""Early stop: items that no gate needs any more are settled, not run."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from pytest_ailoop.cli import main
from pytest_ailoop.gates.stopping import order

EVAL = """
import asyncio

@pytest.mark.ailoop(dataset="cases.jsonl", gate=[pass_rate(0.5)], stop="settled")
async def test_it(case):
    await asyncio.sleep(0.01)
    expect(case.input).to(equals(case.expected))
"""


def test_what_passes_for_sure_is_settled(many: Any, workers: tuple[str, ...]) -> None:
    """37 of 60 prove a rate of 50 %: the verdict is theirs alone, whoever ran more."""
    project = many("pass_rate(0.5)")
    result = project.run(*workers)
    assert pytest.ExitCode.OK == result.ret
    found = project.counts
    assert 60 == found["passed"] + found["settled"]
    assert found["passed"] == 37 or (workers and found["passed"] > 37)
    assert found["settled"] == result.parseoutcomes().get("settled", 0)
    (gate,) = project.run_json()["gates"]
    assert ("passed", 37, 37, 60) == (
        gate["status"],
        gate["cases"],
        gate["facts"]["settled_after"],
        gate["facts"]["settled_of"],
    )
    result.stdout.fnmatch_lines(["*pass_rate(0.5): passed, 100% [[]*[]], settled after 37 of 60*"])


def test_of_chosen_cases_nothing_is_settled(many: Any, workers: tuple[str, ...]) -> None:
    """They are run for their own sake: no gate decides over them. A sample may stop early."""
    project = many("pass_rate(0.5)")
    rows = [
        {"id": f"c{at}", "input": "x", "expected": "x", "tags": ["most"] * (at < 50)}
        for at in range(60)
    ]
    project.rows(rows)
    for args, settled in ((("--ailoop-tag=most",), False), (("--ailoop-sample=50",), True)):
        project.run(*args, *workers)
        (gate,) = project.run_json()["gates"]
        status = "passed" if settled else "inconclusive"
        assert (status, settled) == (gate["status"], bool(project.counts.get("settled")))


def test_a_run_that_stopped_early_says_so(many: Any) -> None:
    """In its header, in its rows and in what makes it a part; a plan says that it may ask less."""
    project = many("pass_rate(0.5)")
    result = project.run("--ailoop-seed=3")
    result.stdout.fnmatch_lines(["*stop=settled seed=3*", "*23 items settled, not run*"])
    plan = project.run_json()["plan"]
    assert ["stopped early: settled after 37 of 60 items"] == plan["narrowed"]
    assert {"by": "cases", "seed": 3, "first": 1, "most": 1} == plan["tests"][0]["stopping"]
    project.run("--ailoop-plan").stdout.fnmatch_lines(["this is at most: *"])


BARRIER = """
import os, pathlib, time, pytest

@pytest.fixture(scope="session", autouse=True)
def both():
    pathlib.Path(os.environ["PYTEST_XDIST_WORKER"] + ".here").touch()
    for _ in range(1000):
        if len(list(pathlib.Path().glob("*.here"))) == 2:
            return
        time.sleep(0.01)
"""


def test_workers_tell_each_other_what_is_settled(many: Any) -> None:
    """Side by side they stop together, and leave no file behind."""
    project = many("pass_rate(0.1)", n=200)
    project.write("conftest.py", BARRIER)
    project.eval(
        "import time\n"
        '@pytest.mark.ailoop(dataset="cases.jsonl", gate=[pass_rate(0.1)], stop="settled")\n'
        "def test_it(case):\n"
        "    time.sleep(0.01)\n"
        "    expect(case.input).to(equals(case.expected))\n"
    )
    project.run("-n", "2")
    assert project.counts["settled"] > 50
    assert not list((project.path / ".ailoop").glob("session-*"))


def test_what_is_hopeless_is_settled(many: Any, workers: tuple[str, ...]) -> None:
    """A gate that can only fail fails, and the rest is not run."""
    project = many("pass_rate(0.5)", passing=False)
    result = project.run(*workers)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    found = project.counts
    assert found["settled"] == 23 or workers
    assert 60 == found["missed"] + found["settled"]
    assert "failed" == project.run_json()["gates"][0]["status"]


def test_the_verdict_does_not_depend_on_workers_or_running_ahead(many: Any) -> None:
    """One process, one item at a time, and two workers say the same to the last figure."""
    project = many("pass_rate(0.5), every_case()", passing=False)
    said = []
    for args in ((), ("--ailoop-lookahead=0",), ("-n", "2")):
        project.run(*args)
        said.append(project.run_json()["gates"])
    assert said[0] == said[1] == said[2]


def test_running_ahead_asks_nothing_in_vain(many: Any) -> None:
    """Bodies begin early only where their results are needed for sure."""
    project = many("pass_rate(0.5)")
    project.eval(EVAL)
    project.run()
    assert 37 == project.counts["passed"]


def test_nothing_stops_early_unasked(many: Any) -> None:
    """Without stop= or --ailoop-stop every case runs; the option asks for all tests."""
    project = many("pass_rate(0.5)", "")
    project.run()
    assert 60 == project.counts["passed"]
    project.run("--ailoop-stop=settled")
    assert 23 == project.counts["settled"]


def test_the_marker_goes_before_the_option(many: Any) -> None:
    """A test that is never to stop early does not."""
    project = many("pass_rate(0.5)", 'stop="never"')
    project.run("--ailoop-stop=settled")
    assert 60 == project.counts["passed"]


def test_settled_items_have_a_letter_and_a_reason(many: Any) -> None:
    """A dash, SETTLED in words, and a skip with the reason in junit."""
    project = many("pass_rate(0.5)")
    result = project.run("--junitxml=junit.xml")
    result.stdout.fnmatch_lines(["test_eval.py *.-*"])
    suite = ET.parse(project.path / "junit.xml").getroot()[0]
    reasons = [part.attrib["message"] for one in suite for part in one if part.tag == "skipped"]
    assert ["settled after 37 of 60 cases"] * 23 == reasons
    project.run("-v").stdout.fnmatch_lines(["*test_it[[]c*[]] SETTLED*"])


def test_fixtures_of_settled_items_are_not_set_up(many: Any) -> None:
    """Nothing of theirs runs, and what others left set up is torn down as ever."""
    project = many("pass_rate(0.5)")
    project.eval(
        """
import pathlib

def saw(what):
    with pathlib.Path("seen.txt").open("a") as file:
        file.write(what + " ")

@pytest.fixture(scope="module")
def wide():
    yield
    saw("end")

@pytest.fixture
def own(case):
    saw("own")

@pytest.mark.ailoop(dataset="cases.jsonl", gate=[pass_rate(0.5)], stop="settled")
def test_it(case, own, wide):
    expect(case.input).to(equals(case.expected))
"""
    )
    project.run()
    seen = (project.path / "seen.txt").read_text("utf-8").split()
    assert ["own"] * 37 + ["end"] == seen


def test_of_a_part_nothing_is_settled(many: Any, workers: tuple[str, ...]) -> None:
    """-k leaves no fair sample: what is left runs, and the gate decides nothing."""
    project = many("pass_rate(0.1)")
    result = project.run("-k", "c1 or c2 or c3", *workers)
    assert 0 == project.counts["settled"]
    result.stdout.fnmatch_lines(["*pass_rate(0.1): inconclusive*", "*not decided:*"])


def test_a_run_that_becomes_the_baseline_is_whole(many: Any, workers: tuple[str, ...]) -> None:
    """Accepting stops nowhere, neither by cases nor by rounds."""
    project = many("pass_rate(0.5)")
    project.run("--snapshot-update", *workers)
    assert 60 == project.counts["passed"]
    assert 60 == project.baseline().read_text("utf-8").count('"case": "c')
    many("pass_rate(0.5)", 'trials="auto"', n=40).run("--snapshot-update", *workers)
    assert 200 == project.counts["passed"]


def test_a_run_that_stopped_early_is_not_accepted(
    many: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ailoop accept` refuses it and says what to do; with --force it takes what ran."""
    project = many("pass_rate(0.5)")
    project.run()
    monkeypatch.chdir(project.path)
    capsys.readouterr()
    assert 1 == main(["accept"])
    assert "not accepted: the run stopped early" in capsys.readouterr().out
    assert not project.baseline().exists()
    assert 0 == main(["accept", "--force"])
    assert 37 == project.baseline().read_text("utf-8").count('"case": "c')


def test_the_verdict_file_tells_a_settled_run_from_a_cut_one(many: Any) -> None:
    """What was settled is no result that is lacking."""
    project = many("pass_rate(0.5)")
    project.run("--ailoop-verdict-file=verdict.json")
    found = json.loads((project.path / "verdict.json").read_text("utf-8"))
    assert ("passed", 23) == (found["verdict"], found["counts"]["settled"])


def test_resumed_results_count(many: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is gone on with is settled by what was kept, too."""
    project = many("pass_rate(0.5)")
    project.eval(
        "import os\n"
        '@pytest.mark.ailoop(dataset="cases.jsonl", gate=[pass_rate(0.5)], stop="settled")\n'
        "def test_it(case):\n"
        '    if case.id == os.environ.get("STOPS_AT"):\n'
        "        raise KeyboardInterrupt\n"
        "    expect(case.input).to(equals(case.expected))\n"
    )
    monkeypatch.setenv("STOPS_AT", order(0, [f"c{at}" for at in range(60)])[29])
    project.run_apart("--ailoop-lookahead=0")
    monkeypatch.delenv("STOPS_AT")
    result = project.run_apart("--ailoop-resume")
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["*settled after 37 of 60*", "*kept 29 of 60 items*"])
    assert 37 == project.counts["passed"]


def test_last_failed_keeps_what_was_settled(many: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item that could not be measured stays on the list of `--lf` until it runs."""
    project = many("pass_rate(0.5)")
    project.eval(
        "import os\n"
        '@pytest.mark.ailoop(dataset="cases.jsonl", gate=[pass_rate(0.5)])\n'
        "def test_it(case):\n"
        '    if case.id == os.environ.get("BREAKS"):\n'
        '        raise AiloopError("no reply")\n'
        "    expect(case.input).to(equals(case.expected))\n"
    )
    last = order(0, [f"c{at}" for at in range(60)])[59]
    monkeypatch.setenv("BREAKS", last)
    project.run(on=["cacheprovider"])
    monkeypatch.delenv("BREAKS")
    project.run("--ailoop-stop=settled", on=["cacheprovider"])
    assert 23 == project.counts["settled"]
    listed = (project.path / ".pytest_cache" / "v" / "cache" / "lastfailed").read_text("utf-8")
    assert f"test_eval.py::test_it[{last}]" in json.loads(listed)


def test_a_comparison_stops_early(many: Any, workers: tuple[str, ...]) -> None:
    """Where nothing changed it is the same before the last case; p-values are for both halves."""
    project = many("no_regression(0.1)", n=120)
    project.run("--snapshot-update")
    project.run(*workers)
    (gate,) = project.run_json()["gates"]
    assert ("same", 57, 120) == (
        gate["status"],
        gate["facts"]["settled_after"],
        gate["facts"]["settled_of"],
    )


def test_an_attempt_that_another_follows_settles_nothing(many: Any) -> None:
    """pytest-rerunfailures tries an item again: other workers go on until its last result."""
    project = many("every_case()", n=12)
    first = order(0, [f"c{at}" for at in range(12)])[0]
    project.eval(
        "import time\n"
        "from pathlib import Path\n"
        '@pytest.mark.ailoop(dataset="cases.jsonl", gate=[every_case()], stop="settled")\n'
        "def test_it(case):\n"
        '    ran = Path(f"{case.id}.ran")\n'
        f'    if case.id == "{first}" and not ran.exists():\n'
        "        ran.touch()\n"
        '        raise RuntimeError("once")\n'
        "    ran.touch()\n"
        f'    for _ in range(300 if case.id == "{first}" else 2):\n'
        '        if len(list(Path().glob("*.ran"))) < 5:\n'
        "            time.sleep(0.01)\n"
        "    expect(case.input).to(equals(case.expected))\n"
    )
    result = project.run("-n", "2", "--reruns=1", on=["rerunfailures"])
    assert pytest.ExitCode.OK == result.ret
    assert 12 == project.counts["passed"]
