"""Trials as long as a gate is inconclusive, by whole rounds: errors within bounds, fewer calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.gates.line import Calls, Line, Simulation
from benchmarks.gates.rows.bars import at_the_bar
from benchmarks.gates.rows.comparisons import FINE, fine
from benchmarks.gates.rows.early import asked
from benchmarks.gates.sessions import Evals
from benchmarks.gates.system import System

__all__ = ["auto", "more"]

RATE = 0.9
MOST = 5


def auto(simulation: Simulation) -> Iterator[Line | Calls]:
    """60 cases, trials="auto": one to five, half of the variance between cases; three systems."""
    cases, gate = 60, "pass_rate(0.9)"
    folder = Path(simulation.folder) / "auto"
    evals = Evals(folder, gate, cases=cases, systems=3, trials="auto")
    for rate, sessions in ((0.99, 8), (RATE, 30), (0.70, 8)):
        found: Counter[str] = Counter()
        made = 0
        for number in range(simulation.runs(sessions)):
            name = f"auto {rate} {number}"
            system = System(seed=f"{name} answers", cases=name, rate=rate, spread=0.5)
            outcome = evals.run(system)
            made += asked(outcome)
            found.update(one.status for one in outcome.gates)
        name = f"{cases} cases, auto trials, rate {rate:.0%}, {gate}"
        if rate == RATE:
            yield from at_the_bar(name, found, 0.05)
        yield Calls(what=name, made=made, planned=found.total() * cases * MOST)


def more(simulation: Simulation) -> Iterator[Line | Calls]:
    """40 cases, no_regression(0.1, inconclusive="more"): one trial, and up to five."""
    cases, gate = 40, 'no_regression(0.1, inconclusive="more")'
    evals = Evals(Path(simulation.folder) / "more", gate, cases=cases)
    runs = simulation.runs(60)
    drops = {"unchanged": 0.0, "10 points worse": 0.1, "40 points worse": 0.4}
    found: dict[str, Counter[str]] = {what: Counter() for what in drops}
    made: Counter[str] = Counter()
    for number in range(runs):
        name = f"more {number}"
        base = System(seed=f"{name} base", cases=name, rate=RATE, spread=0.5)
        evals.accept(base)
        for what, drop in drops.items():
            now = replace(base, seed=f"{name} {what}", factor=(RATE - drop) / RATE)
            outcome = evals.run(now)
            found[what][fine(outcome.gates[0].status)] += 1
            made[what] += asked(outcome)
    name = f"{cases} cases, more trials"
    hits = found["unchanged"]["regressed"]
    yield Line(what=f"{name}, unchanged: regressed (false alarm)", hits=hits, of=runs, most=0.05)
    hits = found["10 points worse"][FINE]
    yield Line(what=f"{name}, 10 points worse: {FINE} (miss)", hits=hits, of=runs, most=0.072)
    for what, status in (("unchanged", FINE), ("40 points worse", "regressed")):
        yield Line(what=f"{name}, {what}: {status}", hits=found[what][status], of=runs)
    for what, calls in made.items():
        yield Calls(what=f"{name}, {what}", made=calls, planned=runs * cases * MOST)
