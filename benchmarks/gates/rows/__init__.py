"""What is simulated, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.gates.line import Calls, Line, Simulation
from benchmarks.gates.rows import bars, comparisons, early, many, rounds, together

__all__ = ["ROWS", "Row"]

Row = Callable[[Simulation], Iterator[Line | Calls]]

ROWS: dict[str, Row] = {
    "comparison": comparisons.one_trial,
    "comparison-trials": comparisons.several_trials,
    "holm": many.holm,
    "bar": bars.one_trial,
    "bar-trials": bars.several_trials,
    "bar-graded": bars.graded,
    "together-bar": together.bars,
    "together-bar-shared": together.bars_shared,
    "together-comparison": together.comparisons,
    "together-comparison-shared": together.comparisons_shared,
    "early-bar": early.bars,
    "early-comparison": early.comparisons,
    "early-holm": early.holm,
    "auto-trials": rounds.auto,
    "more-trials": rounds.more,
}
