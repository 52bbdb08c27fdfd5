"""--ailoop-resume: what finished is kept, what was in flight runs, and both are told."""

from __future__ import annotations

import json
import os
import re
from xml.etree import ElementTree

import pytest

STOP = """
import os
from app import answer

def ran(name):
    handle = os.open("ran.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, (name + " ").encode())
    os.close(handle)

@pytest.fixture(autouse=True)
def around(request):
    ran("setup")

@pytest.mark.ailoop(dataset="cases.jsonl", prompt=["kind.md"])
def test_it(case, prompt, record_property):
    ran(case.id)
    record_property("who", case.id)
    print("asked for", case.id)
    if case.id == os.environ.get("STOPS_AT"):
        STOP
    expect(answer(case)).to(contains(case.expected))
"""

KINDS = {
    "interrupt": "raise KeyboardInterrupt",
    "exit": "os._exit(3)",
    "pytest.exit": "pytest.exit('enough')",
}
NAMES = ["one", "two", "three", "four", "five", "six", "seven"]
ROWS = [{"id": name, "input": name, "expected": name} for name in NAMES]
#: Ends the wait of the second worker for nothing: xdist gives a worker two items at least.
ALONE = ("-p", "no:randomly", "-W", "default")


@pytest.fixture
def stopping(project, monkeypatch):
    """A project of seven cases, the second of them failing, that stops in the sixth."""
    monkeypatch.setenv("STOPS_AT", "six")

    def make(kind="interrupt"):
        project.rows(ROWS)
        project.write("kind.md", "Kindly: {{ it }}\n")
        project.write("conftest.py", "")
        project.write("app.py", "def answer(case):\n    return case.input.replace('two', '2')\n")
        project.eval(STOP.replace("    STOP\n", f"    {KINDS[kind]}\n"))
        return project

    return make


def ran(project):
    """Return the bodies that ran since the last call."""
    path = project.path / "ran.log"
    found = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def bodies(project):
    return [name for name in ran(project) if name != "setup"]


def gone_on(project, *args):
    """Take the cause of the stop away, and resume; return the result."""
    os.environ.pop("STOPS_AT", None)
    return project.run_apart("--ailoop-resume", *ALONE, *args)


def said(result):
    """Return what was shown, wrapped lines put together again."""
    return re.sub(r"\n +", " ", result.stdout.str())


def outcomes(project):
    return {row["key"]["case"]: row["outcome"] for row in project.results()}


EXPECTED = {name: "failed" if name == "two" else "passed" for name in NAMES}


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_was_not_finished_runs(stopping, kind, workers):
    """However a run was stopped, its finished items are kept and the others run."""
    project = stopping(kind)
    first = project.run_apart(*ALONE, *workers, "--max-worker-restart=0" if workers else "-q")
    assert first.ret not in (0, 5)
    before = bodies(project)
    result = gone_on(project, *workers)
    assert 1 == result.ret
    assert EXPECTED == outcomes(project)
    again = bodies(project)
    assert "six" in again
    if not workers:
        assert NAMES[:6] == before
        assert ["six", "seven"] == again
        assert 2 == len(NAMES) - int(re.search(r"kept (\d+) of 7", result.stdout.str())[1])
    # With workers, what another one had finished and not yet told runs again.
    assert len(again) <= 4
    assert len(again) + int(re.search(r"kept (\d+) of 7", result.stdout.str())[1]) == 7


@pytest.mark.parametrize("kind", ["interrupt", "exit"])
def test_a_complete_run_leaves_nothing_to_resume(stopping, kind, workers):
    """After the end the journal is gone, and the next run says so."""
    project = stopping(kind)
    project.run_apart(*ALONE)
    gone_on(project, *workers)
    assert [] == list((project.path / ".ailoop" / "journal").iterdir())
    result = gone_on(project, *workers)
    result.stdout.fnmatch_lines(["resumed: nothing to resume: the last run ended complete"])
    assert set(NAMES) <= set(bodies(project))


def test_it_is_told_at_the_start_and_at_the_end(stopping):
    """Which run, how it ended, how many of which test, and that failures are among them."""
    project = stopping()
    first = project.run_apart(*ALONE)
    assert re.search(
        r"next: pytest .* --ailoop-resume  \(keeps the 5 finished items and goes on\)", said(first)
    )
    result = gone_on(project)
    assert re.search(r"ailoop: resume: 5 finished items in the run of \d\d:\d\d \(", said(result))
    assert re.search(
        r"resumed: kept 5 of 7 items from the run of \d\d:\d\d \(interrupted\): test_it 5 "
        r"1 of them had failed; without --ailoop-resume they run again\n",
        said(result),
    )


def test_workers_are_told_at_the_start(stopping):
    """Where workers collect, the controller tells what is there."""
    project = stopping()
    project.run_apart(*ALONE)
    result = gone_on(project, "-n", "2")
    result.stdout.fnmatch_lines(["ailoop: resume: 5 finished items in the run of ??:?? *"])


JUNIT = ("--junitxml=junit.xml", "-o", "junit_family=xunit1")


def story(text):
    """Return what pytest tells of failures, without what differs in each run."""
    _, _, failures = text.partition("= FAILURES =")
    return re.split("- generated xml|= ailoop =", failures)[0]


def junit(project):
    """Return what the junit file holds, but for times."""
    tree = ElementTree.parse(project.path / "junit.xml")
    for one in tree.iter():
        for name in ("time", "timestamp", "hostname"):
            one.attrib.pop(name, None)
        # Workers report in an order of their own.
        one[:] = sorted(one, key=ElementTree.tostring)
    return ElementTree.tostring(tree.getroot(), encoding="unicode")


def test_kept_items_look_as_they_did(stopping, workers):
    """Letters, failures with their output, junit and records are those of an unbroken run."""
    project = stopping()
    del os.environ["STOPS_AT"]
    unbroken = project.run_apart(*ALONE, *JUNIT)
    expected = junit(project), project.results(), story(unbroken.stdout.str())
    os.environ["STOPS_AT"] = "six"
    project.run_apart(*ALONE, *JUNIT)
    result = gone_on(project, *JUNIT, *workers)
    shown = story(result.stdout.str())
    shown = re.sub(r"\[gw\d\] .*\n", "", shown)
    found = junit(project), project.results(), shown
    assert "asked for two" in expected[2]
    assert expected == found
    if not workers:
        assert "test_eval.py .F....." in result.stdout.str()


def test_no_fixture_of_a_kept_item_is_set_up(stopping):
    """Kept items cost nothing; the others have all they ask for."""
    project = stopping()
    project.run_apart(*ALONE)
    ran(project)
    gone_on(project)
    assert ["setup", "six", "setup", "seven"] == ran(project)


@pytest.mark.parametrize(
    ("args", "kept", "ran_again"),
    [
        (("-k", "one or six"), 1, ["six"]),
        (("test_eval.py::test_it[three-kind]",), 1, []),
        (("--ailoop-case=five", "--ailoop-case=seven"), 1, ["seven"]),
    ],
)
def test_a_part_keeps_its_part(stopping, args, kept, ran_again):
    """With -k, node ids and --ailoop-case the rest stays kept for later."""
    project = stopping()
    project.run_apart(*ALONE)
    ran(project)
    result = gone_on(project, *args)
    result.stdout.fnmatch_lines([f"resumed: kept {kept} of * from the run of *"])
    assert ran_again == bodies(project)
    whole = gone_on(project)
    whole.stdout.fnmatch_lines([f"resumed: kept {5 + len(ran_again)} of 7 items *"])


def test_a_kept_failure_stops_as_it_did(stopping):
    """-x stops at a failure that is kept; the command that is shown goes on without -x."""
    project = stopping()
    first = project.run_apart(*ALONE, "-xv")
    assert " -v --ailoop-resume " in said(first)
    ran(project)
    result = gone_on(project, "-x")
    assert [] == bodies(project)
    result.stdout.fnmatch_lines(["resumed: kept 2 of 7 items*", "*stopping after 1 failures*"])
    result = gone_on(project)
    assert re.search(r"kept 2 of 7 items .* \(stopping after 1 failures\): ", said(result))
    assert NAMES[2:] == bodies(project)


@pytest.mark.parametrize("mode", ["live", "record"])
def test_fresh_answers_are_never_kept(stopping, mode):
    """Who asks for live answers gets none of an earlier run."""
    project = stopping()
    project.run_apart(*ALONE)
    ran(project)
    result = gone_on(project, f"--ailoop-replies={mode}")
    result.stdout.fnmatch_lines(
        [f"resumed: nothing kept: --ailoop-replies={mode} asks for fresh answers"]
    )
    assert NAMES == bodies(project)


def test_a_run_that_only_looks_touches_no_journal(stopping):
    """--collect-only neither tells nor takes anything."""
    project = stopping()
    project.run_apart(*ALONE)
    result = gone_on(project, "--collect-only")
    result.stdout.no_fnmatch_line("*resume*")
    gone_on(project).stdout.fnmatch_lines(["resumed: kept 5 of 7 items*"])


def test_many_stops_lose_nothing(stopping):
    """Stopped, resumed and stopped again: each item's body ends once."""
    project = stopping()
    seen = []
    for name in NAMES[1:]:
        os.environ["STOPS_AT"] = name
        project.run_apart(*ALONE, "--ailoop-resume")
        seen += bodies(project)
    del os.environ["STOPS_AT"]
    project.run_apart(*ALONE, "--ailoop-resume")
    seen += bodies(project)
    assert ["one", *(name for name in NAMES[1:] for _ in range(2))] == seen
    assert EXPECTED == outcomes(project)
    assert 7 == len(project.results())


def test_a_run_without_the_flag_keeps_nothing(stopping):
    """Plain pytest runs everything; what was interrupted before is then of no use any more."""
    project = stopping()
    project.run_apart(*ALONE)
    ran(project)
    del os.environ["STOPS_AT"]
    project.run_apart(*ALONE)
    assert NAMES == bodies(project)
    assert [] == list((project.path / ".ailoop" / "journal").iterdir())


def test_no_secret_reaches_the_journal(stopping, monkeypatch):
    """What a test printed, and properties, are masked there as anywhere."""
    monkeypatch.setenv("SHOP_API_KEY", "xyzzy-canary-1234")
    project = stopping()
    app = (project.path / "test_eval.py").read_text()
    project.write(
        "test_eval.py",
        app.replace('print("asked for", case.id)', 'print(os.environ["SHOP_API_KEY"])').replace(
            'record_property("who", case.id)', 'record_property("who", os.environ["SHOP_API_KEY"])'
        ),
    )
    project.run_apart(*ALONE)
    (path,) = (project.path / ".ailoop" / "journal").iterdir()
    text = path.read_text()
    assert "[secret]" in text
    assert "canary" not in text
    assert all(json.loads(line) for line in text.splitlines())
