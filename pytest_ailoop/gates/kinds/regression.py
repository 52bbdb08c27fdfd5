"""The gate against what was accepted before: pairs of cases, their comparison, many at once.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Literal

from pytest_ailoop.data.baseline import Accepted, AcceptedScore, EntryKey, sorted_axes
from pytest_ailoop.data.gate import Found, GateSpec
from pytest_ailoop.data.verdict import ComparisonVerdict, Pair
from pytest_ailoop.gates.evidence import RATES
from pytest_ailoop.gates.groups import CaseResults, Group, named
from pytest_ailoop.gates.kinds.threshold import TWO_WAYS
from pytest_ailoop.gates.verdicts import compare_pairs
from pytest_ailoop.stats.clustered import standard_error
from pytest_ailoop.stats.cross_checks import mcnemar
from pytest_ailoop.text import plural

__all__ = ["Base", "Pairing", "no_regression"]

OUTCOME = "passed"
"""The item's outcome as a score, which a gate without a name looks at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """What a run is compared with."""

    entries: Mapping[EntryKey, Accepted]
    name: str = "baseline"


def no_regression(gate: GateSpec, group: Group, base: Base) -> tuple[Found, ComparisonVerdict]:
    """Decide whether the group got worse than *base*, case by case.

    A case whose row has changed is no pair, and one that is new has none; how many there are is
    among the reasons. Scores that were measured by other checks than the baseline's cannot be
    compared at all.
    """
    name = gate.score or OUTCOME
    lines = {
        key: one for part in group.members for key, one in _lines(part, base, gate.tag).items()
    }
    there = {key: one.scores[name] for key, one in lines.items() if name in one.scores}
    cases = group.tagged(gate.tag)
    if not there:
        return _without(gate, group, lines, name), _invalid(gate)
    if len({one.direction for one in there.values()}) > 1:
        return Found(status="invalid", reasons=(TWO_WAYS.format(name),)), _invalid(gate)
    direction = next(iter(there.values())).direction
    pairs = _pairs_of_rows(group, gate, lines, there, name)
    low, high = _scale(pairs)
    verdict = compare_pairs(
        pairs,
        margin=gate.margin or 0.0,
        alpha=gate.alpha,
        low=low,
        high=high,
        direction="lower" if direction == "lower" else "higher",
        metric=gate.name,
        baseline_cases=_rows_there(group, lines, there),
        fault=_off_scale(low, high, gate.margin or 0.0),
        changed=sorted(
            {
                check
                for part in group.members
                if (before := _of(part, lines))
                for check in _changed_checks(part.tagged(gate.tag), before, name)
            }
        ),
    )
    return _found(gate, group, base, verdict, pairs, there, cases), verdict


def _lines(group: Group, base: Base, tag: str | None) -> dict[EntryKey, Accepted]:
    """Return the baseline's lines of the group: of cases that are selected, or are gone for good.

    A case that was left out on purpose (`--ailoop-sample`, a split) is none that is lacking.
    """
    test, variant = group.test, sorted_axes(group.variant)
    wanted = {one.key.case for one in group.tagged(tag)}
    kept = test.dataset.case_digests
    return {
        key: one
        for key, one in base.entries.items()
        if (key.module, key.test, key.variant) == (test.module, test.test, variant)
        and (key.case in wanted or (tag is None and key.case not in kept))
    }


def _of(part: Group, lines: Mapping[EntryKey, Accepted]) -> dict[EntryKey, Accepted]:
    """Return those of *lines* that are of *part*; none of a test that is new as a whole."""
    where = part.test.module, part.test.test
    return {key: one for key, one in lines.items() if (key.module, key.test) == where}


def _rows_there(
    group: Group, lines: Mapping[EntryKey, Accepted], there: Mapping[EntryKey, AcceptedScore]
) -> int:
    """Return how many rows of data the baseline has the score of."""
    if not group.parts:
        return len(there)
    return len({(key.case, lines[key].case_digest) for key in there})


def _pairs_of_rows(
    group: Group,
    gate: GateSpec,
    lines: Mapping[EntryKey, Accepted],
    there: Mapping[EntryKey, AcceptedScore],
    name: str,
) -> list[Pair]:
    """Return a pair for each row: its case's, or that of all tests that the row stands in.

    Trials of several tests then stand beside the mean of what was accepted, each test weighing as
    much before as it does now.
    """
    rows = group.rows(gate.tag)
    found = []
    for row, called in zip(rows, named(rows), strict=True):
        each = list(_pairs(row, lines, there, name))
        if each:
            found.append(replace(_together(each), case=called))
    return found


def _together(each: Sequence[Pair]) -> Pair:
    if len(each) == 1:
        return each[0]
    # A test without a score weighs nothing on either side: what differs between tests is no change.
    weights = [sum(one is not None for one in pair.candidate) for pair in each]
    if not any(weights):
        weights = [len(pair.candidate) for pair in each]
    base = fsum(pair.base * weight for pair, weight in zip(each, weights, strict=True))
    return Pair(
        case=each[0].case,
        base=base / sum(weights),
        candidate=tuple(value for pair in each for value in pair.candidate),
        base_trials=sum(pair.base_trials for pair in each),
        same_output=all(pair.same_output for pair in each),
    )


def _pairs(
    cases: Sequence[CaseResults],
    lines: Mapping[EntryKey, Accepted],
    there: Mapping[EntryKey, AcceptedScore],
    name: str,
) -> Iterator[Pair]:
    for case in cases:
        before = there.get(case.key)
        line = lines.get(case.key)
        if before is None or line is None or not case.trials:
            continue
        if line.case_digest != case.trials[0].case_digest or _by_others(case, line, name):
            continue
        values = case.outcomes() if name == OUTCOME else case.values(name)
        outputs = tuple(one.output_digest for one in case.trials)
        yield Pair(
            case=case.key.case,
            base=before.mean,
            candidate=tuple(values),
            base_trials=before.n,
            same_output=bool(outputs) and outputs == line.output_digests,
        )


def _by_others(case: CaseResults, line: Accepted, name: str) -> bool:
    """Tell whether the case was measured by another check than the baseline's line."""
    now: dict[str, set[str]] = {}
    for trial in case.trials:
        for score in trial.scores:
            now.setdefault(score.name, set()).add(score.check)
    names = now if name == OUTCOME else (name,)
    return any(
        len(now[one]) == 1 and one in line.scores and {line.scores[one].check} != now[one]
        for one in names
        if one in now
    )


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
    up: Literal[1, -1] = 1 if _direction(there) == "higher" else -1
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


def _direction(there: Mapping[EntryKey, AcceptedScore]) -> str:
    return next(iter(there.values())).direction


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


_NO_BASELINE = (
    "there is no baseline to compare with: accept one with --snapshot-update and commit it"
)


class Pairing:
    """Pairs the cases of a gate with the lines of a baseline, case by case."""

    def __init__(self, gate: GateSpec, group: Group, base: Base) -> None:
        self._name = gate.score or OUTCOME
        self._lines = _lines(group, base, gate.tag)
        found = {key: one.scores.get(self._name) for key, one in self._lines.items()}
        self.there = {key: one for key, one in found.items() if one is not None}
        """What was accepted, by case."""

    @property
    def up(self) -> Literal[1, -1]:
        """1 where higher is better."""
        return -1 if self.there and _direction(self.there) == "lower" else 1

    def pair(self, case: CaseResults) -> Pair | None:
        """Return the case's pair; None where there is nothing to compare it with."""
        return next(_pairs([case], self._lines, self.there, self._name), None)
