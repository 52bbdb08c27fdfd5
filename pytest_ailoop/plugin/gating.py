"""Gates on pytest's side: items that miss under one, and the gates' own reports.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import text
from pytest_ailoop.data.gate import excuse, gates_over
from pytest_ailoop.data.record import ItemKey, Outcome
from pytest_ailoop.plugin.last_failed import ITEMS_ONLY
from pytest_ailoop.plugin.naming import cell_of, key_of

if TYPE_CHECKING:
    from pytest_ailoop.data.gate import GateSpec, GateVerdict
    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["configured", "is_gated", "is_missed", "miss", "status", "tell"]


def configured(evaluation: Evaluation) -> tuple[GateSpec, ...]:
    """Return the gates of the configuration; raises `ConfigError` for a value out of its range."""
    tables = evaluation.settings.config.gates
    if not tables:
        return ()
    from pytest_ailoop.gates.tables import configured as made

    return tuple(made(tables))


def is_gated(evaluation: Evaluation, item: pytest.Item) -> bool:
    """Return whether a gate decides over the item's misses, so that it does not by itself.

    One that speaks of cost or time alone leaves quality to the items, and one over the cases with a
    tag the others; but where each case must pass, the gate answers for those that may fail for now.
    """
    cell = cell_of(item)
    if cell is None:
        return False
    key = key_of(evaluation, item, cell)
    module, test = key.module, key.test
    found = evaluation.collected.get((module, test.partition("[")[0]))
    own = () if found is None else found.gates
    gates = gates_over(module, test, own, evaluation.gates)
    if any(_decides(one, cell.case.tags) for one in gates):
        return True
    tags = (None, *cell.case.tags)
    strict = any(one.kind == "every_case" and one.tag in tags for one in gates)
    return strict and _may_fail(evaluation, key)


def _may_fail(evaluation: Evaluation, key: ItemKey) -> bool:
    """Return whether the case is on the list of accepted failures, and its entry still holds."""
    entry = excuse(evaluation.settings.config.accepted_failures, key.module, key.test, key.case)
    return entry is not None and entry.expires >= datetime.now(UTC).date().isoformat()


def _decides(gate: GateSpec, tags: Sequence[str]) -> bool:
    counted = gate.tag is None or gate.tag in tags
    return counted and gate.kind not in ("max_cost", "p95_latency", "every_case")


def miss(report: pytest.TestReport, words: str) -> Outcome:
    """Let an item that failed under a gate be missed, which is no failure of its own.

    To pytest it is an expected failure: junit says skipped, `--lf` and `-x` pass it by, and
    plugins that run failures again leave it alone.
    """
    report.outcome = "skipped"
    report.wasxfail = f"missed: {words}"
    return "missed"


def is_missed(report: Any) -> bool:
    """Return whether *report* is that of an item that missed under a gate."""
    record = getattr(report, "ailoop", None)
    return isinstance(record, dict) and record.get("outcome") == "missed"


def status(config: pytest.Config, report: Any) -> tuple[str, str, Any] | None:
    """Return category, letter and word of a gate's own report, or of what missed under one."""
    gate = getattr(report, "ailoop_gate", None)
    if hasattr(report, "ailoop_subtest"):
        return _subtest(config, report)
    if gate is not None and hasattr(report, "wasxfail"):
        return gate, "?", (gate.upper(), {"yellow": True})
    if gate is None and report.when == "call" and is_missed(report):
        return "missed", "m", ("MISSED", {"yellow": True})
    return None


def _subtest(config: pytest.Config, report: Any) -> tuple[str, str, Any]:
    """Return the status of a missed subtest: as with passed ones, nothing unless asked for."""
    if config.get_verbosity(pytest.Config.VERBOSITY_SUBTESTS) == 0:
        return "", "", ""
    which = report.head_line.removeprefix(f"{report.location[2]} ")
    return "subtests missed", "m", (f"SUBMISSED{which}", {"yellow": True})


def tell(evaluation: Evaluation) -> bool:
    """Report each gate's verdict as pytest reports a test; returns whether one turns the run red.

    So counts, the failures section, junit and IDEs agree with the exit code, with workers too.
    """
    outcome = evaluation.outcome
    verdicts = () if outcome is None else outcome.gates
    if not verdicts:
        return False
    hook, plugins = evaluation.config.hook, evaluation.config.pluginmanager
    others = [one for one in map(plugins.get_plugin, ITEMS_ONLY) if one is not None]
    logreport = plugins.subset_hook_caller("pytest_runtest_logreport", others)
    with _beside_the_items(evaluation.config):
        for verdict in verdicts:
            report = _report(verdict)
            hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
            logreport(report=report)
            hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)
    return any(one.blocking for one in verdicts)


@contextlib.contextmanager
def _beside_the_items(config: pytest.Config) -> Iterator[None]:
    """Leave the count of what was to run and the end by `--maxfail` to the items."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    showing = getattr(reporter, "_show_progress_info", None)
    most = config.getoption("maxfail", 0)
    config.option.maxfail = 0
    if reporter is not None:
        reporter.ensure_newline()
        if config.get_terminal_writer().width_of_current_line:
            reporter.line("")  # With `-q` no path is there that it would end.
        if showing is not None:
            reporter._show_progress_info = False
    try:
        yield
    finally:
        config.option.maxfail = most
        if showing is not None:
            reporter._show_progress_info = showing  # type: ignore[union-attr]


def _report(verdict: GateVerdict) -> pytest.TestReport:
    from pytest_ailoop.plugin import scrub
    from pytest_ailoop.report.gates import headline, story

    label = verdict.variant.label
    # That of a table over several tests says so by what it stands in: `pyproject.toml::gates`.
    kind = "" if verdict.tests else "gate: "
    called = text.one_line(f"{kind}{verdict.gate.name}{f' | {label}' if label else ''}", 200)
    name = f"{verdict.test.replace('::', '.')}[{called}]"
    sort = verdict.standing
    report = pytest.TestReport(
        nodeid=scrub.clean(f"{verdict.module}::{verdict.test}[{called}]"),
        location=(verdict.module, None, scrub.clean(name)),
        keywords={},
        outcome="failed" if sort == "bad" else "passed" if sort == "good" else "skipped",
        longrepr=scrub.clean(story(verdict)) if sort == "bad" else None,
        # pytest calls an error whatever fails outside the call phase.
        when="setup" if sort == "bad" and verdict.status == "invalid" else "call",
        user_properties=[("ailoop_gate", verdict.status)],
        ailoop_gate=verdict.status,
    )
    if sort == "open":
        report.wasxfail = scrub.clean(headline(verdict))
    return report
