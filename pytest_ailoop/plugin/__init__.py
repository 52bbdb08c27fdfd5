"""The pytest side: this module is the entry point, and all that loads while no eval is selected.

It imports pytest and nothing of this package that is heavy: each hook hands on to the room that
answers it, and those rooms load with the first eval that is collected. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop.plugin import declarations, garbage, options, stand_in

if TYPE_CHECKING:
    from pytest_ailoop.calling.client import LLM, SyncLLM
    from pytest_ailoop.data.case import Case
    from pytest_ailoop.data.cell import Cell
    from pytest_ailoop.plugin.fixtures import Model
    from pytest_ailoop.prompts.load import Prompt
    from pytest_ailoop.recorder import Trace

__all__: list[str] = []

MARKER = (
    "ailoop(dataset, *, model, prompt, params, trials, stop, gate, case_type, fields, "
    "allow_empty): evaluate the test over a data set x models x prompts x other axes, each "
    "combination one item."
)


def _spare_rewriting() -> None:
    """Let Python import the rest of this package, not pytest's hook that rewrites asserts.

    pytest marks all modules of a plugin for it. Ours say that they want none, which it learns by
    reading each source a second time: a fifth of the start of a run. Its set of names is private;
    where it is not there, nothing is spared.
    """
    for finder in sys.meta_path:
        marked = getattr(finder, "_must_rewrite", None)
        if isinstance(marked, set):
            marked.difference_update({one for one in marked if f"{one}.".startswith(_PACKAGE)})


_PACKAGE = "pytest_ailoop."
_spare_rewriting()

RIDERS = frozenset({"ailoop", "ailoop_item", "ailoop_plan", "ailoop_left_out"})
"""What rides on an item's report: its record, its name, a worker's plan, why there is no record."""


def pytest_addoption(parser: pytest.Parser) -> None:
    declarations.add(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from pytest_ailoop.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Let a conftest build an OpenAI client at import where replay needs no key."""
    early_config.stash[options.LOADED] = time.time_ns()
    stand_in.for_missing_keys(early_config)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    options.check(config)
    options.hide_baselines_from_syrupy(config)
    config.stash[options.BEGAN] = time.monotonic()
    garbage.thaw_at_end(config)
    if options.verdict_file(config):
        from pytest_ailoop.plugin import verdicts

        verdicts.begin(config)
    if config.getoption("ailoop_plan"):
        from pytest_ailoop.plugin.plan_report import Planner

        config.pluginmanager.register(Planner(config), "ailoop-planner")
    config.pluginmanager.register(Receiver(config), "ailoop-receiver")


def pytest_unconfigure(config: pytest.Config) -> None:
    stand_in.give_back(config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let a test module that holds evals build its client at import without a key in replay.

    What could not be collected is remembered: a gate may be over tests of it.
    """
    with stand_in.for_import(collector):
        report = yield
    if report.outcome != "passed":
        collector.config.stash.setdefault(options.LOST, []).append((collector, report.outcome))
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("ailoop") is not None:
        from pytest_ailoop.plugin import hooks, parametrize

        parametrize.generate(hooks.evaluation_of(metafunc.config), metafunc)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Wake up for a marked item that was never parametrized (`unittest`), to refuse it."""
    if not hasattr(item, "callspec") and item.get_closest_marker("ailoop") is not None:
        from pytest_ailoop.plugin.hooks import evaluation_of

        evaluation_of(item.config)


class Receiver:
    """Takes item records and workers' plans as they arrive; asleep without them."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self._receive: Callable[[pytest.TestReport], None] | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hand item records to the session; under xdist they come from the workers."""
        if not RIDERS.isdisjoint(report.__dict__):
            if self._receive is None:
                from pytest_ailoop.plugin import controller, hooks

                evaluation = hooks.evaluation_of(self.config)
                self._receive = functools.partial(controller.receive, evaluation)
            self._receive(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker when the session began, for it shares limits; and what was asked for."""
        node.workerinput["ailoop_began"] = self.config.stash[options.BEGAN]
        node.workerinput["ailoop_all"] = options.collects_all(self.config)
        node.workerinput["ailoop_ignored"] = options.ignored(self.config)
        self.config.stash[options.UID] = str(node.workerinput["testrunuid"])
        if options.resumes(self.config):
            from pytest_ailoop.plugin import journals

            journals.tell_worker(node)

    @pytest.hookimpl(wrapper=True, optionalhook=True)
    def pytest_xdist_make_scheduler(
        self, config: pytest.Config, log: Any
    ) -> Generator[None, Any, Any]:
        """Let xdist give its workers as many evals as they can run side by side."""
        scheduler = yield
        from pytest_ailoop.plugin.ahead import supply

        return supply.supplying(scheduler, config, log)

    def pytest_report_header(self) -> list[str]:
        """Tell what is there to go on with where workers collect, who cannot tell it themselves."""
        if not options.resumes(self.config) or self.config.getoption("dist", "no") == "no":
            return []
        from pytest_ailoop.plugin import journals

        return list(journals.announced(self.config))

    def pytest_unconfigure(self) -> None:
        if options.resumes(self.config):
            from pytest_ailoop.plugin import journals

            journals.release(self.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take what an xdist worker still has to say, or note that it crashed."""
        output = (getattr(node, "workeroutput", None) or {}).get("ailoop")
        awake = self.config.pluginmanager.hasplugin("ailoop-evaluation")
        if output is not None or (error and awake):
            from pytest_ailoop.plugin import controller, hooks

            controller.worker_down(hooks.evaluation_of(self.config), node, output)


@pytest.fixture
def _ailoop_cell(request: pytest.FixtureRequest) -> Cell:
    """The item's cell of the matrix: case, variant, trial."""
    cell: Cell | None = getattr(request, "param", None)
    if cell is None:
        from pytest_ailoop.plugin import fixtures

        fixtures.outside_of_evals(request)
    assert cell is not None
    return cell


@pytest.fixture
def case(_ailoop_cell: Cell) -> Case:
    """The data set row under evaluation."""
    return _ailoop_cell.case


@pytest.fixture
def trial(_ailoop_cell: Cell) -> int:
    """Which repeat of the case this is, from 1."""
    return _ailoop_cell.trial


@pytest.fixture
def model(_ailoop_cell: Cell) -> Model:
    """The variant's model: a string to send, with `.alias`, `.base_url` and more."""
    from pytest_ailoop.plugin import fixtures

    return fixtures.model_of(_ailoop_cell)


@pytest.fixture
def prompt(_ailoop_cell: Cell) -> Prompt:
    """The variant's prompt file: `prompt.render(name=value)`."""
    from pytest_ailoop.plugin import fixtures

    return fixtures.prompt_of(_ailoop_cell)


@pytest.fixture
def llm(request: pytest.FixtureRequest, _ailoop_cell: Cell) -> LLM | SyncLLM:
    """A client bound to the variant's model; awaited in `async def` tests."""
    from pytest_ailoop.plugin import fixtures

    return fixtures.client_of(request, _ailoop_cell)


@pytest.fixture
def trace(_ailoop_cell: Cell) -> Trace:
    """What happened in this item so far: its calls, tokens and cost."""
    from pytest_ailoop.plugin import fixtures

    return fixtures.trace_of()
