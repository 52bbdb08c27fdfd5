"""The section at a run's end, as lines with their markup. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.redaction import redact_shown as redact
from pytest_ailoop.report.changes import change_words, move_lines, name_of
from pytest_ailoop.report.costs import differs, judges_words, paid, paid_words
from pytest_ailoop.report.detail import (
    check_lines,
    class_lines,
    clustered_words,
    reliability_words,
    wavering_words,
)
from pytest_ailoop.report.failure import failure_lines
from pytest_ailoop.report.gates import gate_counts, gate_lines
from pytest_ailoop.report.numbers import count, interval, money, seconds
from pytest_ailoop.report.rows import Report, Row, TestRows
from pytest_ailoop.report.table import table
from pytest_ailoop.report.worst import CaseRow

__all__ = ["Line", "case_lines", "change_words", "failure_lines", "lines", "move_lines", "name_of"]

Line = tuple[str, dict[str, Any]]
"""A line and its markup: `red`, `green`, `yellow`, `bold`."""

HEAD = ("variant", "passed", "rate [95% CI]", "vs baseline", "p50/p95", "tokens", "cost")
_RED: dict[str, Any] = {"red": True}
_YELLOW: dict[str, Any] = {"yellow": True}
_BOLD: dict[str, Any] = {"bold": True}


def lines(
    report: Report, *, width: int = 80, verbose: int = 0, utf8: bool = True
) -> Iterator[Line]:
    """Yield the section. *verbose* -1 is one line and one for each fault, 0 the tables and the
    worst cases, 1 every check and class, 2 every case.

    Data never starts a line and holds no control character; known secrets are masked. Lines
    longer than *width* are wrapped, but for the one of -1. Without *utf8* everything is ASCII,
    other characters as escapes.
    """
    found = _quiet(report) if verbose < 0 else _section(report, width, verbose)
    for line, markup in found:
        shown = text.safe(redact(line)).replace("\n", " ")
        shown = shown if utf8 else shown.encode("ascii", "backslashreplace").decode()
        for piece in [shown] if verbose < 0 else text.wrapped(shown, width):
            yield piece, markup


def _quiet(report: Report) -> Iterator[Line]:
    total = report.total
    rate = interval(total.rate, total.low, total.high)
    # The rate is over what was scored: `4 of 9 passed (57%)` would look like a wrong sum.
    if total.scored in (0, total.planned):
        parts = [f"{total.passed} of {total.planned} passed ({rate})"]
    else:
        parts = [f"{total.passed} of {total.scored} scored passed ({rate})"]
        parts.append(f"{total.scored} of {total.planned} scored")
    words = change_words(total.changes)
    parts += [words] if words else []
    parts += [f"gates: {gate_counts(report.gates)}"] if report.gates else []
    parts += list(_short_troubles(report))
    if total.calls.count or total.calls.judge_count:
        parts.append(f"cost {money(total.calls.cost)}")
        parts += [f"{paid(total.calls)} paid"] if differs(total.calls) else []
    yield f"ailoop: {'; '.join(parts)}", _colour(report)
    yield from _faults(report)


def _faults(report: Report) -> Iterator[Line]:
    for one in report.faults:
        yield f"! {text.one_line(one, 400)}", _RED


def _short_troubles(report: Report) -> Iterator[str]:
    yield from _odd_outcomes(report.total)
    if report.incomplete:
        yield "incomplete"
    yield from report.accepted
    yield from report.refused


def _colour(report: Report) -> dict[str, Any]:
    total = report.total
    bad = total.outcomes.get("failed") or total.outcomes.get("error")
    bad = bad or any(one.standing == "bad" for one in report.gates)
    if bad or report.faults or report.refused or total.changes.get("regressed"):
        return _RED
    return _YELLOW if report.incomplete or not total.scored else {"green": True}


def _section(report: Report, width: int, verbose: int) -> Iterator[Line]:
    # A test that was left out on purpose has nothing to show.
    hidden = verbose < 2 and bool(report.narrowed) and not _lost(report)
    ran = [one for one in report.tests if any(_has_run(row) for row in one.rows)]
    several = sum(len(one.rows) for one in report.tests) > 1
    for test in ran if hidden and ran else report.tests:
        yield from _test(test, width, verbose, judges=several)
    yield from _totals(report)
    yield from gate_lines(report.gates, verbose=verbose)
    if report.attempt:
        yield report.attempt, _YELLOW
    if report.slices:
        from pytest_ailoop.report.slices import slice_lines

        yield from slice_lines(report.slices, verbose=verbose)
    yield from _worst(report, width, verbose)
    if verbose >= 2:
        yield from _every_case(report, width)
        yield from move_lines(report.changes, title="against the baseline:")
    yield from _missing(report, verbose)
    yield from _endings(report)


def _test(test: TestRows, width: int, verbose: int, *, judges: bool) -> Iterator[Line]:
    cases = f"{test.cases} of {test.size}" if test.cases < test.size else str(test.cases)
    about = f"{cases} {'case' if test.size == 1 else 'cases'}"
    if test.trials > 1:
        fewer = f"{test.fewest} to " if test.fewest < test.trials else ""
        about += f" x {fewer}{test.trials} trials"
    name = text.one_line(f"{test.module}::{test.test}", width - 4)
    dataset = text.one_line(test.dataset, 60)
    yield f"- {name}", _BOLD
    yield f"  over {dataset}: {about}", {}
    if not test.cases:
        return
    body = [_cells(row) for row in test.rows]
    for number_, line in enumerate(table(HEAD, body, width=width)):
        yield line, {} if number_ else {"light": True}
    for row in test.rows:
        yield from _beneath(row, verbose, several=len(test.rows) > 1, judges=judges)


def _has_run(row: Row) -> bool:
    return any(count for outcome, count in row.outcomes.items() if outcome != "missing")


def _cells(row: Row) -> tuple[str, ...]:
    calls = row.calls
    times = "-" if calls.p50 is None else f"{seconds(calls.p50)}/{seconds(calls.p95)}"
    tokens = count(calls.tokens) if calls.count else "-"
    if calls.uncounted and calls.count:
        tokens = "n/a" if calls.uncounted == calls.count else f">={tokens}"
    return (
        text.one_line(row.label or "(all)", 200),
        f"{row.passed}/{row.scored}",
        interval(row.rate, row.low, row.high),
        change_words(row.changes, short=True) or "-",
        times,
        tokens,
        money(calls.cost),
    )


def _beneath(row: Row, verbose: int, *, several: bool, judges: bool) -> Iterator[Line]:
    label = f"{text.one_line(row.label, 200)}: " if several else ""
    odd = list(_odd_outcomes(row))
    if row.scored < row.planned:
        odd.insert(0, f"{row.scored} of {text.plural(row.planned, 'case')} scored")
    if odd:
        yield f"  ! {label}{', '.join(odd)}", _YELLOW
    if row.since:
        yield f"  . {label}{text.one_line(row.since, 300)}", {}
    if row.reliability:
        yield f"  . {label}{reliability_words(row.reliability, exact=verbose >= 1)}", {}
    if verbose >= 1 and len(row.reliability) > 1:
        yield f"  . {label}{wavering_words(row.reliability)}", {}
    if verbose >= 1:
        yield from ((f"  . {label}{one}", {}) for one in clustered_words(row.clustered))
        yield from ((f"  . {label}{one}", {}) for one in check_lines(row.checks))
    for one in class_lines(row.classes, verbose):
        yield f"  . {label}{one}", {}
    if judges and row.calls.judge_count:
        yield f"  . {label}{judges_words(row.calls)}", {}


def _odd_outcomes(row: Row) -> Iterator[str]:
    words = {"error": "errored", "skipped": "skipped", "missing": "without a result",
             "settled": "settled, not run",
             "xfailed": "failed as expected", "xpassed": "passed unexpectedly"}  # fmt: skip
    for outcome, word in words.items():
        if row.outcomes.get(outcome):
            yield f"{text.plural(row.outcomes[outcome], 'item')} {word}"
    if row.unscored:
        yield f"{text.plural(row.unscored, 'score')} could not be given"


def _totals(report: Report) -> Iterator[Line]:
    calls = report.total.calls
    if calls.origins:
        names = {"recording": "recorded", "cache": "cached", "live": "live"}
        origins = [f"{calls.origins.get(one, 0)} {word}" for one, word in names.items()]
        yield f"replies: {', '.join(origins)}; cost {money(calls.cost)}", {}
    if calls.judge_count:
        yield judges_words(calls), {}
    if differs(calls):
        yield paid_words(calls), {}
    words = change_words(report.total.changes)
    if not report.has_baseline and not report.faults:
        words = "none yet" + (f" ({words})" if words else "")
    if words:
        red = bool(report.total.changes.get("regressed"))
        runs = f" (pooled over {report.pooled} runs)" if report.pooled > 1 else ""
        yield f"baseline{runs}: {words}", _RED if red else {}


def _worst(report: Report, width: int, verbose: int) -> Iterator[Line]:
    limit = {0: 5, 1: 10}.get(verbose, len(report.worst))
    if report.worst:
        yield "worst cases:", _BOLD
    for row in report.worst[:limit]:
        yield from case_lines(row, width)
    if len(report.worst) > limit:
        yield f"  ... {len(report.worst) - limit} more (-vv shows all)", {}


def _every_case(report: Report, width: int) -> Iterator[Line]:
    if report.cases:
        yield "cases:", _BOLD
    for row in report.cases:
        yield from case_lines(row, width)


def case_lines(row: CaseRow, width: int) -> Iterator[Line]:
    """Yield a case's line and, below it, why it stands so."""
    status = f", {row.status}" if row.status not in ("", "unchanged") else ""
    bad = row.outcome in ("error", "failed") or row.status == "regressed"
    markup = _RED if bad else _YELLOW if row.outcome == "missed" else {}
    outcome = f"{row.outcome}{status}"
    yield f"  - {text.cut(name_of(row.key), max(20, width - len(outcome) - 6))}  {outcome}", markup
    if row.reason:
        # Two lines: the next step stands at the end of a fault.
        yield f"    | {text.one_line(row.reason, 2 * (width - 8))}", {}


def _missing(report: Report, verbose: int) -> Iterator[Line]:
    limit = len(report.missing) if verbose >= 2 else _named(report)
    if report.missing:
        planned = sum(report.total.outcomes.values())
        yield f"without a result: {len(report.missing)} of {text.plural(planned, 'item')}", _YELLOW
    for key in report.missing[:limit]:
        yield f"  - {name_of(key)}", {}
    if len(report.missing) > limit:
        more = "more " if limit else ""
        yield f"  ... {len(report.missing) - limit} {more}(-vv names all)", {}
    told = {one.key for one in report.worst}
    silent = [one for one in report.unmeasured if one.key not in told]
    # What was settled is counted above; names of it are for those who want all.
    silent = [one for one in silent if verbose >= 2 or one.reason != "settled without it"]
    for one in silent[: 5 if verbose < 2 else None]:
        yield f"  - {name_of(one.key)}  not measured: {text.one_line(one.reason, 120)}", {}


def _named(report: Report) -> int:
    """Items that were left out on purpose need no names; lost ones do."""
    return 20 if _lost(report) or not report.narrowed else 0


def _lost(report: Report) -> bool:
    """Return whether items have no result that were to have one: a crash, or a spent budget."""
    return any("crash" in one or "not measured" in one for one in report.narrowed)


def _endings(report: Report) -> Iterator[Line]:
    reasons = [text.one_line(one, 200) for one in report.incomplete]
    if reasons:
        yield f"incomplete: {'; '.join(reasons)}", _YELLOW
    yield from _faults(report)
    for one in report.accepted:
        yield f"baseline: {text.one_line(one, 200)}", {"green": True}
    for one in report.refused:
        yield f"baseline: {text.one_line(one, 300)}", _RED
    for command, purpose in report.next:
        yield f"next: {command}  ({purpose})", {}
