"""What items leave behind that nobody asks for any more: in a long run it outweighs all else.

pytest keeps every item and every report until the end; a hundred thousand of them fit into memory
only without what hung on them. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_ailoop.plugin import identity, journaling, light, naming, reporting
from pytest_ailoop.plugin.ahead import alarm
from pytest_ailoop.plugin.evaluation import EVALUATION
from pytest_ailoop.plugin.folded import Folding
from pytest_ailoop.plugin.items import RUNNING, end
from pytest_ailoop.plugin.naming import cell_of

__all__ = ["Leftovers"]


def _passing() -> Iterator[Any]:
    """Yield the notes on an item that mean nothing after it, or are easily made anew."""
    yield from (naming.KEY, identity.KEY, journaling.USED, journaling.CHEAP, alarm.TIMEOUT)
    # pytest's own: how the phases ended, for `tmp_path`, and what `xfail` marks came to. On every
    # item, whether it has any or not.
    from _pytest import skipping, tmpdir

    for module, name in ((tmpdir, "tmppath_result_key"), (skipping, "xfailed_key")):
        if hasattr(module, name):
            yield getattr(module, name)


def _failed_parts(config: pytest.Config) -> Any:
    with contextlib.suppress(ImportError, KeyError):
        from _pytest.subtests import failed_subtests_key

        return config.stash[failed_subtests_key]
    return {}


class Leftovers:
    """Lets go of what a finished eval and its reports hold, once everybody has seen them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._passing = tuple(_passing())
        self._folding, self._reports = Folding(), light.Reports()
        self._failed_parts: Any = None
        self._shows_times = config.getoption("durations", None) is not None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            cell = cell_of(item)
            if cell is not None:
                self._folding.rest(item, cell)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._folding.wake(item)
        try:
            return (yield)
        finally:
            if RUNNING in item.stash:
                end(self._config.stash[EVALUATION], item)  # An interrupt leaves it open.
                del item.stash[RUNNING]
            cell = cell_of(item)
            if cell is not None:
                cell.let_go()
                reporting.untell(item)
                self._empty(item)
                self._folding.rest(item, cell)

    def _empty(self, item: pytest.Item) -> None:
        """Take our notes off *item*."""
        for key in self._passing:
            if key in item.stash:
                del item.stash[key]
        # pytest's count of failed parts, which counts none for whoever is asked about.
        counts = self._failed_parts
        if counts is None:
            counts = self._failed_parts = _failed_parts(self._config)
        if counts.get(item.id, None) == 0:
            del counts[item.id]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Any:
        try:
            return (yield)
        finally:
            riders = [report.__dict__.pop(name, None) for name in ("ailoop", "ailoop_item")]
            if any(riders):
                self._lighten(report)

    def _lighten(self, report: pytest.TestReport) -> None:
        """Leave of a passed report what the summary shows: its name, outcome and times."""
        if not report.passed:
            return
        report.keywords = light.NO_KEYWORDS
        if self._shows_times:
            return
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        kind = "passed" if report.when == "call" else ""
        kept = [] if reporter is None else reporter.stats.get(kind, [])
        if kept and kept[-1] is report:
            kept[-1:] = [self._reports.lighten(report)] if kind else []
