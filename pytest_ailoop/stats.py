"""The few formulas that reports and metrics rest on, each with its source; standard library only.

Nothing to measure gives None, never 0. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "ClassFigures",
    "Classification",
    "Figures",
    "Interval",
    "classification",
    "mean",
    "percentile",
    "wilson",
]


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true value lies, with the confidence that was asked for."""

    low: float
    high: float


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


def mean(values: Iterable[float]) -> float | None:
    """Return the arithmetic mean of finite *values*, None where there are none.

    The sum is exact before it is rounded once (`math.fsum`). Sorted, because whether a sum on the
    way overflows hangs on the order: values in any order have one mean.
    """
    found = sorted(values)
    if not found:
        return None
    try:
        return math.fsum(found) / len(found)
    except OverflowError:
        return math.fsum(value / len(found) for value in found)


def percentile(values: Iterable[float], q: float) -> float | None:
    """Return the *q*-th percentile (0 to 100) of finite *values*, None where there are none.

    Linear interpolation between the two nearest ranks: type 7 of Hyndman and Fan, "Sample
    Quantiles in Statistical Packages", 1996; what `numpy.percentile` does by default. Raises
    `ValueError` for a *q* outside of 0 to 100.
    """
    if not 0 <= q <= 100:
        raise ValueError(f"a percentile lies between 0 and 100, got {q!r}")
    found = sorted(values)
    if not found:
        return None
    rank = (len(found) - 1) * q / 100
    below, above = found[math.floor(rank)], found[math.ceil(rank)]
    share = rank - math.floor(rank)
    # As a weighted sum, not below + share * (above - below): that can leave the two for large ones.
    return min(max(below * (1 - share) + above * share, below), above)


def wilson(k: float, n: int, confidence: float = 0.95) -> Interval | None:
    """Return the interval for a rate of which *k* of *n* were seen, None for n = 0.

    Score interval without continuity correction (Wilson 1927; formula 3 in Newcombe,
    "Two-sided confidence intervals for the single proportion", 1998), with z the normal quantile:
    `(p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)`. It stays within 0 and 1 and has width
    also where all or none passed. Trials of one case are not independent: give it cases, *k* being
    then the sum of their shares and no whole number.
    Raises `ValueError` unless 0 <= k <= n and 0 < confidence < 1.
    """
    if not 0 <= k <= n:
        raise ValueError(f"k lies between 0 and n, got k={k!r}, n={n!r}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies between 0 and 1, got {confidence!r}")
    if n == 0:
        return None
    z2 = _z(confidence) ** 2
    p = k / n
    centre = p + z2 / (2 * n)
    half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n)))
    scale = 1 + z2 / n
    # At the edges the bound is exactly 0 or 1; rounding must not say otherwise.
    low = 0.0 if k == 0 else (centre - half) / scale
    high = 1.0 if k == n else (centre + half) / scale
    return Interval(low, high)


@functools.cache
def _z(confidence: float) -> float:
    """Return the normal quantile that leaves the same share out on both sides."""
    from statistics import NormalDist  # 3 ms that most sessions never need

    return NormalDist().inv_cdf((1 + confidence) / 2)


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
