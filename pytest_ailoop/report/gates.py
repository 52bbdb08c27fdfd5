"""What is shown of a gate: a line in the section, and the text of its own report.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.report.numbers import dollars, number, percent, seconds
from pytest_ailoop.report.since import flip_words, flips

__all__ = ["broken_words", "figure", "gate_counts", "gate_lines", "group_name", "headline", "story"]

Line = tuple[str, dict[str, Any]]


def gate_lines(verdicts: Sequence[GateVerdict], *, verbose: int = 0) -> Iterator[Line]:
    """Yield one line for each verdict, and its reasons below those that did not pass."""
    if verdicts:
        yield "gates:", {"bold": True}
    several = len({(one.module, one.test, one.variant) for one in verdicts}) > 1
    for one in verdicts:
        where = f"  ({text.one_line(group_name(one), 120)})" if several else ""
        yield f"  {_SIGNS[one.standing]} {headline(one)}{where}", _MARKUP[one.standing]
        if one.standing == "good" and verbose < 1:
            continue
        for reason in _further(one)[: None if verbose >= 1 else 3]:
            yield f"    | {text.one_line(reason, 300)}", {}
        if verbose >= 1 and (words := _checks(one)):
            yield f"    | {words}", {}
        for words in one.since:
            yield f"    | {text.one_line(words, 300)}", {}
        if words := broken_words(one, verbose=verbose):
            yield f"    | {words}", {}


_SIGNS = {"good": "+", "open": "?", "bad": "!"}
_MARKUP: dict[str, dict[str, Any]] = {
    "good": {"green": True},
    "open": {"yellow": True},
    "bad": {"red": True},
}


def _further(verdict: GateVerdict) -> tuple[str, ...]:
    """Return the reasons, but for figures that the headline has."""
    return verdict.reasons[verdict.low is not None :]


def _checks(verdict: GateVerdict) -> str:
    """Return what other methods say of a comparison: the standard error, McNemar's test."""
    error, p = (verdict.facts.get(name) for name in ("standard_error", "mcnemar"))
    if not isinstance(error, float):
        return ""
    shown = f"{error:.3g}" if verdict.gate.score else f"{error * 100:.3f} points"
    exact = "" if p is None else f"; McNemar's exact test, two-sided: p = {p:.3g}"
    return f"paired standard error {shown}{exact}"


def broken_words(verdict: GateVerdict, *, verbose: int = 0) -> str:
    """Return which of the cases that fell broke beyond chance; with *verbose* also what it takes
    to tell, where none did."""
    facts = verdict.facts
    broke, fell = facts.get("broke", ()), len(facts.get("fell", ()))
    if broke:
        shown = ", ".join(text.one_line(one, 60) for one in broke[:_NAMED])
        more = f", {len(broke) - _NAMED} more" if len(broke) > _NAMED else ""
        return f"broke beyond chance, by their own trials: {shown}{more}"
    takes = facts.get("trials_to_name")
    if not verbose or not fell or takes is None:
        return ""
    which = "whether the case that fell broke" if fell == 1 else "which of those that fell broke"
    return (
        f"{which}, or wavers, trials would tell: {takes} of each case before and now name one "
        f"of {verdict.cases}"
    )


def gate_counts(verdicts: Sequence[GateVerdict]) -> str:
    """Return `2 passed, 1 inconclusive`, the worst first."""
    order = ("bad", "open", "good")
    counts = Counter((order.index(one.standing), str(one.status)) for one in verdicts)
    return ", ".join(f"{count} {status}" for (_, status), count in sorted(counts.items()))


def group_name(verdict: GateVerdict) -> str:
    """Return `test_answers [mini terse]`: the test, and its variant where it has one.

    `3 tests [mini]` of a gate over several together.
    """
    label = verdict.variant.label
    called = text.plural(len(verdict.tests), "test") if verdict.tests else verdict.test
    return f"{called} [{label}]" if label else called


def headline(verdict: GateVerdict) -> str:
    """Return `pass_rate(0.9): passed, 96% [91%, 100%] over 80 cases`; of *same* what it can see."""
    shown = figure(verdict)
    least = verdict.facts.get("fewest_trials")
    fewer = "" if least is None else f"{least} to "
    trials = f" x {fewer}{verdict.trials} trials" if verdict.trials > 1 else ""
    over = f" over {text.plural(verdict.cases, 'case')}{trials}" if verdict.cases else ""
    if "settled" in verdict.facts:
        whole = verdict.facts.get("settled_by") == "rounds"
        over = f"{over if whole else ''}, {verdict.facts['settled']}"
    if verdict.status == "same" and verdict.detectable is not None:
        drop = verdict.detectable
        seen = number(drop) if verdict.gate.score else f"{round(drop * 100, 1):g} pts"
        over += f", sees drops of {seen}"
    if "scale_seen" in verdict.facts:
        low, high = verdict.facts["scale_seen"]
        over += f", on a scale of {number(low)} to {number(high)} as seen"
    name = text.one_line(verdict.gate.name, 120)
    return f"{name}: {verdict.status}{f', {shown}' if shown else ''}{over}"


def figure(verdict: GateVerdict) -> str:
    """Return what was measured with its bounds, in the unit of the gate; empty for nothing."""
    if verdict.value is None:
        return ""
    show = _UNITS.get(verdict.gate.kind, number)
    if verdict.gate.kind == "no_regression":
        show = _signed if verdict.gate.score else _points
    shown = show(verdict.value)
    if verdict.low is None or verdict.high is None:
        return shown
    return f"{shown} [{show(verdict.low)}, {show(verdict.high)}]"


_UNITS = {"pass_rate": percent, "every_case": percent, "max_cost": dollars, "p95_latency": seconds}


def _signed(value: float) -> str:
    shown = number(value)
    return f"+{shown}" if value > 0 and shown != "0" else shown


def _points(value: float) -> str:
    """Return a difference of rates in percentage points: `-4.2 pts`."""
    return f"{_signed(round(value * 100, 1))} pts"


def story(verdict: GateVerdict) -> str:
    """Return all that the gate's own report says: head, reasons, the cases that decided it."""
    lines = [headline(verdict), *(text.one_line(one, 400) for one in _further(verdict))]
    causes = [one for one in verdict.since if one != flip_words(verdict.facts)]
    lines += [text.one_line(one, 400) for one in causes]
    if words := broken_words(verdict):
        lines.append(words)
    if verdict.named:
        flipped = flips(verdict.facts)
        shown = [_case(one, flipped) for one in verdict.named[:_NAMED]]
        lines += ["cases:", *(f"  - {one}" for one in shown)]
        more = len(verdict.named) - len(shown)
        lines += [f"  ... {more} more (ailoop show -vv)"] if more else []
    return "\n".join(lines)


def _case(case: str, flipped: Mapping[str, tuple[float, float]]) -> str:
    before, now = flipped.get(case, (None, None))
    moved = "" if before is None else f"  {number(before)} -> {number(now)}"
    return f"{text.one_line(case, 120)}{moved}"


_NAMED = 10
