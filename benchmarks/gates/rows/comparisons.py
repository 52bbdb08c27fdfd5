"""A run against its accepted baseline, one gate a run: the false alarm, the miss, what is seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.gates.line import Line, Simulation
from benchmarks.gates.sessions import Evals
from benchmarks.gates.system import System

__all__ = ["FINE", "fine", "one_trial", "several_trials"]

RATE = 0.9
DROPS = {"unchanged": 0.0, "5 points worse": 0.05, "15 points worse": 0.15}

FINE = "same or improved"

Stated = dict[tuple[str, str], tuple[float, float]]

#: docs/statistics.md, 50 cases.
ONE_TRIAL: Stated = {
    ("unchanged", FINE): (0.20, 0.20),
    ("unchanged", "inconclusive"): (0.76, 0.76),
    ("unchanged", "regressed"): (0.042, 0.042),
    ("5 points worse", "regressed"): (0.17, 0.17),
    ("15 points worse", "regressed"): (0.63, 0.63),
}
FIVE_TRIALS: Stated = {
    ("unchanged", FINE): (0.14, 0.17),
    ("5 points worse", "regressed"): (0.12, 0.15),
    ("15 points worse", "regressed"): (0.98, 0.98),
}


def one_trial(simulation: Simulation) -> Iterator[Line]:
    """50 cases of one trial, no_regression(0.05); equally hard cases."""
    evals = Evals(Path(simulation.folder) / "one_trial", "no_regression(0.05)", cases=50)
    found = _statuses(evals, simulation.runs(600), spread=0.0)
    yield from _lines("50 cases", found, ONE_TRIAL, alarm=0.05, miss=0.072)


def several_trials(simulation: Simulation) -> Iterator[Line]:
    """50 cases of five trials each, half of the variance between cases."""
    gate = "no_regression(0.05)"
    evals = Evals(Path(simulation.folder) / "several_trials", gate, cases=50, trials=5)
    found = _statuses(evals, simulation.runs(60), spread=0.5)
    yield from _lines("50 cases x 5 trials", found, FIVE_TRIALS, alarm=0.016, miss=0.032)


def _statuses(evals: Evals, runs: int, spread: float) -> dict[str, Counter[str]]:
    """Accept a run, then let the system as it was, and two worse ones, be held against it."""
    found: dict[str, Counter[str]] = {what: Counter() for what in DROPS}
    for number in range(runs):
        name = f"{evals.folder.name} {number}"
        base = System(seed=f"{name} base", cases=name, rate=RATE, spread=spread)
        evals.accept(base)
        for what, drop in DROPS.items():
            now = replace(base, seed=f"{name} {what}", factor=(RATE - drop) / RATE)
            (gate,) = evals.run(now).gates
            found[what][fine(gate.status)] += 1
    return found


def fine(status: str) -> str:
    """Return `FINE` for what is no worse, else *status*."""
    return FINE if status in ("unchanged", "same", "improved") else status


def _lines(
    name: str, found: dict[str, Counter[str]], stated: Stated, *, alarm: float, miss: float
) -> Iterator[Line]:
    runs = sum(found["unchanged"].values())
    hits = found["unchanged"]["regressed"]
    yield Line(what=f"{name}, unchanged: regressed (false alarm)", hits=hits, of=runs, most=alarm)
    for what in ("5 points worse", "15 points worse"):
        hits = found[what][FINE]
        yield Line(what=f"{name}, {what}: {FINE} (miss)", hits=hits, of=runs, most=miss)
    for (what, status), share in stated.items():
        hits = found[what][status]
        yield Line(what=f"{name}, {what}: {status}", hits=hits, of=runs, stated=share)
