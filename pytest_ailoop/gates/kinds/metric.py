"""Gates over a metric of the whole group, such as macro F1. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum

from pytest_ailoop.data.gate import Found, GateSpec
from pytest_ailoop.data.score import Score
from pytest_ailoop.gates.groups import CaseResults, Group
from pytest_ailoop.gates.verdicts import decide_mean

__all__ = ["Counts", "metric"]

Pairs = list[tuple[str, str | None]]


def metric(gate: GateSpec, group: Group) -> Found:
    """Decide over a metric of the labels that cases expect and got.

    A case is one cluster over its trials, and over the tests that it stands in. The metric is no
    mean over cases, so its pseudo-values take their place: n·M - (n-1)·M without the case (Tukey
    1958, "Bias and confidence in not quite large samples"; Miller 1974, "The jackknife", section
    2), and those are held against the bar as means are. A label that was not found counts as wrong,
    as in the report.
    """
    rows = group.rows(gate.tag)
    cases = [one for row in rows for one in row if one.trials]
    names = sorted({s.name for case in cases for s in _labelled(case)})
    name = gate.score or (names[0] if len(names) == 1 else None)
    if name is None or name not in names:
        return Found(status="invalid", reasons=(_which(gate, names),))
    pairs = [[pair for case in row for pair in _pairs(case, name)] for row in rows]
    kept = [one for one in pairs if one]
    value = Counts(pair for one in kept for pair in one).figure(gate.metric or "")
    bar, n = gate.bar or 0.0, len(kept)
    trials = max(one.planned for one in cases)
    absent = len(rows) - n
    if gate.fixed:
        status = "invalid" if absent else "passed" if value >= bar else "failed"
        words = f"{value:.3g} over the whole data set, at least {bar:g} is asked"
        missing = (f"{absent} cases have no label",) if absent else ()
        return Found(
            status=status,  # type: ignore[arg-type]
            value=value,
            cases=n,
            trials=trials,
            reasons=(words, *missing),
        )
    values = _pseudo_values(gate.metric or "", kept, value)
    low, high = min([0.0, *values]), max([1.0, *values])
    found = decide_mean(values, bar, low, high, gate.alpha, unscored=absent)
    return Found(
        status=found.status,
        value=value,
        low=found.low,
        high=found.high,
        cases=n,
        trials=trials,
        needed=found.needed_cases,
        method="jackknife pseudo-values, pseudo-observation t",
        reasons=found.reasons,
    )


def _labelled(case: CaseResults) -> list[Score]:
    return [s for one in case.trials for s in one.scores if s.expected_label is not None]


def _pairs(case: CaseResults, name: str) -> Pairs:
    return [
        (s.expected_label, s.label)
        for s in _labelled(case)
        if s.name == name and s.expected_label is not None
    ]


def _which(gate: GateSpec, names: Sequence[str]) -> str:
    if not names:
        return "no item has a label beside an expected one (classifies_as, record)"
    if gate.score is not None:
        return f"no item has a label named {gate.score!r} (there are: {', '.join(names)})"
    return f"several checks give labels ({', '.join(names)}): name one by score="


def _pseudo_values(name: str, cases: Sequence[Pairs], value: float) -> list[float]:
    """Return each case's pseudo-value; cases with equal pairs are worked out once."""
    n = len(cases)
    if n < 2:
        return [value] * n
    counts = Counts(pair for one in cases for pair in one)
    known: dict[tuple[tuple[str, str | None], ...], float] = {}
    for key in map(tuple, cases):
        if key not in known:
            counts.add(key, -1)
            known[key] = n * value - (n - 1) * counts.figure(name)
            counts.add(key, 1)
    return [known[tuple(one)] for one in cases]


class Counts:
    """Pairs of labels counted so that the figure without one case costs no second count."""

    def __init__(self, pairs: Iterable[tuple[str, str | None]]) -> None:
        self.hits: Counter[str] = Counter()
        self.support: Counter[str] = Counter()
        self.named: Counter[str] = Counter()
        self.add(pairs, 1)

    def add(self, pairs: Iterable[tuple[str, str | None]], times: int) -> None:
        """Count *pairs*, or take them away again."""
        for expected, found in pairs:
            self.support[expected] += times
            if found is not None:
                self.named[found] += times
                self.hits[found] += times * (found == expected)

    def figure(self, name: str) -> float:
        """Return the metric *name* as `stats.classification` gives it; 0 of nothing."""
        size = self.support.total()
        if not size:
            return 0.0
        if name == "accuracy":
            return self.hits.total() / size
        kind, _, average = name.rpartition("_")
        there = [one for one in {*self.support, *self.named} if self.support[one] + self.named[one]]
        weights = [1 if average == "macro" else self.support[one] for one in there]
        parts = (self._of(kind, one) * weight for one, weight in zip(there, weights, strict=True))
        return fsum(parts) / sum(weights)

    def _of(self, kind: str, label: str) -> float:
        named, support = self.named[label], self.support[label]
        below = {"precision": named, "recall": support}.get(kind, named + support)
        hits = self.hits[label] * (2 if kind == "f1" else 1)
        return hits / below if below else 0.0
