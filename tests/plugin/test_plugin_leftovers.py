"""What finished items leave behind."""

from __future__ import annotations

from tests.plugin.conftest import Planets, Project

#: Tells how many notebooks live on, and what the reports still bear, at the very end.
_LOOK = """
import gc
import pytest
from pytest_ailoop.recorder import Recorder

@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    gc.collect()
    living = sum(isinstance(one, Recorder) for one in gc.get_objects())
    stats = terminalreporter.stats
    riding = [one for found in stats.values() for one in found if hasattr(one, "ailoop")]
    terminalreporter.write_line(
        f"living {living} riding {len(riding)} unshown {len(stats.get('', []))} "
        f"passed {len(stats['passed'])}"
    )
"""


_ASSERTS = """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    assert case.input
"""


def test_finished_items_let_go_of_what_they_held(project: Project) -> None:
    """No record rides on a report at the end, and no more notebooks live than a few last ones."""
    project.rows([{"id": f"c{number}", "input": "x"} for number in range(40)])
    project.eval(_ASSERTS)
    project.write("conftest.py", _LOOK)
    # Apart: other tests of this process may hold notebooks of their own.
    result = project.run_apart()
    (line,) = [one.split() for one in result.outlines if one.startswith("living")]
    assert line[2:] == ["riding", "0", "unshown", "0", "passed", "40"]
    assert int(line[1]) <= 3
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
