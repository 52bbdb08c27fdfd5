"""What the statistics say: of one group against a bar, of two runs against each other.

Plain values; what a gate makes of them is a `data.gate.GateVerdict`. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import Literal

from pytest_ailoop.frozen import dataclass

__all__ = [
    "ComparisonStatus",
    "ComparisonVerdict",
    "Pair",
    "ThresholdStatus",
    "ThresholdVerdict",
]

ThresholdStatus = Literal["passed", "failed", "inconclusive", "invalid"]

ComparisonStatus = Literal["unchanged", "improved", "same", "regressed", "inconclusive", "invalid"]
"""`same`: not worse by the margin or more. `inconclusive`: too little data, and no more than that.
`invalid`: nothing that could be compared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One case in both runs, of one score."""

    case: str
    """Unique among the pairs that are compared."""
    base: float
    """Accepted mean over its trials."""
    candidate: tuple[float | None, ...]
    """Value of each trial; None where it was not scored."""
    base_trials: int = 1
    same_output: bool = False
    """Whether every trial gave what the base had, by digest: nothing was sampled anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThresholdVerdict:
    """A rate or a mean, held against a bar."""

    status: ThresholdStatus
    bar: float
    alpha: float
    """Each of the two wrong verdicts comes up in this share of runs at most, or about."""
    n: int
    """Cases with a value."""
    unscored: int = 0
    value: float | None = None
    """Plain rate or mean of the n cases."""
    low: float | None = None
    high: float | None = None
    """One-sided bounds: each holds with probability `1 - alpha` by itself."""
    method: str = ""
    needed_cases: int | None = None
    """Cases with which it would be settled (4 times in 5), if they go on like these; None where it
    is settled, or no number would do."""
    reasons: tuple[str, ...] = ()
    """In plain words: what was found, what it means, what to do next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonVerdict:
    """Two runs over the same cases, by one score. Differences are positive where it got better."""

    status: ComparisonStatus
    metric: str = ""
    margin: float
    """The loss that is tolerated, in units of the score."""
    alpha: float
    n: int
    """Pairs that were compared."""
    baseline_cases: int
    unscored: int = 0
    """Trials of the candidate without a score."""
    base: float | None = None
    candidate: float | None = None
    """Plain means over the pairs, as measured."""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    """One-sided bounds of the difference: each holds with probability `1 - alpha` by itself."""
    gains: int = 0
    """Cases that got better."""
    losses: int = 0
    method: str = ""
    p: float | None = None
    """Probability of a drop like this where nothing got worse; one-sided."""
    adjusted_p: float | None = None
    """By Holm, over the metrics that gate together."""
    slightly_worse: bool = False
    """Same within the margin, and yet shown to be below 0."""
    detectable: float | None = None
    """The smallest drop that a run like this calls regressed 4 times in 5, in units of the score;
    None where there is none."""
    needed_cases: int | None = None
    """Cases with which it would be settled, 4 times in 5, if they go on like these; None where it
    is settled, or no number would do."""
    needed_trials: int | None = None
    """Trials of each case, the cases staying; None also where one trial says nothing about it."""
    reasons: tuple[str, ...] = ()
    """In plain words: what was found, what it means, what to do next."""
