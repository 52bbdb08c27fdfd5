"""What items leave behind that nobody asks for any more: in a long run it outweighs all else.

pytest keeps every item and every report until the end; a hundred thousand of them fit into memory
only without what hung on them. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ailoop.plugin.evaluation import EVALUATION
from pytest_ailoop.plugin.items import RUNNING, end
from pytest_ailoop.plugin.naming import cell_of

__all__ = ["Leftovers"]

_NO_KEYWORDS: dict[str, Any] = {}


class Leftovers:
    """Lets go of what a finished eval and its reports hold, once everybody has seen them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        try:
            return (yield)
        finally:
            if RUNNING in item.stash:
                end(self._config.stash[EVALUATION], item)  # An interrupt leaves it open.
                del item.stash[RUNNING]
            if not len(item.stash) and cell_of(item) is not None:
                # An empty mapping keeps the room that it had.
                item.stash = pytest.Stash()

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
        report.keywords = _NO_KEYWORDS
        if report.when == "call" or self._config.getoption("durations", None) is not None:
            return
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        unshown = [] if reporter is None else reporter.stats.get("", [])
        if unshown and unshown[-1] is report:
            unshown.pop()
