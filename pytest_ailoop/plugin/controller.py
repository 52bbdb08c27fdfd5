"""Records arriving, and the end of the session; only the controlling process writes files.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import errors, text
from pytest_ailoop.data.money import Bill
from pytest_ailoop.data.record import plain, plan_from
from pytest_ailoop.plugin import budget, gating, last_failed, options, settling, stolen, verdicts
from pytest_ailoop.plugin.evaluation import Evaluation
from pytest_ailoop.plugin.journaling import journaling_of
from pytest_ailoop.plugin.naming import cell_of, nothing_of
from pytest_ailoop.plugin.planning import plan_of
from pytest_ailoop.plugin.sending import sent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ailoop.session import Outcome

__all__ = ["finish", "receive", "send_plan", "worker_down"]


def send_plan(evaluation: Evaluation, item: pytest.Item, report: pytest.TestReport) -> None:
    """Let a worker's plan ride on its first report of an eval.

    A worker that crashes, or that the controller stops waiting for (`-x`, Ctrl-C), says nothing
    at its end.
    """
    if not evaluation.is_worker or evaluation.plan_sent:
        return
    if cell_of(item) is not None or nothing_of(item) is not None:
        evaluation.plan_sent = True
        report.ailoop_plan = plain(plan_of(evaluation))  # type: ignore[attr-defined]


def receive(evaluation: Evaluation, report: pytest.TestReport) -> None:
    """Take what rides on *report*, a plan or a record; a worker leaves that to the controller."""
    if evaluation.is_worker:
        return
    if hasattr(report, "ailoop_plan"):
        evaluation.session.plan(plan_from(report.ailoop_plan))
        del report.ailoop_plan
    if hasattr(report, "ailoop"):
        evaluation.heard = True
        evaluation.left_out.pop(report.nodeid, None)
        record = sent(evaluation, report)
        stolen.meet(evaluation, record)
        settling.note(evaluation, record)
        evaluation.session.add(record, report.ailoop)
        evaluation.given_up.pop(report.nodeid, None)
        given_up = report.ailoop.get("given_up")
        if given_up and report.ailoop["outcome"] != "error":
            evaluation.given_up[report.nodeid] = given_up
        if hasattr(report, "ailoop_kept"):
            evaluation.resumed.add(report.ailoop)
    elif budget.is_left_out(report):
        evaluation.heard = True
        evaluation.left_out[report.nodeid] = report.ailoop_left_out
    if hasattr(report, "ailoop_item"):
        journaling_of(evaluation).receive(report)


def worker_down(evaluation: Evaluation, node: Any, output: dict[str, Any] | None) -> None:
    """Take what an xdist worker that ended knows besides; one that crashed says nothing."""
    if output is None:
        evaluation.narrowed.append(f"worker {node.gateway.id} crashed")
        return
    for name in _SENT:
        known = getattr(evaluation, name)
        known.extend(one for one in output[name] if one not in known)
    evaluation.inline.update(output.get("inline", {}))
    evaluation.uncounted |= output.get("uncounted", False)
    stolen.learn(evaluation, output.get("stolen", {}))


#: What a worker says at its end: lists of texts of its evaluation.
_SENT = ("narrowed", "nothing", "usage_faults", "warnings")


def _publish(evaluation: Evaluation) -> None:
    output = getattr(evaluation.config, "workeroutput", None)
    if output is not None and (evaluation.session.planned.tests or evaluation.usage_faults):
        evaluation.warnings = evaluation.all_warnings()
        output["ailoop"] = {
            name: [text.safe(one) for one in getattr(evaluation, name)] for name in _SENT
        }
        output["ailoop"]["inline"] = dict(evaluation.inline)
        output["ailoop"]["uncounted"] = evaluation.tally.is_broken
        output["ailoop"]["stolen"] = dict(evaluation.stolen)


def finish(evaluation: Evaluation, session: pytest.Session, exitstatus: int) -> None:
    """Close the run: a worker tells what it knows, the controller compares, accepts and writes."""
    if evaluation.is_worker:
        _publish(evaluation)
        return
    if evaluation.usage_faults:
        _redden(session, pytest.ExitCode.USAGE_ERROR)
    most = session.config.getoption("maxfail", None) or 0
    evaluation.is_failed = 0 < most <= session.testsfailed
    interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
    tests = evaluation.session.planned.tests
    looked = options.runs_nothing(session.config)
    if looked or not tests or (interrupted and not evaluation.heard):
        evaluation.nothing = []
        return
    if not any(one.selected for one in tests):
        if evaluation.settings.selects:
            _redden(session, pytest.ExitCode.NO_TESTS_COLLECTED)
        return
    if session.shouldstop or session.shouldfail or interrupted:
        reason = session.shouldfail or session.shouldstop or "interrupted"
        evaluation.narrowed.append(f"stopped early: {reason}")
    exitstatus = _stop_for_budget(evaluation, session, exitstatus)
    _settle(evaluation, session, exitstatus)


def _stop_for_budget(evaluation: Evaluation, session: pytest.Session, exitstatus: int) -> int:
    """Return the exit status: that of an interrupted run, where the budget left items out."""
    words = budget.stopped(evaluation)
    if not words:
        return exitstatus
    evaluation.narrowed.append(words)
    # pytest shows this above its last line.
    session.shouldstop = session.shouldstop or words
    evaluation.is_stopped = exitstatus in _ENDED
    return pytest.ExitCode.INTERRUPTED if evaluation.is_stopped else exitstatus


#: How a session ends that ran all it was to run.
_ENDED = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)


def _redden(session: pytest.Session, status: pytest.ExitCode) -> None:
    if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = status


def _settle(evaluation: Evaluation, session: pytest.Session, exitstatus: int) -> None:
    evaluation.narrowed.extend(settling.narrowed(evaluation))
    evaluation.session.plan(plan_of(evaluation))
    stolen.settle(evaluation)
    outcome = evaluation.session.finish(
        exit_status=int(exitstatus),
        started=evaluation.started,
        duration=time.monotonic() - evaluation.started_clock,
        arguments=[str(one) for one in session.config.invocation_params.args],
        bill=_bill(evaluation),
    )
    evaluation.outcome = outcome
    evaluation.warnings.extend([*outcome.warnings, *_given_up(evaluation)])
    if outcome.accepted:
        _keep_outputs(evaluation)
    if evaluation.settings.replies == "record":
        outcome = evaluation.outcome = _record(evaluation, outcome)
    if gating.tell(evaluation) or outcome.broken:
        _redden(session, pytest.ExitCode.TESTS_FAILED)
    last_failed.note(evaluation, outcome)
    verdicts.write(evaluation, session)
    if evaluation.outcome.broken:
        _redden(session, pytest.ExitCode.TESTS_FAILED)
    evaluation.config.hook.pytest_ailoop_run_finished(
        config=evaluation.config, outcome=evaluation.outcome
    )


def _bill(evaluation: Evaluation) -> Bill | None:
    """Return what the session paid; None where a process could not count it."""
    if evaluation.uncounted:
        return None
    paid, saved = evaluation.tally.sums()
    workers = evaluation.config.pluginmanager.get_plugin("dsession")
    if getattr(workers, "_active_nodes", None):
        # The run was stopped, and they are still about it: what they ask now is paid, too.
        paid = replace(paid, unknown=paid.unknown + 1)
    kept = evaluation.resumed
    return Bill(paid=paid, saved=saved, earlier=kept.cost, kept=kept.count)


def _given_up(evaluation: Evaluation) -> Iterator[str]:
    """Yield which items were measured without calls that our limits kept in line."""
    found = evaluation.given_up
    if found:
        calls, items = sum(found.values()), text.plural(len(found), "item")
        some = ", ".join([*found][:3]) + (", ..." if len(found) > 3 else "")
        yield (
            f"{text.plural(calls, 'call')} of {items} cancelled in line, before going out, by the "
            f"application or the test ({text.cut(some, 150)}); measured without; next: raise that "
            "timeout, the model's limits or --ailoop-concurrency"
        )


def _keep_outputs(evaluation: Evaluation) -> None:
    """Keep the accepted texts on this machine: a later output is shown against them."""
    outcome = evaluation.outcome
    for record in outcome.records if outcome else ():
        if record.output is not None and record.output_digest is not None:
            evaluation.store.keep_output(record.output_digest, record.output)


def _record(evaluation: Evaluation, outcome: Outcome) -> Outcome:
    """Write the recordings; only a complete run without errors may drop what it did not use.

    Returns the outcome with what could not be written.
    """
    partial = any(test.selection for test in outcome.run.plan.tests) or outcome.run.plan.narrowed
    errored = any(one.outcome in ("error", "skipped") for one in outcome.records)
    complete = not (partial or errored or outcome.missing)
    try:
        for path in evaluation.store.write_recordings(outcome.records, complete=complete):
            evaluation.recorded.append(evaluation.relative(path))
    except (OSError, errors.ReplyError) as error:
        words = str(error).replace(f"{evaluation.settings.root}{os.sep}", "")
        fault = f"the recordings could not be written: {words}"
        return replace(outcome, faults=(*outcome.faults, fault))
    return outcome
