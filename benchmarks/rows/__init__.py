"""The rows of the table by name, in the order in which they are shown."""

from __future__ import annotations

from benchmarks.bench import Row
from benchmarks.rows import calls, overhead, scaling, startup, workers

__all__ = ["LONG", "ROWS"]

ROWS: dict[str, Row] = {
    "idle": startup.idle,
    "collection": startup.collection,
    "replay": overhead.replay,
    "cached": overhead.cached,
    "llm": calls.llm,
    "app": calls.app,
    "judge": calls.judge,
    "sync": calls.sync,
    "instant": calls.instant,
    "tail": calls.tail,
    "borders": calls.borders,
    "dist": workers.dist,
    "scaling": scaling.scaling,
}

LONG = frozenset({"scaling"})
"""Rows that take minutes: measured where they are named."""
