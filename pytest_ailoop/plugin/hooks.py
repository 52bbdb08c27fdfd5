"""The hooks that exist only in a session with evals; each hands on to the room that answers it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import errors
from pytest_ailoop.plugin import (
    budget,
    controller,
    garbage,
    gating,
    journaling,
    judging,
    leftovers,
    options,
    planning,
    reporting,
    resume,
    settling,
    summary,
)
from pytest_ailoop.plugin import items as one_item
from pytest_ailoop.plugin.ahead import alarm
from pytest_ailoop.plugin.evaluation import EVALUATION, Evaluation
from pytest_ailoop.plugin.naming import cell_of
from pytest_ailoop.plugin.progress import Progress
from pytest_ailoop.scheduling import output

if TYPE_CHECKING:
    from pytest_ailoop.settings import Config

__all__ = ["Hooks", "evaluation_of"]


def evaluation_of(config: pytest.Config) -> Evaluation:
    """Return the session's evaluation; made, and its hooks registered, on first use.

    Where the configuration tables are wrong, it stands without them until the end of collection,
    which is where pytest takes usage errors.
    """
    found = config.stash.get(EVALUATION, None)
    if found is None:
        tables, fault = _tables(config)
        found = Evaluation(config, options.settings_of(config, tables))
        found.config_fault = fault
        try:
            found.gates = gating.configured(found)
        except errors.AiloopError as wrong:
            found.config_fault = str(wrong)
        config.stash[EVALUATION] = found
        config.pluginmanager.register(Hooks(found), "ailoop-evaluation")
        config.pluginmanager.register(leftovers.Leftovers(config), "ailoop-leftovers")
        if config.getoption("trace", False):
            config.pluginmanager.register(Traced(found), "ailoop-traced")
    return found


def _tables(config: pytest.Config) -> tuple[Config, str | None]:
    from pytest_ailoop.settings import Config, read_config

    try:
        return read_config(config.rootpath), None
    except errors.AiloopError as fault:
        return Config(), str(fault)


class Traced:
    """Lets `--trace` step through evals."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Any:
        one_item.make_traceable(self.evaluation, pyfuncitem)
        return (yield)


class Hooks:
    """Answers pytest for one evaluation."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.progress = Progress(evaluation)
        evaluation.on_store.append(self.progress.watch)

    # A wrapper that comes first: others shuffle in one, and the plan keeps the collected order.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> Any:
        planning.note_items(self.evaluation, session, items)
        found = yield
        settling.arrange(self.evaluation, items)
        return found

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        planning.note_deselected(self.evaluation, items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        planning.note_kept(self.evaluation, session.items)
        journaling.begin(self.evaluation, session)
        resume.choose(self.evaluation, session, controller.send_plan)
        settling.begin(self.evaluation, session, controller.send_plan)
        if self.evaluation.kept and not options.runs_nothing(session.config):
            garbage.spare(session.config)

    def pytest_report_collectionfinish(self) -> list[str]:
        return [*summary.header(self.evaluation), *resume.header(self.evaluation)]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Any:
        one_item.begin(self.evaluation, item)
        return (yield)

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> None:
        """Note what pytest-timeout is about to allow; it sets its alarm by itself."""
        alarm.note_timeout(item, settings.timeout)

    @pytest.hookimpl(tryfirst=True)
    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> Any:
        ahead = one_item.ahead_of(self.evaluation)
        return None if ahead is None else ahead.compared(op=op, left=left, right=right)

    def pytest_enter_pdb(self, pdb: Any) -> None:
        output.shown(pdb)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        return one_item.run_body(self.evaluation, pyfuncitem)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        __tracebackhide__ = True
        with judging.judged(self.evaluation, item):
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Any:
        ahead = one_item.ahead_of(self.evaluation)
        if nextitem is None and ahead is not None:
            ahead.stop()
        try:
            return (yield)
        finally:
            one_item.end(self.evaluation, item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report: pytest.TestReport
        if cell_of(item) is None:
            report = yield
            controller.send_plan(self.evaluation, item, report)
            return report
        with reporting.prepare(self.evaluation, item, call):
            report = yield
        reporting.complete(self.evaluation, item, call, report)
        controller.send_plan(self.evaluation, item, report)
        journaling.mark(self.evaluation, item, report)
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Any:
        self.progress.hush()
        journaling.add_facts(self.evaluation, report)
        if not budget.is_left_out(report) and not settling.is_settled(report):
            return (yield)
        with budget.forgetting_no_failure(self.evaluation.config, report):
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any, when: str, nodeid: str) -> None:
        reporting.warned(self.evaluation, warning_message, nodeid)
        if when == "runtest":
            journaling.note_warning(self.evaluation, nodeid, warning_message)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        return reporting.status(self.evaluation, report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Any:
        self.progress.stop()
        self.evaluation.close_loop()
        try:
            controller.finish(self.evaluation, session, exitstatus)
        finally:
            journaling.finish(self.evaluation, session, exitstatus)
        try:
            return (yield)
        finally:
            budget.redden(self.evaluation, session)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        summary.write(self.evaluation, terminalreporter)

    def pytest_unconfigure(self) -> None:
        self.progress.stop()
        if self.evaluation.last_item is not None:
            one_item.end(self.evaluation, self.evaluation.last_item)
        self.evaluation.close_store()
        self.evaluation.close_loop()
        self.evaluation.remove_shared()
