"""What items leave behind that nobody asks for any more: in a long run it outweighs all else.

pytest keeps every item and every report until the end; a hundred thousand of them fit into memory
only without what hung on them. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_ailoop.plugin import identity, journaling, naming, reporting
from pytest_ailoop.plugin.ahead import alarm
from pytest_ailoop.plugin.evaluation import EVALUATION
from pytest_ailoop.plugin.items import RUNNING, end
from pytest_ailoop.plugin.naming import cell_of
from pytest_ailoop.plugin.spent import spend

__all__ = ["Leftovers"]

_NO_KEYWORDS: dict[str, Any] = {}
_NO_WORDS: frozenset[str] = frozenset()


def _passing() -> Iterator[Any]:
    """Yield the notes on an item that mean nothing after it, or are easily made anew."""
    yield from (naming.KEY, identity.KEY, journaling.USED, journaling.CHEAP, alarm.TIMEOUT)
    # pytest's own: how the phases ended, for `tmp_path`, and what `xfail` marks came to. On every
    # item, whether it has any or not.
    from _pytest import skipping, tmpdir

    for module, name in ((tmpdir, "tmppath_result_key"), (skipping, "xfailed_key")):
        if hasattr(module, name):
            yield getattr(module, name)


class Leftovers:
    """Lets go of what a finished eval and its reports hold, once everybody has seen them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._passing = tuple(_passing())
        #: Names that many items have equally, each once.
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
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
                self._share(item)

    def _empty(self, item: pytest.Item) -> None:
        """Take our notes off *item*, and the room that they had, where nobody else has any."""
        for key in self._passing:
            if key in item.stash:
                del item.stash[key]
        if len(item.stash):
            return
        is_both = getattr(item, "_store", None) is item.stash
        item.stash = pytest.Stash()
        if is_both:
            item._store = item.stash

    def _share(self, item: Any) -> None:
        """Give *item* what it has in common with others, instead of its own of each.

        Whoever wants to select an item by further words has done so by now.
        """
        if not getattr(item, "extra_keyword_matches", True):
            item.extra_keyword_matches = _NO_WORDS
        spend(item)
        # pytest's newer node ids: the names of functions and classes.
        names = getattr(getattr(item, "id", None), "names", None)
        if type(names) is tuple:
            with contextlib.suppress(AttributeError):
                object.__setattr__(item.id, "names", self._names.setdefault(names, names))

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
