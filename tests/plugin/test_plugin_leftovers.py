"""What finished items leave behind."""

from __future__ import annotations

import gc
import weakref

from pytest_ailoop.plugin.naming import source_of
from tests.plugin.conftest import Planets, Project

#: Tells how many notebooks live on, and what the reports still bear, at the very end.
_LOOK = """
import gc
import pytest
from pytest_ailoop.data.case import Case
from pytest_ailoop.recorder import Recorder

@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    gc.collect()
    everything = gc.get_objects()
    living = sum(isinstance(one, Recorder) for one in everything)
    cases = sum(isinstance(one, Case) for one in everything)
    stats = terminalreporter.stats
    riding = [one for found in stats.values() for one in found if hasattr(one, "ailoop")]
    terminalreporter.write_line(
        f"living {living} riding {len(riding)} unshown {len(stats.get('', []))} "
        f"passed {len(stats['passed'])} cases {cases}"
    )
"""


_ASSERTS = """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    assert case.input
"""


_SIZED = """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case, size):
    assert case.input
"""


def test_finished_items_let_go_of_what_they_held(project: Project) -> None:
    """No record rides on a report at the end, and only a last few notebooks and cases live."""
    project.rows([{"id": f"c{number}", "input": "x"} for number in range(40)])
    project.eval(_ASSERTS)
    project.write("conftest.py", _LOOK)
    # Apart: other tests of this process may hold notebooks of their own.
    result = project.run_apart()
    (line,) = [one.split() for one in result.outlines if one.startswith("living")]
    assert line[2:-2] == ["riding", "0", "unshown", "0", "passed", "40"]
    assert int(line[1]) <= 3
    assert int(line[-1]) <= 3
    assert len(project.results()) == 40


def test_durations_still_show_every_phase(project: Project) -> None:
    """Where `--durations` asks for setups and teardowns, their reports stay."""
    Planets(project)
    result = project.run_apart("--durations=0", "-vv")
    phases = [line.split()[1] for line in result.outlines if line.rstrip().endswith("]")]
    assert {word for word in phases if word in ("setup", "call", "teardown")} == {
        "setup",
        "call",
        "teardown",
    }


def test_a_failed_report_keeps_its_keywords(project: Project) -> None:
    """Only passed reports are made light: plugins look at failed ones at the end."""
    planets = Planets(project)
    planets.answer(sun="nothing")
    project.write(
        "conftest.py",
        "def pytest_terminal_summary(terminalreporter):\n"
        "    (one,) = terminalreporter.stats['failed']\n"
        "    terminalreporter.write_line(f'keywords {\"test_it[sun]\" in one.keywords}')\n",
    )
    project.run_apart().stdout.fnmatch_lines(["keywords True"])


_ITEMS = """
import pytest
from _pytest.subtests import failed_subtests_key

@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    items = terminalreporter._session.items
    told = [one.user_properties for one in terminalreporter.stats["passed"]]
    line = (
        f"noted {sum(len(one.stash) for one in items)} "
        f"same {sum(one._store is one.stash for one in items)} "
        f"names {len({id(one.id.names) for one in items})} "
        f"dicts {sum(len(vars(one.callspec)) for one in items)} "
        f"ids {sum(one.name == f'test_it[{one.callspec.id}]' for one in items)} "
        f"cells {len({id(one.callspec.params['_ailoop_cell']) for one in items})} "
        f"indices {sum(one.callspec.indices['_ailoop_cell'] for one in items)} "
        f"parts {len(terminalreporter.config.stash[failed_subtests_key])} "
        f"words {sum(one.extra_keyword_matches == set() for one in items)} "
        f"properties {sum(len(one.user_properties) for one in items)} "
        f"told {sum(('ailoop.passed', 1) in one for one in told)} "
        f"equal {len({id(pair) for one in told for pair in one if pair[0] == 'ailoop.passed'})}"
    )
    terminalreporter.write_line(line)
"""


def test_finished_items_keep_no_notes_and_share_what_is_equal(project: Project) -> None:
    """An item is pytest's own object and little else; figures stand on its report."""
    project.rows([{"id": f"c{number}", "input": "x"} for number in range(8)])
    project.eval(_ASSERTS)
    project.write("conftest.py", _ITEMS)
    expected = "noted 0 same 8 names 1 dicts 0 ids 8 cells 8 indices 28 parts 0 words 8"
    project.run_apart().stdout.fnmatch_lines([f"{expected} properties 0 told 8 equal 1"])


def test_an_item_with_parameters_of_its_own_keeps_them(project: Project) -> None:
    """Other parameters are the user's, and stay as they were."""
    project.rows([{"id": "c", "input": "x"}])
    project.eval('@pytest.mark.parametrize("size", [[1], [2]])\n' + _SIZED)
    project.write(
        "conftest.py",
        "def pytest_terminal_summary(terminalreporter):\n"
        "    found = [vars(one.callspec)['params'] for one in terminalreporter._session.items]\n"
        "    terminalreporter.write_line(f\"sizes {[one['size'] for one in found]}\")\n",
    )
    project.run_apart().stdout.fnmatch_lines(["sizes [[][[]1[]], [[]2[]][]]"])


def test_an_item_that_runs_again_later_tells_its_figures_once(project: Project) -> None:
    """What was taken off a finished item is made anew where a plugin runs it a second time."""
    project.rows([{"id": f"c{number}", "input": "x"} for number in range(3)])
    project.eval(_ASSERTS)
    project.write(
        "conftest.py",
        "def pytest_runtestloop(session):\n"
        "    for item in [*session.items, *session.items]:\n"
        "        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)\n"
        "    return True\n\n"
        "def pytest_terminal_summary(terminalreporter):\n"
        "    told = [one.user_properties for one in terminalreporter.stats['passed']]\n"
        "    terminalreporter.write_line(f'{len(told)} times {[len(one) for one in told]}')\n",
    )
    result = project.run_apart()
    result.stdout.fnmatch_lines(["6 times [[]1, 1, 1, 1, 1, 1[]]"])
    assert len(project.results()) == 3


_REPORTS = """
import pytest

seen = {}

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    if report.when == "call":
        ours = {"ailoop", "ailoop_item"}
        seen[report.nodeid] = {name: vars(report)[name] for name in vars(report).keys() - ours}

@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    found = terminalreporter.stats["passed"]
    held = sum(len(vars(one)) for one in found)
    known = [hasattr(one, "wasxfail") or hasattr(one, "ailoop") for one in found]
    others = []
    for one in found:
        before = seen[one.nodeid] | {"keywords": {}}
        others += [name for name in before if getattr(one, name) != before[name]]
    kinds = {isinstance(one, pytest.TestReport) for one in found}
    names = [one.location[2] for one in found]
    terminalreporter.write_line(f"held {held} {any(known)} {others} {kinds} {names}")
    data = terminalreporter.config.hook.pytest_report_to_serializable(
        config=terminalreporter.config, report=found[0]
    )
    terminalreporter.write_line(f"data {data['nodeid']} {data['outcome']} {data['$report_type']}")
    found[0].outcome = "other"
    terminalreporter.write_line(f"changed {found[0].outcome} {found[1].outcome}")
"""


def test_reports_of_passed_items_hold_nothing_until_they_are_asked(project: Project) -> None:
    """Whoever looks at one at the end finds what pytest told of it."""
    planets = Planets(project)
    planets.answer(sun="nothing")
    project.write("conftest.py", _REPORTS)
    result = project.run_apart()
    found = [line for line in result.outlines if line.startswith(("held", "data", "changed"))]
    assert found == [
        "held 0 False [] {True} ['test_it[moon]', 'test_it[mars]']",
        "data test_eval.py::test_it[moon] passed TestReport",
        "changed other passed",
    ]


def test_a_test_that_was_read_is_let_go_of() -> None:
    """It holds its module, and that its session: a host that runs several would hold them all."""

    class Item:
        @staticmethod
        def function() -> None:
            pass

    assert "def function() -> None" in str(source_of(Item))  # type: ignore[arg-type]
    held = weakref.ref(Item.function)
    del Item
    gc.collect()
    assert held() is None
