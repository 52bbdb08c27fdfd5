"""A little project to run pytest in: cases, evals, and what the run left behind."""

from __future__ import annotations

import gc
import importlib
import json
import pkgutil
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import pytest_ailoop
from tests.fakes.crowd import MeetingServer
from tests.fakes.openai_server import FakeServer

# pytester takes out of sys.modules what a run in this process imported, but packages keep their
# sub-modules as attributes: a second run would see two copies of one module. So all load here.
for found in pkgutil.walk_packages(pytest_ailoop.__path__, "pytest_ailoop."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
# The same holds of what clients load on first use: errors of a second copy are other classes.
for name in ("aiohttp", "genai_prices", "httpcore", "httpcore2", "httpx", "httpx2", "openai"):
    importlib.import_module(name)

QUIET = ("-p", "no:asyncio", "-p", "no:anyio", "-p", "no:randomly", "-p", "no:recording")
QUIET += ("-p", "no:rerunfailures", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")

ROWS = [
    {"id": "sun", "input": "the sun", "expected": "star", "tags": ["easy"]},
    {"id": "moon", "input": "the moon", "expected": "moon", "tags": ["easy"]},
    {"id": "mars", "input": "mars", "expected": "planet", "tags": ["hard"]},
]


def _without(plugins: bool, on: Sequence[str]) -> list[str]:
    off = [name for name in QUIET if name.startswith("no:") and name.removeprefix("no:") not in on]
    return [] if plugins else [part for name in off for part in ("-p", name)]


#: Writes what a run's end knows, for `Planets.ended`.
TELL = """
import json

def pytest_ailoop_run_finished(config, outcome):
    found = outcome.comparison
    told = {
        "changes": {
            " ".join(filter(None, [one.key.test, one.key.case, one.key.variant.label])): one.status
            for one in found.changes
        },
        "counts": dict(found.counts),
        "incomplete": list(found.incomplete),
        "missing": [f"{key.test} {key.case} {key.trial}" for key in outcome.missing],
    }
    (config.rootpath / "ended.json").write_text(json.dumps(told))
"""

PLANETS = """
import json, pathlib

def answer(case):
    return json.loads(pathlib.Path(__file__).with_name("answers.json").read_text())[case.id]

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    expect(answer(case)).to(contains(case.expected))
"""


class Project:
    """A folder with a data set and an eval module; `run` runs pytest in it."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path: Path = pytester.path
        self.rows(ROWS)

    def rows(self, rows: list[dict[str, Any]], name: str = "cases.jsonl") -> None:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (self.path / name).write_text(text, encoding="utf-8")

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def eval(self, text: str, name: str = "test_eval.py") -> None:
        head = "import pytest\nfrom pytest_ailoop import *\n"
        self.write(name, head + text)

    def run(self, *args: str, plugins: bool = False, on: Sequence[str] = ()) -> pytest.RunResult:
        """Run pytest in this process; *plugins* leaves all other plugins on, *on* some of them."""
        return self.pytester.runpytest_inprocess(*_without(plugins, on), *args)

    def run_apart(
        self, *args: str, plugins: bool = False, on: Sequence[str] = ()
    ) -> pytest.RunResult:
        """Run pytest in a process of its own."""
        return self.pytester.runpytest_subprocess(*_without(plugins, on), *args)

    @property
    def runs(self) -> list[Path]:
        return sorted((self.path / ".ailoop" / "runs").glob("*/"))

    def results(self) -> list[dict[str, Any]]:
        """Return the item records of the last run."""
        text = (self.runs[-1] / "results.jsonl").read_text(encoding="utf-8")
        found = [json.loads(line) for line in text.splitlines()]
        return [row for row in found if "key" in row]

    def run_json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.runs[-1] / "run.json").read_text("utf-8"))
        return found

    @property
    def counts(self) -> dict[str, int]:
        """The last run's items by outcome."""
        found: dict[str, int] = {"settled": 0} | self.run_json()["counts"]
        return found

    def baseline(self, name: str = "test_eval") -> Path:
        return self.path / "__snapshots__" / f"{name}.ailoop"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("CI", "OPENAI_API_KEY", "AILOOP_REPLIES"):
        monkeypatch.delenv(name, raising=False)
    return Project(pytester)


MANY = """
@pytest.mark.ailoop(dataset="cases.jsonl", gate=[{gate}], {more})
def test_it(case):
    expect(case.input).to(equals(case.expected))
"""


@pytest.fixture
def many(project: Project) -> Any:
    """Return a function that writes an eval of 60 cases, of which all pass or none."""

    def write(
        gate: str, more: str = 'stop="settled"', *, passing: bool = True, n: int = 60
    ) -> Project:
        right = "x" if passing else "y"
        project.rows([{"id": f"c{at}", "input": "x", "expected": right} for at in range(n)])
        project.eval(MANY.format(gate=gate, more=more))
        return project

    return write


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A model server on this machine."""
    with FakeServer() as running:
        yield running


def _make_known(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")


@pytest.fixture
def known_server(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """The server, which clients find by the environment."""
    _make_known(server, monkeypatch)
    return server


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> Iterator[MeetingServer]:
    """A server that sees how many ask at a time; clients find it by the environment."""
    with MeetingServer() as running:
        _make_known(running, monkeypatch)
        yield running


class Planets:
    """A project with one eval whose answers stand in a file: right for all three cases."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.answers = {"sun": "a star", "moon": "a moon", "mars": "a planet"}
        project.write("conftest.py", TELL)
        project.eval(PLANETS)
        self.answer()

    def answer(self, **answers: str) -> None:
        """Change what the system under test says."""
        self.answers |= answers
        self.project.write("answers.json", json.dumps(self.answers))

    def accept(self, *args: str) -> None:
        """Accept a run as it is."""
        self.project.run("--snapshot-update", *args)

    @property
    def ended(self) -> dict[str, Any]:
        """What the last run's end knew: changes, counts, incomplete, missing."""
        found: dict[str, Any] = json.loads((self.project.path / "ended.json").read_text("utf-8"))
        return found

    @property
    def lines(self) -> list[str]:
        return self.project.baseline().read_text("utf-8").splitlines()


@pytest.fixture
def planets(project: Project) -> Planets:
    return Planets(project)


@pytest.fixture(autouse=True)
def _seam_left_as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each run takes its seam out again, however it ended, and leaves frozen what was so before."""
    from pytest_ailoop.calling import seam

    before = seam.current_store()
    yield
    assert before is seam.current_store()
    assert gc.get_freeze_count()
    # It takes long: what other tests leave waits for their module's end.
    if request.path.name.startswith(("test_plugin_ahead", "test_plugin_budget")):
        _sweep()


@pytest.fixture(scope="module", autouse=True)
def _swept() -> Iterator[None]:
    yield
    _sweep()


def _sweep() -> None:
    """Let go of what clients of bodies that were cut, or of applications, left open.

    No later run shall be warned of it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `workers` in one process and with two xdist workers."""
    if "workers" in metafunc.fixturenames:
        metafunc.parametrize("workers", [(), ("-n", "2")], ids=["n0", "n2"])
