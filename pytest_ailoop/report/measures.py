"""Rows below a test's own: for each check and each classification. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum

from pytest_ailoop import stats
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.data.score import Score

__all__ = ["CheckRow", "ClassRow", "check_rows", "class_rows"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRow:
    """One score's name over all items of a test under a variant."""

    name: str
    n: int
    """Items with a value."""
    unscored: int
    mean: float | None
    met: int
    """Expectations met, of `stated`."""
    stated: int
    kind: str
    direction: str
    labels: Mapping[str, int] = field(default_factory=dict)
    """Items by label, of those that have a label and no value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassRow:
    """The classification that one check makes over all items of a test under a variant."""

    name: str
    report: stats.Classification


def check_rows(records: Iterable[ItemRecord]) -> tuple[CheckRow, ...]:
    """Return a row for each name of a score, in order of first appearance."""
    scores: dict[str, list[Score]] = {}
    met: dict[str, list[bool]] = {}
    for record in records:
        for score in record.scores:
            scores.setdefault(score.name, []).append(score)
        for one in record.expectations:
            met.setdefault(one.score, []).append(one.standing == "met")
    return tuple(_check_row(name, each, met.get(name, [])) for name, each in scores.items())


def _check_row(name: str, scores: list[Score], met: list[bool]) -> CheckRow:
    values = [score.value for score in scores if score.value is not None]
    return CheckRow(
        name=name,
        n=len(values),
        unscored=sum(score.not_scored is not None for score in scores),
        mean=fsum(values) / len(values) if values else None,
        met=sum(met),
        stated=len(met),
        kind=scores[0].kind,
        direction=scores[0].direction,
        labels=Counter(one.label for one in scores if one.label and one.value is None),
    )


def class_rows(records: Iterable[ItemRecord]) -> tuple[ClassRow, ...]:
    """Return a row for each check whose case expects a label; one that was not found
    counts as wrong."""
    pairs: dict[str, list[tuple[str, str | None]]] = {}
    for record in records:
        for score in record.scores:
            if score.expected_label is not None:
                pairs.setdefault(score.name, []).append((score.expected_label, score.label))
    found = ((name, stats.classification(each)) for name, each in pairs.items())
    return tuple(ClassRow(name=name, report=one) for name, one in found if one is not None)
