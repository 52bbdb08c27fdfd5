"""The gate against what was accepted before: the comparison of pairs, and what it says.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import fsum
from typing import Literal

from pytest_ailoop.data.baseline import Accepted, AcceptedScore, EntryKey
from pytest_ailoop.data.gate import Found, GateSpec
from pytest_ailoop.data.verdict import ComparisonVerdict, Pair
from pytest_ailoop.gates.broken import broken
from pytest_ailoop.gates.evidence import RATES
from pytest_ailoop.gates.groups import CaseResults, Group
from pytest_ailoop.gates.kinds.threshold import TWO_WAYS
from pytest_ailoop.gates.pairing import (
    OUTCOME,
    Base,
    direction_of,
    lines_in,
    lines_of,
    pairs_of_rows,
    rows_there,
)
from pytest_ailoop.gates.verdicts import compare_pairs
from pytest_ailoop.stats.clustered import standard_error
from pytest_ailoop.stats.cross_checks import mcnemar
from pytest_ailoop.text import plural

__all__ = ["no_regression", "with_reasons"]


def no_regression(gate: GateSpec, group: Group, base: Base) -> tuple[Found, ComparisonVerdict]:
    """Decide whether the group got worse than *base*, case by case.

    A case whose row has changed is no pair, and one that is new has none; how many there are is
    among the reasons. Scores that were measured by other checks than the baseline's cannot be
    compared at all.
    """
    name = gate.score or OUTCOME
    lines = {
        key: one for part in group.members for key, one in lines_of(part, base, gate.tag).items()
    }
    there = {key: one.scores[name] for key, one in lines.items() if name in one.scores}
    cases = group.tagged(gate.tag)
    if not there:
        return _without(gate, group, lines, name), _invalid(gate)
    if len({one.direction for one in there.values()}) > 1:
        return Found(status="invalid", reasons=(TWO_WAYS.format(name),)), _invalid(gate)
    direction = next(iter(there.values())).direction
    pairs = pairs_of_rows(group, gate, lines, there, name)
    low, high = gate.range or _scale(pairs)
    verdict = compare_pairs(
        pairs,
        margin=gate.margin or 0.0,
        alpha=gate.alpha,
        low=low,
        high=high,
        direction="lower" if direction == "lower" else "higher",
        metric=gate.name,
        baseline_cases=rows_there(group, lines, there),
        fault="" if gate.range else _off_scale(low, high, gate.margin or 0.0),
        changed=sorted(
            {
                check
                for part in group.members
                if (before := lines_in(part, lines))
                for check in _changed_checks(part.tagged(gate.tag), before, name)
            }
        ),
    )
    found = _found(gate, group, base, verdict, pairs, there, cases)
    return _on_scale(found, gate, pairs, low, high), verdict


def _on_scale(
    found: Found, gate: GateSpec, pairs: Sequence[Pair], low: float, high: float
) -> Found:
    """Return *found* with what was off the scale that was stated, or where the scale is from."""
    shown = f"{low:g} to {high:g}"
    if gate.range:
        values = [v for one in pairs for v in one.candidate if v is not None]
        off = sum(not low <= v <= high for v in values)
        words = f"{plural(off, 'trial')} beyond the range, {shown}: not scored"
        return replace(found, reasons=(*found.reasons, words)) if off else found
    if gate.score is None or (low, high) == (0.0, 1.0) or found.status in ("unchanged", "invalid"):
        return found
    words = (
        f"the scale, {shown}, is as far as the scores went: error rates hold only if none can lie "
        "beyond; next: state how far they can go, no_regression(..., range=(low, high))"
    )
    facts = {**found.facts, "scale_seen": [low, high]}
    return replace(found, reasons=(*found.reasons, words), facts=facts)


def _scale(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Return from where to where the score goes: 0 to 1, or as far as it was seen to go."""
    values = [v for one in pairs for v in (one.base, *one.candidate) if v is not None]
    return min([0.0, *values]), max([1.0, *values])


def _off_scale(low: float, high: float, margin: float) -> str:
    if margin < high - low:
        return ""
    return f"the margin {margin:g} is as long as the scale, {low:g} to {high:g}"


def _changed_checks(
    cases: Sequence[CaseResults], lines: Mapping[EntryKey, Accepted], name: str
) -> list[str]:
    """Return the checks that are not those of the baseline; an outcome hangs on all of them.

    Over the whole group: an item that stops at its first miss has fewer scores than another.
    """
    before: dict[str, set[str]] = {}
    for line in lines.values():
        for score, accepted in line.scores.items():
            before.setdefault(score.partition(" #")[0], set()).add(accepted.check)
    now: dict[str, set[str]] = {}
    for case in cases:
        for trial in case.trials:
            for score_ in trial.scores:
                now.setdefault(score_.name, set()).add(score_.check)
    if not now:
        return []  # Nothing was measured at all: that is no other check.
    names = set(before) | set(now) if name == OUTCOME else {name}
    return sorted(one for one in names if _differs(before.get(one), now.get(one)))


def _differs(before: set[str] | None, now: set[str] | None) -> bool:
    if before is None or now is None:
        return True
    # Of a check that differs by row the baseline holds one digest for each; the sets must meet.
    return before.isdisjoint(now)


def _without(gate: GateSpec, group: Group, lines: Mapping[EntryKey, Accepted], name: str) -> Found:
    count = len(group.rows(gate.tag))
    if lines:
        words = f"the baseline has no score named {name!r}"
        return Found(status="invalid", reasons=(f"{words}; accept this run anew",))
    return Found(
        status="no baseline",
        cases=count,
        reasons=(
            "there is no baseline to compare with: accept one with --snapshot-update and commit it",
        ),
    )


def _invalid(gate: GateSpec) -> ComparisonVerdict:
    return ComparisonVerdict(
        status="invalid", margin=gate.margin or 0.0, alpha=gate.alpha, n=0, baseline_cases=0
    )


def _found(
    gate: GateSpec,
    group: Group,
    base: Base,
    verdict: ComparisonVerdict,
    pairs: Sequence[Pair],
    there: Mapping[EntryKey, AcceptedScore],
    cases: Sequence[CaseResults],
) -> Found:
    reasons = list(verdict.reasons)
    unpaired = len(group.rows(gate.tag)) - len(pairs)
    if unpaired:
        words = "new, or changed in row or check: not compared"
        reasons.append(f"{plural(unpaired, 'case')} {words}")
    gone = verdict.baseline_cases - len(pairs)
    if gone > 0:
        reasons.append(f"{plural(gone, 'case')} of the {base.name} not compared")
    up: Literal[1, -1] = 1 if direction_of(there) == "higher" else -1
    flips = _flips(pairs, up)
    return Found(
        status=verdict.status,
        value=verdict.difference,
        low=verdict.low,
        high=verdict.high,
        cases=verdict.n,
        trials=max((one.planned for one in cases), default=1),
        detectable=verdict.detectable,
        needed=verdict.needed_cases,
        p=verdict.p,
        method=verdict.method,
        reasons=tuple(reasons),
        named=tuple(case for case, _, _ in flips["fell"]),
        facts={
            "against": base.name,
            "base": verdict.base,
            "candidate": verdict.candidate,
            "better": verdict.gains,
            "worse": verdict.losses,
            "needed_trials": verdict.needed_trials,
            "unscored": verdict.unscored,
            **_checked(verdict, pairs),
            **flips,
            **(broken(pairs, up, gate.alpha) if flips["fell"] else {}),
        },
    )


def _checked(verdict: ComparisonVerdict, pairs: Sequence[Pair]) -> dict[str, float]:
    """Return what other methods say of the same pairs, to be held against what is published.

    The standard error of the mean difference, a case being a cluster; and, for passes and misses of
    one trial each, McNemar's exact test, two-sided. No verdict hangs on them.
    """
    if verdict.low is None:
        return {}
    kept = [(one.base, [v for v in one.candidate if v is not None]) for one in pairs]
    error = standard_error([fsum(now) / len(now) - before for before, now in kept if now])
    found = {} if error is None else {"standard_error": error}
    if verdict.method == RATES:
        found["mcnemar"] = mcnemar(verdict.gains, verdict.losses).exact
    return found


def _flips(pairs: Sequence[Pair], up: int) -> dict[str, list[tuple[str, float, float]]]:
    """Return the cases that fell, worst first, and those that rose, with before and now."""
    moved = []
    for one in pairs:
        values = [v for v in one.candidate if v is not None]
        if values:
            now = round(sum(values) / len(values), 6)  # As the baseline keeps it.
            moved.append((up * (now - one.base), (one.case, one.base, now)))
    moved.sort(key=lambda one: (-abs(one[0]), one[1][0]))
    return {
        "fell": [flip for way, flip in moved if way < 0],
        "rose": [flip for way, flip in moved if way > 0],
    }


def with_reasons(found: Found, verdict: ComparisonVerdict) -> Found:
    """Return *found* as it stands among all comparisons of its group."""
    return replace(
        found,
        status=verdict.status,
        reasons=(*verdict.reasons, *found.reasons[len(verdict.reasons) :]),
        p=verdict.adjusted_p if verdict.adjusted_p is not None else found.p,
    )
