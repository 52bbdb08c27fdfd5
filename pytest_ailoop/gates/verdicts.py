"""The rules that decide, under one roof: bars, comparisons, many metrics. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from pytest_ailoop.gates.comparison import compare_pairs, holm_regressed
from pytest_ailoop.gates.thresholds import decide_mean, decide_rate

__all__ = ["compare_pairs", "decide_mean", "decide_rate", "holm_regressed"]
