"""Gates that hold a rate, a mean or a quantile against a bar. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import Literal

from pytest_ailoop import stats
from pytest_ailoop.data.gate import Found, GateSpec
from pytest_ailoop.data.score import Score
from pytest_ailoop.data.verdict import ThresholdVerdict
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.gates.groups import CaseResults, Group, named
from pytest_ailoop.gates.verdicts import decide_mean, decide_rate
from pytest_ailoop.stats.trials import CaseValue, mean_of_trials, reduce_trials, reducer

__all__ = ["NO_CASE", "TWO_WAYS", "mean", "p95_latency", "pass_rate", "waited_of"]

TWO_WAYS = "of {} higher is better in one test and lower in another: they have no mean together"
_NO_CALL = "no call to a model was seen that says how long it took"
NO_CASE = "no selected case bears the tag {!r}"


def pass_rate(gate: GateSpec, group: Group) -> Found:
    """Decide over the share of passing cases, each reduced from its trials."""
    rows = group.rows(gate.tag)
    if not rows:
        return _nothing(gate)
    how = reducer(gate.reduce)
    try:
        values = [row_value([reduce_trials(one.outcomes(), how) for one in row]) for row in rows]
    except ValueError as fault:
        return Found(status="invalid", reasons=(f"{gate.reduce}: {fault}",))
    return _decided(gate, _Values(rows, [one for one in values if one is not None]))


def mean(gate: GateSpec, group: Group) -> Found:
    """Decide over the mean of a score's means over each case's trials."""
    rows = group.rows(gate.tag)
    name = gate.score or ""
    if not rows:
        return _nothing(gate)
    scores: list[Score] = []
    for part in group.members:
        cases = part.tagged(gate.tag)
        there = [s for case in cases for one in case.trials for s in one.scores if s.name == name]
        if cases and not there:
            where = f" of {part.name}" if group.parts else ""
            return Found(status="invalid", reasons=(_no_score(name, cases, where),))
        scores += there
    if len({one.direction for one in scores}) > 1:
        return Found(status="invalid", reasons=(TWO_WAYS.format(name),))
    down = any(one.direction == "lower" for one in scores)
    numbers = [one.value for one in scores if one.value is not None]
    beyond = next((one for one in (*numbers, gate.bar or 0.0) if not 0 <= one <= 1), None)
    if beyond is not None and not gate.fixed:
        words = f"{name} goes beyond 0 to 1 ({beyond:g}): only a fixed data set's own mean can be"
        return Found(status="invalid", reasons=(f"{words} held against a bar (fixed=True)",))
    low, high = min([0.0, *numbers]), max([1.0, *numbers])
    how = mean_of_trials()
    values = [
        row_value([reduce_trials(one.values(name), how, low=low, high=high) for one in row])
        for row in rows
    ]
    kept = [one for one in values if one is not None]
    return _decided(gate, _Values(rows, kept, "lower" if down else "higher"))


def row_value(values: Sequence[CaseValue | None]) -> CaseValue | None:
    """Return what a row of data counts with that stands in one test or several: their mean.

    It has no value where one of its cases has none; None where nothing was to run.
    """
    there = [one for one in values if one is not None]
    if len(there) < 2:
        return there[0] if there else None
    n = len(there)
    known = [one.value for one in there if one.value is not None]
    return CaseValue(
        value=fsum(known) / n if len(known) == n else None,
        lowest=fsum(one.lowest for one in there) / n,
        highest=fsum(one.highest for one in there) / n,
        trials=sum(one.trials for one in there),
        unscored=sum(one.unscored for one in there),
    )


def p95_latency(gate: GateSpec, group: Group) -> Found:
    """Decide over the share of cases that waited for models no longer than the bar.

    The 95th percentile lies at or below the bar where 95 of 100 cases do: a rate, and no guess
    about how latencies are distributed.
    """
    cases, rows = group.tagged(gate.tag), group.rows(gate.tag)
    if not cases:
        return _nothing(gate)
    waits = [waited_of(one) for one in cases]
    known = [one for one in waits if one is not None]
    if not known:
        return Found(status="invalid", reasons=(_NO_CALL,))
    bar = gate.bar or 0.0
    shown = stats.percentile(known, 95)
    within = sum(one <= bar for one in known)
    called = named([one] for one in cases)
    late = [c for c, w in zip(called, waits, strict=True) if w is not None and w > bar]
    told = f"{within} of {len(known)} cases waited {bar:g} s at most"
    if gate.fixed:
        passed = shown is not None and shown <= bar and len(known) == len(waits)
        verdict = "passed" if passed else "failed" if len(known) == len(waits) else "invalid"
        return Found(
            status=verdict,  # type: ignore[arg-type]
            value=shown,
            cases=len(known),
            reasons=(told,),
            named=tuple(late),
        )
    unscored = len(waits) - len(known)
    if len(rows) < len(cases):
        found = _shares_within(gate, rows)
    else:
        found = decide_rate(within, len(known), 0.95, gate.alpha, unscored=unscored)
    return Found(
        status=found.status,
        value=shown,
        cases=found.n,
        trials=_most_trials(cases),
        needed=found.needed_cases,
        method=found.method,
        reasons=(told, *found.reasons),
        named=tuple(late),
    )


def _shares_within(gate: GateSpec, rows: Sequence[_Row]) -> ThresholdVerdict:
    """Hold the rows' shares of cases that waited no longer than the bar against 95 %."""
    bar = gate.bar or 0.0
    waits = [[waited_of(one) for one in row] for row in rows]
    whole = [[one for one in row if one is not None] for row in waits if None not in row]
    shares = [sum(one <= bar for one in row) / len(row) for row in whole]
    return decide_mean(shares, 0.95, alpha=gate.alpha, unscored=len(rows) - len(shares))


_Row = tuple[CaseResults, ...]
"""A row of data in each test that it stands in."""


@dataclass(frozen=True, slots=True)
class _Values:
    """Rows with what each counts with."""

    rows: Sequence[_Row]
    values: Sequence[CaseValue]
    direction: Literal["higher", "lower"] = "higher"

    @property
    def cases(self) -> list[CaseResults]:
        """The cases of all rows."""
        return [one for row in self.rows for one in row]


def _decided(gate: GateSpec, found: _Values) -> Found:
    if gate.fixed:
        return _measured(gate, found)
    scored = [one.value for one in found.values if one.value is not None]
    missing = len(found.values) - len(scored)
    bar = gate.bar or 0.0
    binary = gate.kind == "pass_rate" and all(one in (0.0, 1.0) for one in scored)
    if binary:
        k = sum(one == 1.0 for one in scored)
        verdict = decide_rate(k, len(scored), bar, gate.alpha, unscored=missing)
    else:
        verdict = decide_mean(
            scored, bar, alpha=gate.alpha, direction=found.direction, unscored=missing
        )
    return _found(verdict, found)


def _found(verdict: ThresholdVerdict, found: _Values) -> Found:
    return Found(
        status=verdict.status,
        value=verdict.value,
        low=verdict.low,
        high=verdict.high,
        cases=verdict.n,
        trials=_most_trials(found.cases),
        needed=verdict.needed_cases,
        method=verdict.method,
        reasons=verdict.reasons,
        named=_worst(found),
    )


def _measured(gate: GateSpec, found: _Values) -> Found:
    """Decide over the data set itself: no sample, no interval.

    What was not scored could have been anything: the verdict must be the same whatever it was.
    """
    bar, n = gate.bar or 0.0, len(found.values)
    lowest = fsum(one.lowest for one in found.values) / n
    highest = fsum(one.highest for one in found.values) / n
    up = found.direction == "higher"
    sure = lowest >= bar if up else highest <= bar
    never = highest < bar if up else lowest > bar
    missing = sum(one.value is None for one in found.values)
    side = "at least" if up else "at most"
    reasons = [f"{lowest:.3g} over the whole data set, {side} {bar:g} is asked"]
    if missing:
        reasons = [
            f"between {lowest:.3g} and {highest:.3g}, as {missing} of {n} cases were not scored; "
            f"{side} {bar:g} is asked"
        ]
    return Found(
        status="passed" if sure else "failed" if never else "invalid",
        value=None if missing else lowest,
        cases=n - missing,
        trials=_most_trials(found.cases),
        method="the data set's own figure",
        reasons=tuple(reasons),
        named=_worst(found),
    )


def _worst(found: _Values) -> tuple[str, ...]:
    """Return the cases below the best value, worst first."""
    up = found.direction == "higher"
    pairs = zip(named(found.rows), found.values, strict=True)
    ranked = [(one.lowest if up else -one.highest, case) for case, one in pairs]
    return tuple(case for value, case in sorted(ranked) if value < (1.0 if up else 0.0))


def _most_trials(cases: Sequence[CaseResults]) -> int:
    return max((one.planned for one in cases), default=1)


def _nothing(gate: GateSpec) -> Found:
    words = "no case was selected" if gate.tag is None else NO_CASE.format(gate.tag)
    return Found(status="invalid", reasons=(words,))


def _no_score(name: str, cases: Sequence[CaseResults], where: str) -> str:
    there = sorted({s.name for case in cases for one in case.trials for s in one.scores})
    return f"no item{where} has a score named {name!r} (there are: {', '.join(there) or 'none'})"


def waited_of(case: CaseResults) -> float | None:
    """Return the seconds that a trial waited, on average; None where one is unknown."""
    known = [one.waited for one in case.trials if one.waited is not None]
    return fsum(known) / len(known) if len(known) == case.planned else None
