"""Rows below a test's own: for each check and each classification. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from math import fsum

from pytest_ailoop import stats
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.data.score import Score
from pytest_ailoop.frozen import dataclass

__all__ = ["CheckRow", "ClassRow", "MeasureSums"]


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


class _Score:
    """The values of the scores of one name."""

    def __init__(self, kind: str, direction: str) -> None:
        self.kind, self.direction = kind, direction
        self.values = array("d")
        self.unscored = 0
        self.labels: Counter[str] = Counter()

    def add(self, score: Score) -> None:
        self.unscored += score.not_scored is not None
        if score.value is not None:
            self.values.append(score.value)
        elif score.label:
            self.labels[score.label] += 1

    def join(self, other: _Score) -> None:
        self.values += other.values
        self.unscored += other.unscored
        self.labels += other.labels


class MeasureSums:
    """Takes the scores and expectations of item after item."""

    def __init__(self) -> None:
        self._scores: dict[str, _Score] = {}
        self._met: Counter[str] = Counter()
        self._stated: Counter[str] = Counter()
        self._pairs: dict[str, Counter[tuple[str, str | None]]] = {}

    def add(self, record: ItemRecord) -> None:
        """Add what was measured on one item."""
        for score in record.scores:
            if score.name not in self._scores:
                self._scores[score.name] = _Score(score.kind, score.direction)
            self._scores[score.name].add(score)
            if score.expected_label is not None:
                pairs = self._pairs.setdefault(score.name, Counter())
                pairs[score.expected_label, score.label] += 1
        for one in record.expectations:
            self._stated[one.score] += 1
            self._met[one.score] += one.standing == "met"

    def join(self, other: MeasureSums) -> None:
        """Add all that *other* took."""
        for name, one in other._scores.items():
            if name not in self._scores:
                self._scores[name] = _Score(one.kind, one.direction)
            self._scores[name].join(one)
        self._met += other._met
        self._stated += other._stated
        for name, pairs in other._pairs.items():
            self._pairs.setdefault(name, Counter()).update(pairs)

    @property
    def unscored(self) -> int:
        """Scores that could not be given."""
        return sum(one.unscored for one in self._scores.values())

    @property
    def checks(self) -> tuple[CheckRow, ...]:
        """A row for each name of a score, in order of first appearance."""
        return tuple(
            CheckRow(
                name=name,
                n=len(one.values),
                unscored=one.unscored,
                mean=fsum(one.values) / len(one.values) if one.values else None,
                met=self._met[name],
                stated=self._stated[name],
                kind=one.kind,
                direction=one.direction,
                labels=one.labels,
            )
            for name, one in self._scores.items()
        )

    @property
    def classes(self) -> tuple[ClassRow, ...]:
        """A row for each check whose case expects a label.

        A label that was not found counts as wrong.
        """
        found = (
            (name, stats.classification(pairs.elements())) for name, pairs in self._pairs.items()
        )
        return tuple(ClassRow(name=name, report=one) for name, one in found if one is not None)
