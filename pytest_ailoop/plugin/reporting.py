"""From a finished item to its record, and from the record to what pytest shows of it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import digest, text
from pytest_ailoop.data.record import Fault, ItemRecord, Outcome
from pytest_ailoop.data.score import Score
from pytest_ailoop.plugin import (
    budget,
    figures,
    frames,
    gating,
    keys,
    scrub,
    settling,
    shorten,
    story,
)
from pytest_ailoop.plugin.evaluation import Evaluation
from pytest_ailoop.plugin.items import RUNNING, Running
from pytest_ailoop.plugin.judging import is_infrastructure
from pytest_ailoop.plugin.naming import cell_of, key_of
from pytest_ailoop.plugin.sending import send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["complete", "prepare", "status", "untell", "warned"]

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def prepare(
    evaluation: Evaluation, item: pytest.Item, call: pytest.CallInfo[None]
) -> AbstractContextManager[None]:
    """Learn the keys in the frames that pytest is about to show, and leave the frames that tell.

    Frames of libraries say nothing of a fault of the infrastructure: its message explains it.
    `--full-trace` shows them. The report is to be made inside of what is returned.
    """
    found = call.excinfo
    _take_time(item, call)
    if found is None:
        return nullcontext()
    keys.learn_from(found.value)
    if not is_infrastructure(found.value) or _full_trace(evaluation):
        return nullcontext()
    frames.only_users(found, evaluation.settings.root)
    return frames.short_causes(found.value, evaluation.settings.root)


def _take_time(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Report the body's own time, whenever it ran, instead of the wait for it."""
    running = item.stash.get(RUNNING, None)
    body = None if running is None or call.when != "call" else running.body
    if body is not None:
        call.duration = body.duration
        call.start, call.stop = body.started, body.started + body.duration


def complete(
    evaluation: Evaluation,
    item: pytest.Item,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
) -> None:
    """Put the record of an eval on *report*, and the case's story into its failure text."""
    running = item.stash.get(RUNNING, None)
    notebook = None if running is None else running.notebook
    if budget.leave_out(item, notebook, call, report):
        pass  # It has no record, and so it is missing.
    elif running is not None and running.in_body:
        _note_subtest(evaluation, item, running, call, report)
    elif report.when == "call" or not report.passed:
        _attach(evaluation, item, running, call, report)
    if report.sections or report.longrepr is not None or hasattr(report, "wasxfail"):
        if _is_shortened(evaluation):
            shorten.shorten(report)
        scrub.scrub(report)


def warned(evaluation: Evaluation, warning: Any, nodeid: str) -> None:
    """Make a recorded warning fit to be shown; one of an eval is cut, too."""
    last = evaluation.last_item
    if last is not None and last.nodeid == nodeid and _is_shortened(evaluation):
        shorten.shorten_warning(warning)
    scrub.scrub_warning(warning)


def _is_shortened(evaluation: Evaluation) -> bool:
    return evaluation.config.get_verbosity() < 2


def _full_trace(evaluation: Evaluation) -> bool:
    # Without the terminal plugin there is no such option.
    return bool(evaluation.config.getoption("fulltrace", False))


def _note_subtest(
    evaluation: Evaluation,
    item: pytest.Item,
    running: Running,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
) -> None:
    """Keep how a part of the body went: pytest reports each by itself, the item has one record."""
    outcome = _outcome(call, report)
    if outcome in ("failed", "error"):
        running.subtests.append(outcome)
    if outcome == "failed" and gating.is_gated(evaluation, item):
        # Before pytest counts it: the gate decides, and no part of an item goes before it.
        gating.miss(report, _first_line(call))
        report.ailoop_subtest = "missed"  # type: ignore[attr-defined]
    elif outcome in ("failed", "error"):
        story.tell(evaluation, _record(evaluation, item, running, outcome, call, report), report)


def _attach(
    evaluation: Evaluation,
    item: pytest.Item,
    running: Running | None,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
) -> None:
    _lift_xfail(item, call, report)
    outcome = _outcome(call, report)
    if outcome == "failed" and gating.is_gated(evaluation, item):
        words = running.verdict if running is not None else []
        outcome = gating.miss(report, "; ".join(words) or _first_line(call))
    record = _record(evaluation, item, running, outcome, call, report)
    send(evaluation, record, report)
    if report.when == "call":
        _tell_anew(item, list(figures.properties(record)))
        report.user_properties = list(item.user_properties)
    if report.failed and running is not None:
        if running.verdict and report.when == "call":
            story.name_place(item, running.verdict, report)
        story.tell(evaluation, record, report)
    if outcome == "error" and report.when == "call":
        # The body met a fault of the infrastructure: junit and the summary shall say error, and
        # pytest calls an error whatever fails outside the call phase.
        report.when = "setup"


def _first_line(call: pytest.CallInfo[None]) -> str:
    return "" if call.excinfo is None else text.one_line(call.excinfo.exconly(), 200)


def _lift_xfail(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Take an expected failure back where the item could not be measured at all.

    `xfail` expects quality below the bar; a reply that never came, or a check that could not run,
    is no such failure, and it must not stay unseen.
    """
    if not hasattr(report, "wasxfail") or report.passed or call.excinfo is None:
        return
    if is_infrastructure(call.excinfo.value):
        del report.wasxfail
        report.outcome = "failed"
        report.longrepr = item.repr_failure(call.excinfo)


def _outcome(call: pytest.CallInfo[None], report: pytest.TestReport) -> Outcome:
    if hasattr(report, "wasxfail"):
        return "xpassed" if report.passed else "xfailed"
    if report.passed:
        return "passed"
    if report.skipped:
        return "skipped"
    if report.when == "call" and call.excinfo is None:
        # The body passed, and `xfail(strict=True)` is why the report is red.
        return "xpassed"
    if report.when != "call" or call.excinfo is None:
        return "error"
    return "error" if is_infrastructure(call.excinfo.value) else "failed"


def _record(
    evaluation: Evaluation,
    item: pytest.Item,
    running: Running | None,
    outcome: Outcome,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
) -> ItemRecord:
    cell = cell_of(item)
    assert cell is not None
    notebook = None if running is None else running.notebook
    output = None if notebook is None else notebook.output
    scores = () if notebook is None else tuple(notebook.scores)
    return ItemRecord(
        key=key_of(evaluation, item, cell),
        nodeid=report.nodeid,
        outcome=outcome,
        case_digest=cell.case_digest,
        prompt_digest=None if cell.prompt is None else cell.prompt.digest,
        tags=cell.case.tags,
        scores=(*scores, *_passed(outcome)),
        expectations=() if notebook is None else tuple(notebook.expectations),
        calls=() if notebook is None else tuple(notebook.calls),
        given_up=0 if notebook is None else notebook.given_up,
        output=output,
        output_digest=None if output is None else digest.digest_text(output),
        fault=_fault(call, report, evaluation.settings.root),
        duration=round(call.duration, 6) if report.when == "call" else 0.0,
    )


def _passed(outcome: Outcome) -> Iterator[Score]:
    """An item's outcome is a score like any other, where it says something about quality."""
    if outcome in ("passed", "failed", "missed", "xfailed", "xpassed"):
        value = float(outcome in ("passed", "xpassed"))
        yield Score(name="passed", value=value, kind="outcome")


def _fault(call: pytest.CallInfo[None], report: pytest.TestReport, root: Path) -> Fault | None:
    if report.passed or call.excinfo is None:
        return None
    # An address differs in each process; the same run gives the same record.
    message = _ADDRESS.sub("at 0x...", scrub.clean(str(call.excinfo.value)))
    where = frames.innermost(call.excinfo.traceback, root)
    return Fault(type=call.excinfo.typename, message=message[:2000], where=where)


_TOLD = pytest.StashKey[list[tuple[str, object]]]()


def _tell_anew(item: pytest.Item, properties: list[tuple[str, object]]) -> None:
    """Put *properties* on *item*, where junit takes them from, instead of an earlier attempt's."""
    told = item.stash.get(_TOLD, [])
    item.user_properties[:] = [one for one in item.user_properties if one not in told]
    item.user_properties.extend(properties)
    item.stash[_TOLD] = properties


def untell(item: pytest.Item) -> None:
    """Take our properties off *item*, which is finished; its reports bear them."""
    if _TOLD in item.stash:
        _tell_anew(item, [])
        del item.stash[_TOLD]


def status(evaluation: Evaluation, report: Any) -> Any:
    """Show what a passing eval scored in verbose mode; letters stay pytest's."""
    if budget.is_left_out(report):
        return budget.STATUS
    if settling.is_settled(report) and report.when == "setup":
        return settling.STATUS
    gate = gating.status(evaluation.config, report)
    if gate is not None:
        return gate
    record = getattr(report, "ailoop", None)
    if record is None or report.when != "call" or not report.passed:
        return None
    if hasattr(report, "wasxfail") or evaluation.config.get_verbosity() <= 0:
        return None
    return "passed", ".", f"PASSED {figures.words(record)}".rstrip()
