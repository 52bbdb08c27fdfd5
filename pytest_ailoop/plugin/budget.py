"""Items that the budget kept from being measured: shown as such, and the end of such a run.

They are no failures and no errors: they have no record and stay missing, by a report of their own
kind. To pytest that report is a skip, so that nothing reruns it, `-x` goes on, and junit names it.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import errors, text
from pytest_ailoop.plugin import scrub

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.recorder import Recorder

__all__ = [
    "STATUS",
    "forgetting_no_failure",
    "is_left_out",
    "leave_out",
    "redden",
    "stopped",
]

STATUS = ("not measured", "n", ("NOT MEASURED", {"yellow": True}))
"""Category, letter and word of a left out item."""


def leave_out(
    item: pytest.Item,
    notebook: Recorder | None,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
) -> bool:
    """Make *report* say that the budget left its item out; False where it did not."""
    if call.excinfo is None or report.passed or report.when == "teardown":
        return False
    faults = [call.excinfo.value, *(notebook.all_faults if notebook is not None else ())]
    refusal = next((one for fault in faults for one in _chain(fault) if _refuses(one)), None)
    if refusal is None:
        return False
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    words = text.one_line(scrub.clean(str(refusal)), 600)
    report.outcome = "skipped"
    path, line, _ = item.location
    # pytest shows it beside each item: the limit alone.
    report.longrepr = (path, (line or 0) + 1, f"Skipped: {words.partition(',')[0]}")
    report.ailoop_left_out = words  # type: ignore[attr-defined]
    return True


def _refuses(fault: BaseException) -> bool:
    return isinstance(fault, errors.BudgetError)


def _chain(fault: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while fault is not None and id(fault) not in seen:
        seen.add(id(fault))
        yield fault
        if isinstance(fault, BaseExceptionGroup):
            for one in fault.exceptions:
                yield from _chain(one)
        fault = fault.__cause__ or fault.__context__


def is_left_out(report: Any) -> bool:
    """Return whether *report* is that of an item which the budget left out."""
    return hasattr(report, "ailoop_left_out")


@contextlib.contextmanager
def forgetting_no_failure(config: pytest.Config, report: Any) -> Iterator[None]:
    """Hold while *report*, of a left out item, is told to all: `--lf` keeps it on its list.

    It takes those off that passed or were skipped; this one may fail as it did before.
    """
    listed = getattr(config.pluginmanager.get_plugin("lfplugin"), "lastfailed", None)
    name = getattr(report, "id", report.nodeid)
    failed = isinstance(listed, dict) and name in listed
    yield
    if failed:
        listed[name] = True  # type: ignore[index]


def stopped(evaluation: Evaluation) -> str:
    """Return why the run was ended early by its budget, in words; empty where it was not."""
    left_out = evaluation.left_out
    if not left_out:
        return ""
    there = evaluation.session.count + len(left_out)
    items = f"{len(left_out)} of {text.plural(there, 'item')} not measured"
    limit = evaluation.budget.stopped
    if limit:
        return f"stopped by {limit}, {items}"
    # Nothing was used up: a price is missing, or the workers could not count together.
    return f"{items}: {next(iter(left_out.values()))}"


def redden(evaluation: Evaluation, session: pytest.Session) -> None:
    """Let pytest exit like an interrupted run, where the budget ended it.

    To be called last: syrupy adds the bits of the status it was told to those it finds.
    """
    if evaluation.is_stopped:
        session.exitstatus = pytest.ExitCode.INTERRUPTED
