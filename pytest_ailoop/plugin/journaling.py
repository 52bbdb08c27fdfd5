"""What the reports of an item bear for the journal, and who writes it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop.plugin import journals, options
from pytest_ailoop.plugin.finished import CONDITIONS, Journaling
from pytest_ailoop.plugin.identity import conditions, identity_of, key_digest
from pytest_ailoop.plugin.naming import cell_of
from pytest_ailoop.report.project import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = [
    "CHEAP",
    "JOURNALING",
    "USED",
    "add_facts",
    "begin",
    "finish",
    "journaling_of",
    "mark",
    "note_warning",
]

#: Where replies come from that cost nothing.
_FREE = {"cache", "recording"}
#: Seconds below which a body that asked no model is sooner run again than kept.
_CHEAP = 0.05

USED = pytest.StashKey[list[str]]()
"""On an item that ran: the models that it asked."""
CHEAP = pytest.StashKey[bool]()
"""On an item that ran: it is sooner run again than kept."""
_WATCH = pytest.StashKey[Watch]()
_COVERED = pytest.StashKey[list[str]]()


def begin(evaluation: Evaluation, session: pytest.Session) -> None:
    """Note what all results will rest on: before the first item, whose time may be limited."""
    looks = options.runs_nothing(evaluation.config)
    if looks or not evaluation.kept or evaluation.settings.replies in ("live", "record"):
        return
    stash, root = evaluation.config.stash, evaluation.settings.root
    stash[_WATCH] = Watch(root, stash[options.LOADED])
    stash[_COVERED] = sorted(_covered(evaluation, session))
    if not evaluation.is_worker:
        stash[CONDITIONS] = conditions(evaluation.config)


def mark(evaluation: Evaluation, item: pytest.Item, report: pytest.TestReport) -> None:
    """Put on an eval's *report* which item it is of, and on the last one what that is told by."""
    if _WATCH not in evaluation.config.stash:
        return
    report.ailoop_item = key_digest(evaluation, item)  # type: ignore[attr-defined]
    record = getattr(report, "ailoop", None)
    if record is not None:
        asked = {one["model_asked"] for one in record["calls"] if one["model_asked"]}
        item.stash[USED] = sorted(asked)
        if not evaluation.settings.resume and _is_cheap(record, report):
            report.ailoop_cheap = item.stash[CHEAP] = True  # type: ignore[attr-defined]
    if report.when == "teardown":
        told: dict[str, Any] = {}
        used = item.stash.get(USED, [])
        if not item.stash.get(CHEAP, False):
            told = {"identity": identity_of(evaluation, item, used), "used": used}
        if USED in item.stash:
            del item.stash[USED]
        if CHEAP in item.stash:
            del item.stash[CHEAP]
        report.ailoop_ends = told  # type: ignore[attr-defined]


def _is_cheap(record: Mapping[str, Any], report: pytest.TestReport) -> bool:
    """Return whether an item is sooner run again than kept: no model was asked, nothing was slow.

    What other runs go on from are items that were paid for, or waited for.
    """
    origins = {one["origin"] for one in record["calls"]}
    return bool(origins) and origins <= _FREE and report.duration < _CHEAP


def _covered(evaluation: Evaluation, session: pytest.Session) -> set[str]:
    """Return files that are compared case by case and prompt by prompt, and those of reports."""
    found = {name for one in evaluation.collected.values() for name in one.dataset.files}
    for item in session.items:
        cell = cell_of(item)
        if cell is not None and cell.prompt is not None:
            found.add(cell.prompt.path)
    here = evaluation.config.invocation_params.dir
    for name in ("xmlpath", "htmlpath", "json_report_file", "report_log", "log_file"):
        path = evaluation.config.getoption(name, None)
        if path:
            found.add(evaluation.relative(here / path))
    return found


def add_facts(evaluation: Evaluation, report: pytest.TestReport) -> None:
    """Put on an item's last report what became known of the project's files since the one before.

    When it is handed on, not when it is made: a plugin that runs an item again drops reports.
    """
    told = getattr(report, "ailoop_ends", None)
    # xdist's controller sees a worker's report, with the worker on it.
    if told is not None and not hasattr(report, "node"):
        stash = evaluation.config.stash
        told["facts"] = stash[_WATCH].fresh()
        told["covered"], stash[_COVERED] = stash[_COVERED], []


JOURNALING = pytest.StashKey[Journaling]()
"""On the config of the controlling process, from the first report of an eval on."""


def journaling_of(evaluation: Evaluation) -> Journaling:
    """Return what writes the session's journal; made on first use."""
    stash = evaluation.config.stash
    if JOURNALING not in stash:
        resume = options.resumes(evaluation.config)
        writer = journals.prepared(evaluation.config).writer if resume else None
        stash[JOURNALING] = Journaling(evaluation, writer)
    return stash[JOURNALING]


def finish(evaluation: Evaluation, session: pytest.Session, status: int) -> None:
    """Close the journal, if there is one; a worker has none."""
    if JOURNALING in evaluation.config.stash:
        evaluation.config.stash[JOURNALING].finish(session, status)


def note_warning(evaluation: Evaluation, nodeid: str, warning: Any) -> None:
    """Keep what an item warned of, where there is a journal."""
    if JOURNALING in evaluation.config.stash:
        evaluation.config.stash[JOURNALING].note_warning(nodeid, warning)
