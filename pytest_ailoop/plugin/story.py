"""The story of a case, told where pytest shows its failure. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["name_place", "tell"]


def name_place(item: pytest.Item, verdict: list[str], report: pytest.TestReport) -> None:
    """Let one-line reports name the test and what is wrong with it, not our own raising of it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.path = str(item.path)
        crash.lineno = (item.location[1] or 0) + 1
        crash.message = "; ".join(verdict)


def tell(evaluation: Evaluation, record: ItemRecord, report: pytest.TestReport) -> None:
    """Put the case's story below the failure.

    As a section of the failure, not of the report: those are captured output, which
    `--show-capture=no` hides and junit keeps elsewhere.
    """
    from pytest_ailoop.report.terminal import failure_lines

    story = "\n".join(
        failure_lines(
            replace(record, fault=None),  # pytest shows it above.
            baseline_output=_baseline_output(evaluation, record),
            verbose=evaluation.config.get_verbosity(),
        )
    )
    if not _is_utf8(evaluation.config):
        # pytest would escape the text as a whole, its line ends too.
        story = story.encode("ascii", "backslashreplace").decode()
    add = getattr(report.longrepr, "addsection", None)
    if story and add is not None:
        add("ailoop", story, "-")
    elif story:
        report.sections = [*report.sections, ("ailoop", story)]


def _is_utf8(config: pytest.Config) -> bool:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    # A worker has none; it was started with the controller's environment.
    file = sys.__stdout__ if reporter is None else reporter._tw._file
    return "utf" in (getattr(file, "encoding", None) or "utf-8").lower()


def _baseline_output(evaluation: Evaluation, record: ItemRecord) -> str | None:
    """Return the output that was accepted for this case, where this machine still has its text."""
    accepted = evaluation.accepted_output(record)
    if accepted is None or accepted == record.output_digest:
        return None
    return evaluation.store.output_text(accepted, evaluation.settings.root / record.key.module)
