"""One item's story: prompt, output, expectations, difference to before. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import bisect
from collections.abc import Iterator

from pytest_ailoop import text
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.redaction import redact_shown as redact
from pytest_ailoop.report.numbers import dollars, number, seconds

__all__ = ["BAR", "failure_lines"]

BAR = "  | "
"""Before each line of untrusted text. Not blanks alone: CI services trim those before they look
for a command."""

MOST = 1000
"""Characters of a text that are shown where not everything is."""

_BEFORE = 200
"""Characters shown before the first difference of two long texts."""

_MARKS = {"met": "ok  ", "missed": "MISS", "unknown": "????"}


def failure_lines(
    record: ItemRecord, *, baseline_output: str | None = None, verbose: int = 0
) -> list[str]:
    """Return what a person needs to understand the item, as lines fit for a terminal.

    From *verbose* 2 on nothing is left out. Secrets are masked, control characters escaped.
    """
    return list(_sections(record, baseline_output, None if verbose >= 2 else 12))


def _sections(record: ItemRecord, baseline: str | None, limit: int | None) -> Iterator[str]:
    asked = [call for call in record.calls if call.purpose == "app" and call.prompt_text]
    if asked:
        prompt = text.safe(redact(asked[-1].prompt_text))
        shown = prompt if limit is None else text.tail(prompt, limit, MOST)
        yield "prompt:" if shown == prompt else "prompt (end):"
        yield from _block(shown, None)
    if record.output is not None:
        yield "output:"
        yield from _block(record.output, limit)
    if baseline is not None and record.output is not None and baseline != record.output:
        yield "accepted output (-) and this one (+):"
        yield from (BAR + one for one in _difference(baseline, record.output, limit))
    yield from _expectations(record)
    if record.fault is not None and not _told(record):
        where = f" ({text.one_line(redact(record.fault.where), 60)})" if record.fault.where else ""
        yield f"fault: {text.one_line(redact(record.fault.type), 60)}{where}"
        yield from _block(record.fault.message, limit)
    yield from _calls(record)


def _difference(old: str, new: str, limit: int | None) -> Iterator[str]:
    """Yield the difference line by line; of long texts, what stands around the first one."""
    old, new = text.safe(redact(old)), text.safe(redact(new))
    if limit is not None and max(len(old), len(new)) > MOST:
        # Slices compare fast, characters one by one do not.
        ends = range(1, min(len(old), len(new)) + 1)
        start = max(0, bisect.bisect(ends, False, key=lambda end: old[:end] != new[:end]) - _BEFORE)
        old, new = _window(old, start), _window(new, start)
    return text.diff(old, new, limit=limit and 20)


def _window(value: str, start: int) -> str:
    before, after = "..." * (start > 0), "..." * (len(value) > start + MOST)
    return f"{before}{value[start : start + MOST]}{after}"


def _told(record: ItemRecord) -> bool:
    """Whether the fault only says that expectations were missed; they stand above it."""
    missed = any(one.standing != "met" for one in record.expectations)
    return missed and record.fault is not None and record.fault.type == "Failed"


def _block(value: str, limit: int | None) -> Iterator[str]:
    yield from text.lines(redact(value), prefix=BAR, limit=limit, most=limit and MOST)


def _expectations(record: ItemRecord) -> Iterator[str]:
    waiting = list(record.scores)
    if record.expectations:
        yield "expectations:"
    for one in record.expectations:
        score = _score_of(one, waiting)
        if score is not None:
            waiting.remove(score)
        yield _expectation(one, score)
    rest = [one for one in waiting if one.kind != "outcome"]
    if rest:
        yield "scores:"
        yield from (f"  - {_inline(one.name)} {_value(one)}{_reason(one.reason)}" for one in rest)


def _score_of(expectation: Expectation, scores: list[Score]) -> Score | None:
    return next((one for one in scores if one.name == expectation.score), None)


def _expectation(one: Expectation, score: Score | None) -> str:
    bars = [(">=", one.at_least), ("<=", one.at_most)]
    bar = " and ".join(f"{sign} {number(value)}" for sign, value in bars if value is not None)
    value = "" if score is None else f" {_value(score)}"
    wanted = f" (wanted {'not ' if one.negated else ''}{bar})" if bar else ""
    hard = " [hard]" if one.hard else ""
    reason = one.reason or (score.reason if score else "")
    if score is not None and score.not_scored is not None:
        reason = reason.removeprefix(score.not_scored).lstrip()
    return f"  {_MARKS[one.standing]} {_inline(one.name)}{value}{wanted}{hard}{_reason(reason)}"


def _value(score: Score) -> str:
    if score.not_scored is not None:
        return f"not scored: {_inline(score.not_scored)}"
    if score.label is not None:
        wanted = "" if score.expected_label is None else f", expected {score.expected_label!r}"
        return _inline(f"{score.label!r}{wanted}")
    return number(score.value)


def _inline(value: str) -> str:
    return text.one_line(redact(value), 200)


def _reason(reason: str) -> str:
    return f": {_inline(reason)}" if reason else ""


def _calls(record: ItemRecord) -> Iterator[str]:
    if record.calls:
        yield "calls:"
    for call in record.calls:
        yield f"  {_call(call)}"


def _call(call: Call) -> str:
    model = call.model_answered or call.model_asked or "no model"
    parts = [call.purpose, _inline(model), _inline(call.path), call.origin]
    if call.status is not None:
        parts.append(str(call.status))
    if call.finish_reason:
        parts.append(_inline(call.finish_reason))
    usage = call.usage
    if usage.input_tokens is not None or usage.output_tokens is not None:
        parts.append(f"{usage.input_tokens or 0}+{usage.output_tokens or 0} tokens")
    parts.append("cost n/a" if call.cost is None else dollars(call.cost))
    if call.latency is not None:
        parts.append(seconds(call.latency))
    if call.error:
        parts.append(f"error: {_inline(call.error)}")
    return "  ".join(parts)
