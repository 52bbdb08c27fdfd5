"""The formulas that figures and verdicts rest on, each with its source; standard library only.

Nothing to measure gives None, never 0. Here are the names that every report needs; the others are
taken from their modules, which load when a gate or a comparison asks for them:

- `special`: tails and quantiles of the binomial, beta, normal and Student's t distribution
- `intervals`: a pass rate; `clustered`: a mean over cases with several trials
- `paired`: two runs over the same cases; `cross_checks`: the same question by other means
- `trials`: pass@k, pass^k, and one value of several trials; `flips`: one case that wavers or breaks
- `power`: what a run can see, and how many cases it would take
- `two_groups`: a slice of the cases and the rest
- `multiple`: many metrics at once; `sequential`: stopping early

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ailoop.stats.descriptive import mean, percentile
from pytest_ailoop.stats.intervals import Interval, wilson

if TYPE_CHECKING:
    from pytest_ailoop.stats.labels import ClassFigures, Classification, Figures, classification

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


def __getattr__(name: str) -> object:
    # Few runs have labels.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pytest_ailoop.stats import labels

    found: object = getattr(labels, name)
    globals()[name] = found
    return found
