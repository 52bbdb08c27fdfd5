"""--ailoop-resume with fixtures of modules, errors and skips."""

from __future__ import annotations

import re

import pytest

ALONE = ("-p", "no:randomly", "-W", "default")


SCOPES = """
import pathlib

def log(text):
    with open("scopes.log", "a") as stream:
        stream.write(text + "\\n")

@pytest.fixture(scope="module")
def shop():
    log(f"open {__name__}")
    yield
    log(f"close {__name__}")

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case, shop):
    if case.id == "mars" and pathlib.Path("stop-" + __name__).exists():
        raise KeyboardInterrupt
    expect(case.id).to(contains(case.id))
"""


@pytest.mark.parametrize("stops_in", ["test_a", "test_b", "test_c"])
def test_wider_fixtures_are_closed_between_kept_and_others(project, stops_in):
    """A module's fixture is closed before the next one's opens, whatever is kept in between."""
    for name in ("test_a", "test_b", "test_c"):
        project.eval(SCOPES, f"{name}.py")
    project.write(f"stop-{stops_in}", "")
    order = ["test_a.py", "test_b.py", "test_c.py"]
    project.run_apart(*ALONE, *order)
    (project.path / f"stop-{stops_in}").unlink()
    (project.path / "scopes.log").unlink()
    # The kept ones of the first modules come between others of modules that come first now.
    result = project.run_apart(*ALONE, "--ailoop-resume", *reversed(order))
    assert 0 == result.ret
    log = (project.path / "scopes.log").read_text().splitlines()
    assert log[::2] == [line.replace("close", "open") for line in log[1::2]]
    assert {row["outcome"] for row in project.results()} == {"passed"}
    assert 9 == len(project.results())


def test_a_module_left_open_is_closed_by_a_kept_item(project):
    """An ordinary test before kept items has its fixtures torn down in time."""
    project.eval(SCOPES, "test_b.py")
    project.write("stop-test_b", "")
    project.run_apart(*ALONE, "test_b.py")
    (project.path / "stop-test_b").unlink()
    (project.path / "scopes.log").unlink()
    project.eval(SCOPES.replace('"cases.jsonl"', '[{"id": "x"}]'), "test_a.py")
    # A new module that was not there before is no reason to run the others.
    result = project.run_apart(*ALONE, "--ailoop-resume", "test_a.py", "test_b.py")
    result.stdout.fnmatch_lines(["resumed: kept 2 of 4 items*"])
    log = (project.path / "scopes.log").read_text().splitlines()
    assert ["open test_a", "close test_a", "open test_b", "close test_b"] == log


ERRORS = """
import os

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    with open("ran.log", "a") as stream:
        stream.write(case.id + " ")
    if case.id == "sun" and "WELL" not in os.environ:
        raise ReplyError("no answer")
    if case.id == "moon":
        pytest.skip("not tonight")
    expect(case.id).to(contains(case.id))
"""


def test_what_could_not_be_measured_runs_again(project, monkeypatch, workers):
    """An error is no result, though the run had its end; a skip costs nothing."""
    project.eval("from pytest_ailoop.errors import ReplyError\n" + ERRORS)
    project.run_apart(*ALONE)
    (project.path / "ran.log").unlink()
    monkeypatch.setenv("WELL", "1")
    result = project.run_apart(*ALONE, "--ailoop-resume", *workers)
    said = re.sub(r"\n +", " ", result.stdout.str())
    assert re.search(r"kept 1 of 3 items .* \(1 item could not be measured\): test_it 1", said)
    assert {"sun", "moon"} == set((project.path / "ran.log").read_text().split())


ODD = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if "sun" in item.name:
        report.odd = object()
    return report
"""


def test_an_item_whose_report_fits_no_file_runs_again(project):
    """Another plugin's object on a report costs that item, and is told."""
    project.write("conftest.py", ODD)
    project.eval(SCOPES, "test_a.py")
    project.write("stop-test_a", "")
    result = project.run_apart(*ALONE)
    result.stdout.fnmatch_lines(["warning: --ailoop-resume will run 1 item again: *"])
    (project.path / "stop-test_a").unlink()
    result = project.run_apart(*ALONE, "--ailoop-resume")
    result.stdout.fnmatch_lines(["resumed: kept 1 of 3 items *"])


def test_a_kept_item_tears_down_what_the_next_does_not_need(project):
    """The last of a module is kept, and one before it was not: the module's fixture is closed."""
    project.eval(SCOPES, "test_b.py")
    project.eval(SCOPES, "test_c.py")
    project.write("stop-test_b", "")
    project.run_apart(*ALONE, "test_b.py")
    (project.path / "stop-test_b").unlink()
    (project.path / "scopes.log").unlink()
    rows = (project.path / "cases.jsonl").read_text().splitlines(keepends=True)
    project.write("cases.jsonl", "".join([rows[2], rows[0], rows[1]]))
    result = project.run_apart(*ALONE, "--ailoop-resume", "-v")
    assert 0 == result.ret
    result.stdout.fnmatch_lines(["resumed: kept 2 of 6 items *"])
    log = (project.path / "scopes.log").read_text().splitlines()
    assert ["open test_b", "close test_b", "open test_c", "close test_c"] == log


SUBTESTS = """
import os

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case, subtests):
    with subtests.test("warm"):
        pytest.skip("too cold")
    if case.id == os.environ.get("STOPS_AT"):
        pytest.exit("enough")
    expect(case.id).to(contains(case.id))
"""


def test_parts_of_kept_items_are_told_too(project, monkeypatch):
    """A skipped subtest of a kept item stands in the summary as before."""
    project.eval(SUBTESTS)
    monkeypatch.setenv("STOPS_AT", "mars")
    project.run_apart(*ALONE)
    monkeypatch.delenv("STOPS_AT")
    result = project.run_apart(*ALONE, "--ailoop-resume", "-v", "-rs")
    result.stdout.fnmatch_lines(
        ["resumed: kept 2 of 3 items *", "SUBSKIPPED[[]warm] [[]3] *: too cold"]
    )
    assert 0 == result.ret
