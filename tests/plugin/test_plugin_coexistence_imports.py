"""What our entry point costs a session without evals: modules, files, output."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

#: All that a session without evals loads because of us.
OURS = {
    "pytest_ailoop",
    "pytest_ailoop.ci",
    "pytest_ailoop.plugin",
    "pytest_ailoop.plugin.declarations",
    "pytest_ailoop.plugin.garbage",
    "pytest_ailoop.plugin.hookspecs",
    "pytest_ailoop.plugin.options",
    "pytest_ailoop.plugin.stand_in",
}
#: And what an xdist controller loads: it shares out tests before anybody knows what they are.
SUPPLY = {
    "pytest_ailoop.plugin.ahead",
    "pytest_ailoop.plugin.ahead.reach",
    "pytest_ailoop.plugin.ahead.supply",
}
HEAVY = ["aiohttp", "anyio", "genai_prices", "httpx", "httpx2", "jinja2", "openai", "pydantic"]
HEAVY += ["pydantic_core", "ruamel", "sqlite3", "syrupy", "yaml"]

SPY = """
import json, os, sys
import pytest

@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    name = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with open(f"modules-{name}.json", "w") as file:
        json.dump(sorted(sys.modules), file)
"""


def modules(project: Any, *args: str, ours: bool) -> dict[str, set[str]]:
    """Return what each process of a run had imported at its end, with or without us."""
    for path in project.path.glob("modules-*.json"):
        path.unlink()
    with_us = ("-p", "pytest_ailoop.plugin") if ours else ()
    result = project.pytester.runpytest_subprocess("-p", "spy", *with_us, *args)
    assert result.ret == pytest.ExitCode.OK
    return {
        path.stem: set(json.loads(path.read_text("utf-8")))
        for path in project.path.glob("modules-*.json")
    }


@pytest.fixture
def bare(project, monkeypatch):
    """A project whose runs load no plugin but pytest's own, the spy and those that are named."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    path = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{project.path}{os.pathsep}{path}")
    project.write("spy.py", SPY)
    project.write("test_trivial.py", "def test_it():\n    pass\n")
    return project


@pytest.mark.parametrize(
    "args",
    [(), ("-v", "--junit-xml=out.xml"), ("--collect-only", "-q"), ("-p", "xdist", "-n", "2")],
    ids=["plain", "junit", "collect", "xdist"],
)
def test_a_session_without_evals_loads_nothing_more(bare, args):
    """Beside our entry module and its options, nothing is imported because of us."""
    without, with_us = modules(bare, *args, ours=False), modules(bare, *args, ours=True)
    assert set(without) == set(with_us)
    for process, loaded in with_us.items():
        shares = process == "modules-main" and "xdist" in args
        assert loaded - without[process] == OURS | (SUPPLY if shares else set()), process


def test_none_of_the_heavy_is_loaded(bare):
    """Where no other plugin loads them, the heavy libraries stay out."""
    ((process, loaded),) = modules(bare, ours=True).items()
    # A coverage tool in the process has libraries of its own.
    loaded -= modules(bare, ours=False)[process]
    assert [name for name in HEAVY if name in loaded] == []


def test_a_session_without_evals_leaves_and_says_nothing(project):
    """No file, no folder, no line of output is ours."""
    project.write("test_trivial.py", "def test_it():\n    pass\n")
    before = {path.name for path in project.path.iterdir()}
    said = []
    for switch in ((), ("-p", "no:ailoop")):
        result = project.run("--no-header", *switch)
        said.append([line for line in result.outlines if " in 0." not in line])
    assert said[0] == said[1]
    assert {path.name for path in project.path.iterdir()} - before <= {"__pycache__"}


@pytest.mark.parametrize("args", [("-k", "ordinary"), ("test_eval.py::test_ordinary",)])
def test_evals_that_are_not_selected_ask_for_nothing(project, args):
    """Beside evals that were not chosen, an ordinary test runs alone: no run, no file."""
    project.eval(
        '@pytest.mark.ailoop("cases.jsonl")\ndef test_it(case):\n    assert case\n\n'
        "def test_ordinary():\n    pass\n"
    )
    result = project.run(*args)
    assert result.parseoutcomes()["passed"] == 1
    assert not (project.path / ".ailoop").exists()
    result.stdout.no_fnmatch_line("*ailoop:*")


LOADERS = """
import json, sys

def pytest_unconfigure():
    loaders = {
        name: type(module.__loader__).__name__
        for name, module in sys.modules.items()
        if name.startswith("pytest_ailoop.") or name.startswith("helpers.")
    }
    with open("loaders.json", "w") as file:
        json.dump(loaders, file)
"""


def test_our_modules_are_not_read_twice_for_asserts(project):
    """Python loads our modules by itself; those that a project has rewritten stay rewritten."""
    project.write("helpers/__init__.py", "")
    project.write("helpers/checks.py", "")
    register = 'import pytest\npytest.register_assert_rewrite("helpers.checks")\n'
    project.write("conftest.py", f"{register}import helpers.checks\n{LOADERS}")
    project.eval("@pytest.mark.ailoop\ndef test_it():\n    record('x', 1)\n")
    project.run_apart()
    loaders = json.loads((project.path / "loaders.json").read_text("utf-8"))
    assert "AssertionRewritingHook" == loaders.pop("helpers.checks")
    # The entry module and what it needs came before it could say so.
    ours = {name for name, loader in loaders.items() if loader == "AssertionRewritingHook"}
    assert ours <= OURS
    assert "SourceFileLoader" == loaders["pytest_ailoop.session"]
