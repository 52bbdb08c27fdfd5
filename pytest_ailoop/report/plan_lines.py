"""A forecast as lines: one table, one line of total, what it rests on. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_ailoop import text
from pytest_ailoop.redaction import redact_shown as redact
from pytest_ailoop.report.forecast import Forecast, Sum
from pytest_ailoop.report.numbers import count, dollars, seconds
from pytest_ailoop.report.table import table

__all__ = ["plan_lines"]

_HEAD = ("model", "items", "calls/item", "calls", "stored", "live", "tokens", "cost")


def plan_lines(
    found: Forecast,
    *,
    concurrency: int = 1,
    replay: bool = False,
    width: int = 80,
    verbose: int = 0,
) -> Iterator[str]:
    """Yield the plan: a row for each model and purpose, with *verbose* for each test besides.

    `~` marks what rests on a mean, `>=` what is more by an unknown part, `?` what is not known.
    With *replay* nothing goes live. Secrets are masked, control characters escaped.
    """
    for line in _lines(found, concurrency, replay, width, verbose):
        yield from text.wrapped(text.safe(redact(line)).replace("\n", " "), width)


def _lines(
    found: Forecast, concurrency: int, replay: bool, width: int, verbose: int
) -> Iterator[str]:
    if verbose >= 1 and len(found.tests) > 1:
        for name, rows in found.tests:
            yield f"- {text.one_line(name, width - 16)}{'' if rows else ': never ran'}"
            yield from _table(rows, {}, width)
        yield "- all tests"
    yield from _table(found.rows, found.unknown, width)
    yield _total(found, concurrency, replay)
    if found.rows:
        yield f"known from: {'; '.join(_bases(found))}"


def _table(rows: Sequence[Sum], unknown: Mapping[str, int], width: int) -> Iterator[str]:
    body = [_cells(row) for row in rows]
    for name, items in unknown.items():
        label = f"{_inline(name)}: never ran" if name else "never ran"
        body.append((label, str(items), "?", "?", "?", "?", "?", "n/a"))
    if body:
        yield from table(_HEAD, body, width=width)


def _cells(row: Sum) -> tuple[str, ...]:
    about = "~" if row.estimated else ""
    return (
        _inline(row.model) + (" (judge)" if row.purpose == "judge" else ""),
        str(row.items),
        about + (f"{row.calls / row.items:.1f}" if row.items else "-"),
        about + _whole(row.calls),
        _whole(row.stored),
        about + _whole(row.live),
        _tokens(row),
        _cost(row),
    )


def _total(found: Forecast, concurrency: int, replay: bool) -> str:
    total = found.total
    if not found.rows and found.unknown:
        items = text.plural(found.items, "item")
        told = "is known once a part of them ran (--ailoop-sample=3)"
        return f"total: {items}; no kept run has their tests: what they ask {told}"
    # What is missing from a sum altogether makes it a lower bound; a mean makes it a guess.
    least = ">=" if found.unknown else "~" if total.estimated else ""
    parts = [
        f"{text.plural(found.items, 'item')}",
        f"{least}{_whole(total.calls)} calls",
        f"{_whole(total.stored)} answered from recordings{'' if replay else ' or cache'} (free)",
    ]
    if replay:
        lost = f"{least}{_whole(total.live)} without a recording"
        return f"total: {', '.join([*parts, lost])}; replay asks no model"
    parts.append(f"{least}{_whole(total.live)} live")
    if total.live or found.unknown:
        parts.append(f"{_tokens(total, least)} tokens")
        parts.append(f"cost {_cost(total, least)}")
    if total.seconds:
        wait = seconds(total.seconds / min(concurrency, max(total.live, 1.0)))
        parts.append(f"{least or '~'}{wait} with {concurrency} calls in flight")
    return f"total: {', '.join(parts)}"


def _bases(found: Forecast) -> Iterator[str]:
    words = {
        "same": "with case, prompt and model as in a kept run",
        "mean": "~ by the mean of the same test and model",
        "other model": "~ by another model's calls of the same test",
        "unknown": "not known: no kept run has the test",
    }
    for basis, said in words.items():
        items = found.basis.get(basis, 0)  # type: ignore[call-overload]
        if items:
            yield f"{text.plural(items, 'item')} {said}"


def _whole(value: float) -> str:
    """Return calls as a whole number, upwards: a part of a call is a call."""
    return count(-int(-value // 1))


def _tokens(row: Sum, least: str = "") -> str:
    if row.live and row.uncounted == row.live:
        return "n/a"
    sign = ">=" if row.uncounted else least or ("~" if row.estimated else "")
    return sign + count(round(row.tokens)) if row.live or least else "-"


def _cost(row: Sum, least: str = "") -> str:
    if row.live and row.unpriced == row.live:
        return "n/a"
    sign = ">=" if row.unpriced else least or ("~" if row.estimated else "")
    return sign + dollars(row.cost) if row.live or least else "-"


def _inline(value: str) -> str:
    return text.one_line(value, 60)
