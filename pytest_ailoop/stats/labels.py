"""Precision, recall, F1 and the confusion matrix of labels. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["ClassFigures", "Classification", "Figures", "classification"]


@dataclass(frozen=True, slots=True)
class Figures:
    """Precision, recall and F1, each from 0 to 1."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class ClassFigures(Figures):
    """The figures of one class."""

    support: int
    """Pairs that expect this class, not scored ones among them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """What `classification` finds in pairs of expected and found labels."""

    labels: tuple[str, ...]
    """All that were expected or found, sorted."""
    matrix: tuple[tuple[int, ...], ...]
    """Pairs by expected label (row) and found label (column), both in the order of *labels*."""
    unscored: tuple[int, ...]
    """A column of its own: pairs of each expected label for which nothing was found."""
    accuracy: float
    per_class: Mapping[str, ClassFigures]
    macro: Figures
    """Plain mean over the classes: a rare one counts like a common one."""
    weighted: Figures
    """Mean over the classes, weighted by their support."""

    @property
    def size(self) -> int:
        """Number of pairs, not scored ones among them."""
        return sum(map(sum, self.matrix)) + sum(self.unscored)


def classification(pairs: Iterable[tuple[str, str | None]]) -> Classification | None:
    """Return the figures of (expected, found) labels, None where there are no pairs.

    With TP, FP, FN of a class: precision TP/(TP+FP), recall TP/(TP+FN), F1 2TP/(2TP+FP+FN);
    accuracy is the share of pairs with equal labels (van Rijsbergen, "Information Retrieval", 1979,
    chapter 7; as in scikit-learn's `precision_recall_fscore_support`). A quotient with nothing
    below the line is 0, scikit-learn's `zero_division=0`.

    A found None was *not scored*. It is never dropped: it stands in its own column and counts as
    not right in accuracy and recall; precision speaks of the labels that were found alone.
    """
    counts = Counter(pairs)
    if not counts:
        return None
    labels = tuple(sorted({label for pair in counts for label in pair if label is not None}))
    per_class = {label: _figures(label, counts) for label in labels}
    found = list(per_class.values())
    size = counts.total()
    return Classification(
        labels=labels,
        matrix=tuple(tuple(counts[row, column] for column in labels) for row in labels),
        unscored=tuple(counts[row, None] for row in labels),
        accuracy=sum(counts[label, label] for label in labels) / size,
        per_class=per_class,
        macro=_averaged(found, [1] * len(found)),
        weighted=_averaged(found, [one.support for one in found]),
    )


def _figures(label: str, counts: Mapping[tuple[str, str | None], int]) -> ClassFigures:
    hits = counts.get((label, label), 0)
    support = sum(count for (row, _), count in counts.items() if row == label)
    named = sum(count for (_, column), count in counts.items() if column == label)
    return ClassFigures(
        precision=_share(hits, named),
        recall=_share(hits, support),
        f1=_share(2 * hits, named + support),
        support=support,
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _averaged(found: Sequence[Figures], weights: Sequence[int]) -> Figures:
    total = sum(weights)

    def average(read: Callable[[Figures], float]) -> float:
        parts = (read(one) * weight for one, weight in zip(found, weights, strict=True))
        return math.fsum(parts) / total

    return Figures(
        average(lambda one: one.precision),
        average(lambda one: one.recall),
        average(lambda one: one.f1),
    )
