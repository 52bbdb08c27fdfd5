"""What is simulated, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.gates.line import Line, Simulation
from benchmarks.gates.rows import bars, comparisons, many

__all__ = ["ROWS", "Row"]

Row = Callable[[Simulation], Iterator[Line]]

ROWS: dict[str, Row] = {
    "comparison": comparisons.one_trial,
    "comparison-trials": comparisons.several_trials,
    "holm": many.holm,
    "bar": bars.one_trial,
    "bar-trials": bars.several_trials,
    "bar-graded": bars.graded,
}
