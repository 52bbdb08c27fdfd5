"""Records arriving, and the end of the session; only the controlling process writes files.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from pytest_ailoop import text
from pytest_ailoop.data.record import item_from, plain, plan_from
from pytest_ailoop.plugin.evaluation import Evaluation
from pytest_ailoop.plugin.planning import plan_of

__all__ = ["finish", "receive", "worker_down"]


def receive(evaluation: Evaluation, report: pytest.TestReport) -> None:
    """Add the record that rides on *report*; a worker leaves that to the controller."""
    if not evaluation.is_worker:
        evaluation.session.add(item_from(report.ailoop))


def worker_down(evaluation: Evaluation, node: Any, output: dict[str, Any] | None) -> None:
    """Take the plan of an xdist worker that ended; one that crashed took its knowledge with it."""
    if output is None:
        evaluation.narrowed.append(f"worker {node.gateway.id} crashed")
        return
    evaluation.session.plan(plan_from(output["plan"]))
    evaluation.narrowed.extend(output["narrowed"])
    evaluation.warnings.extend(output["warnings"])


def finish(evaluation: Evaluation, session: pytest.Session, exitstatus: int) -> None:
    """Close the run: a worker sends its plan, the controller compares, accepts and writes."""
    if evaluation.is_worker:
        _publish(evaluation)
        return
    if session.config.option.collectonly or not evaluation.session.planned.tests:
        return
    if session.shouldstop or session.shouldfail or exitstatus == pytest.ExitCode.INTERRUPTED:
        reason = session.shouldfail or session.shouldstop or "interrupted"
        evaluation.narrowed.append(f"stopped early: {reason}")
    evaluation.session.plan(plan_of(evaluation))
    outcome = evaluation.session.finish(
        exit_status=int(exitstatus),
        started=evaluation.started,
        duration=time.monotonic() - evaluation.started_clock,
        arguments=[str(one) for one in session.config.invocation_params.args],
    )
    evaluation.outcome = outcome
    if outcome.accepted:
        _keep_outputs(evaluation)
    if evaluation.settings.replies == "record":
        _record(evaluation)
    fine = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if outcome.broken and session.exitstatus in fine:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    evaluation.config.hook.pytest_ailoop_run_finished(config=evaluation.config, outcome=outcome)


def _keep_outputs(evaluation: Evaluation) -> None:
    """Keep the accepted texts on this machine: a later output is shown against them."""
    outcome = evaluation.outcome
    for record in outcome.records if outcome else ():
        if record.output is not None and record.output_digest is not None:
            evaluation.store.keep_output(record.output_digest, record.output)


def _record(evaluation: Evaluation) -> None:
    """Write the recordings; only a complete run without errors may drop what it did not use."""
    outcome = evaluation.outcome
    if outcome is None:
        return
    partial = any(test.selection for test in outcome.run.plan.tests) or outcome.run.plan.narrowed
    errored = any(one.outcome in ("error", "skipped") for one in outcome.records)
    complete = not (partial or errored or outcome.missing)
    root = evaluation.settings.root
    for path in evaluation.store.write_recordings(outcome.records, complete=complete):
        evaluation.recorded.append(path.relative_to(root).as_posix())


def _publish(evaluation: Evaluation) -> None:
    output = getattr(evaluation.config, "workeroutput", None)
    if output is not None:
        output["ailoop"] = {
            "plan": plain(evaluation.session.planned),
            "narrowed": list(evaluation.narrowed),
            "warnings": [text.safe(one) for one in evaluation.all_warnings()],
        }
