"""A partial run says so, prunes nothing, and replaces no line of what it did not measure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

EVAL = """
import json, pathlib

def answer(case):
    return json.loads(pathlib.Path(__file__).with_name("answers.json").read_text())[case.id]

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_a(case):
    expect(answer(case)).to(contains(case.expected))

@pytest.mark.slow
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_b(case):
    expect(answer(case)).to(contains(case.expected))
"""

ROWS = [
    {"id": "sun", "input": "the sun", "expected": "star", "tags": ["easy"]},
    {"id": "moon", "input": "the moon", "expected": "moon", "tags": ["hard"]},
    {"id": "io", "input": "io", "expected": "moon", "tags": ["hard"], "split": "test"},
    {"id": "mars", "input": "mars", "expected": "planet", "tags": ["easy"]},
]


@pytest.fixture
def accepted(planets):
    """Two tests over four cases with a baseline; since then each answer changed, and a row left."""
    planets.project.rows(ROWS)
    planets.project.eval(EVAL)
    planets.project.write("pytest.ini", "[pytest]\nmarkers = slow\n")
    planets.answer(io="a moon")
    planets.accept("--ailoop-split=all")
    planets.project.rows(ROWS[:-1])
    planets.answer(sun="a big star", moon="a big moon", io="a big moon")
    return planets


def names(lines):
    """Return `test case` of each case line."""
    found = set()
    for line in lines:
        parts = line.split('"')
        if '"case"' in line:
            found.add(f"{parts[3]} {parts[parts.index('case') + 2]}")
    return found


def check(accepted, before, touched, reason, left="mars"):
    """Only the lines of *touched* cases changed, none is removed, *reason* is told, and gone are
    called those cases alone that *left* the data set."""
    after = accepted.lines
    assert names(before) == names(after)
    assert set(touched) == names(set(after) - set(before))
    gone = [key for key, status in accepted.ended["changes"].items() if status == "missing"]
    assert all(key.partition(" ")[2] == left for key in gone)
    found = accepted.ended["incomplete"]
    assert any(reason in one for one in found), found


A, B = ["test_a sun", "test_a moon"], ["test_b sun", "test_b moon"]
SELECTIONS = [
    (["-k", "sun"], ["test_a sun", "test_b sun"], "2 items deselected"),
    (["-m", "not slow"], A, "2 items deselected"),
    (["test_eval.py::test_b"], B, "node ids on the command line"),
    (["{here}/test_eval.py::test_b"], B, "node ids on the command line"),
    (["test_eval.py::test_b[sun]", "test_eval.py::test_a"], [*A, "test_b sun"], "node ids"),
    (["--deselect=test_eval.py::test_a"], B, "2 items deselected"),
    (["--ailoop-tag=hard"], ["test_a moon", "test_b moon"], "tag hard"),
    (["--ailoop-tag=!hard"], ["test_a sun", "test_b sun"], "tag !hard"),
    (["--ailoop-case=sun"], ["test_a sun", "test_b sun"], "case sun"),
    (["--ailoop-split=test"], ["test_a io", "test_b io"], "of the baseline not run"),
    ([], [*A, *B], "2 cases of the baseline not run"),
]


@pytest.mark.parametrize(("args", "touched", "reason"), SELECTIONS)
def test_selections_touch_only_what_they_ran(accepted, args, touched, reason):
    """Whatever narrows a run, `--snapshot-update` writes the measured cases and removes none."""
    before = accepted.lines
    args = [one.format(here=accepted.project.path) for one in args]
    result = accepted.project.run("--snapshot-update", *args)
    assert 0 == result.ret
    check(accepted, before, touched, reason)
    result.stdout.fnmatch_lines(["incomplete: *"])


def test_a_complete_run_prunes(accepted):
    """The same with all cases: what is gone is removed, so the runs above had what to spare."""
    accepted.project.run("--snapshot-update", "--ailoop-split=all")
    assert not any("mars" in name for name in names(accepted.lines))
    assert [] == accepted.ended["incomplete"]


def test_a_test_of_which_nothing_was_selected_stays(accepted):
    """A test whose cases all fell to the selection is planned, not gone; its skip says why."""
    accepted.project.rows(
        [{"id": "sun", "input": "", "expected": "star", "tags": ["easy"]}], "b.jsonl"
    )
    accepted.project.eval(
        EVAL.replace(
            '@pytest.mark.slow\n@pytest.mark.ailoop(dataset="cases',
            '@pytest.mark.ailoop(dataset="b',
        )
    )
    accepted.accept("--ailoop-split=all")
    accepted.project.rows([ROWS[1], ROWS[2]])
    before = accepted.lines
    result = accepted.project.run(
        "--snapshot-update", "--ailoop-split=all", "--ailoop-tag=hard", "-rs"
    )
    assert {"test_b sun"} <= names(accepted.lines)
    result.stdout.fnmatch_lines(["SKIPPED * ailoop: tag hard leaves no case of b.jsonl"])
    check(accepted, before, [], "tag hard", left="sun")


def test_a_sample_touches_its_cases(accepted):
    """A sample is told with its size and seed, and touches the drawn cases."""
    before = accepted.lines
    accepted.project.run("--snapshot-update", "--ailoop-sample=1", "--ailoop-split=all")
    drawn = {row["key"]["case"] for row in accepted.project.results()}
    assert 1 == len(drawn)
    check(
        accepted,
        before,
        [f"{test} {drawn.copy().pop()}" for test in ("test_a", "test_b")],
        "sample 1 of 3, seed 0",
    )


@pytest.mark.parametrize("stop", [("-x",), ("--maxfail=1",), ("-x", "-n", "2")])
def test_a_stopped_run_touches_what_came_before(accepted, stop):
    """After the first failure nothing runs; what did not run keeps its lines."""
    accepted.answer(moon="cheese")
    before = accepted.lines
    result = accepted.project.run("--snapshot-update", *stop)
    assert 0 != result.ret
    ran = {f"{row['key']['test']} {row['key']['case']}" for row in accepted.project.results()}
    # Two workers may have all four in hand by then.
    assert ran < {*A, *B} or "-n" in stop
    check(accepted, before, ran, "stopped early: stopping after ")
    assert len([*A, *B]) == len(ran) + len(accepted.ended["missing"])


@pytest.mark.parametrize(("option", "reason"), [("--lf", "--lf"), ("--sw", "stopped early")])
def test_runs_of_the_last_failures_are_partial(accepted, option, reason):
    """`--lf` and `--sw` run what failed before, and touch no more."""
    accepted.answer(moon="cheese")
    plugins = ("-p", "cacheprovider", "-p", "stepwise")
    accepted.project.run(*plugins)
    before = accepted.lines
    accepted.project.run("--snapshot-update", *plugins, option)
    ran = {f"{row['key']['test']} {row['key']['case']}" for row in accepted.project.results()}
    assert ran < {*A, *B}
    check(accepted, before, ran, reason)


def test_fewer_trials_are_partial(accepted):
    """Fewer trials than the marker asks for are said, and prune nothing."""
    accepted.project.eval(EVAL.replace('.jsonl")', '.jsonl", trials=3)'))
    before = accepted.lines
    accepted.project.run("--ailoop-split=all", "--ailoop-trials=1", "--snapshot-update")
    check(accepted, before, [*A, *B, "test_a io", "test_b io"], "1 of 3 trials")


def test_lines_over_more_trials_are_kept(accepted):
    """A run that was given fewer trials than a line rests on leaves the line as it is, and says so;
    fewer trials in the marker are the eval's own and are accepted."""
    three = EVAL.replace('.jsonl")', '.jsonl", trials=3)')
    accepted.project.eval(three)
    accepted.project.run("--ailoop-split=all", "--snapshot-update")
    accepted.answer(sun="no star", moon="no moon", io="none")
    before = accepted.lines
    result = accepted.project.run("--ailoop-split=all", "--ailoop-trials=1", "--snapshot-update")
    assert before == accepted.lines
    result.stdout.fnmatch_lines(["*left 6 cases as accepted before: accepted over more trials*"])
    accepted.project.eval(three.replace("trials=3", "trials=2"))
    accepted.project.run("--ailoop-split=all", "--snapshot-update")
    assert names(set(accepted.lines) - set(before)) == {*A, *B, "test_a io", "test_b io"}


def test_a_module_that_cannot_be_collected_makes_the_run_partial(accepted):
    """With `--continue-on-collection-errors` the modules that could not be read are told."""
    accepted.project.write("test_broken.py", "import nothing_of_this_name\n")
    before = accepted.lines
    args = ("--snapshot-update", "--ailoop-split=all", "--continue-on-collection-errors")
    accepted.project.run(*args)
    check(accepted, before, [*A, *B, "test_a io", "test_b io"], "1 error during collection")


def test_a_run_that_ends_in_collection_keeps_nothing(accepted):
    """A collection error ends the session before any eval: no section and no run."""
    accepted.project.write("test_broken.py", "import nothing_of_this_name\n")
    runs = accepted.project.runs
    before = accepted.lines
    result = accepted.project.run("--snapshot-update")
    assert pytest.ExitCode.INTERRUPTED == result.ret
    assert "= ailoop =" not in result.stdout.str()
    assert (runs, before) == (accepted.project.runs, accepted.lines)


#: Leaves a file for each passed item of which the controlling process knows.
SEEN = """
import os, pathlib

def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed and "PYTEST_XDIST_WORKER" not in os.environ:
        pathlib.Path(f"seen-{report.nodeid[-4:-1]}").touch()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process")
def test_an_interrupted_run_touches_what_came_before(accepted, workers):
    """Ctrl-C: measured cases are accepted, the others keep their lines."""
    wait = "\nimport time\ndef wait():\n    time.sleep(30)\n"
    accepted.project.eval(EVAL.replace("def test_b(case):", "def test_b(case):\n    wait()") + wait)
    seen = accepted.project.path / "conftest.py"
    seen.write_text(seen.read_text("utf-8") + SEEN, "utf-8")
    before = accepted.lines
    quiet = ("-p", "no:asyncio", "-p", "no:randomly", "-p", "no:anyio", "-p", "no:cacheprovider")
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--snapshot-update", *quiet, *workers],
        cwd=accepted.project.path,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 30
    while len(list(accepted.project.path.glob("seen-*"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    shown, _ = running.communicate(timeout=20)
    assert pytest.ExitCode.INTERRUPTED == running.returncode, shown
    check(accepted, before, A, "stopped early: ")
    assert "incomplete: " in shown
