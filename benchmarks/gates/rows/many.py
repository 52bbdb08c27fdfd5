"""Many comparisons in one run, which stand among each other by Holm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.gates.line import Line, Simulation
from benchmarks.gates.sessions import Evals
from benchmarks.gates.system import System
from pytest_ailoop.session import Outcome

__all__ = ["holm", "regressed"]

RATE = 0.7


def holm(simulation: Simulation) -> Iterator[Line]:
    """Two variants with ten scores each, 50 cases: twenty gates a run, all unchanged or one worse.

    The share of runs with any *regressed* is what a team sees: builds that are red for nothing.
    """
    scores = [f"m{number}" for number in range(10)]
    gates = ", ".join(f"no_regression(0.05, score={name!r})" for name in scores)
    evals = Evals(Path(simulation.folder) / "holm", gates, cases=50, systems=2, scores=scores)
    runs = simulation.runs(120)
    alarms = seen = others = 0
    for number in range(runs):
        name = f"{evals.folder.name} {number}"
        base = System(seed=f"{name} base", cases=name, rate=RATE)
        evals.accept(base)
        alarms += bool(regressed(evals.run(replace(base, seed=f"{name} now"))))
        drop = replace(base, seed=f"{name} worse", factor=0.5, drops=frozenset({"s0 m0"}))
        red = regressed(evals.run(drop))
        seen += "s0 m0" in red
        others += bool(red - {"s0 m0"})
    name = "20 comparisons of 50 cases"
    yield Line(what=f"{name}, unchanged: any regressed", hits=alarms, of=runs, most=0.05)
    yield Line(what=f"{name}, one 35 points worse: any other", hits=others, of=runs, most=0.05)
    yield Line(what=f"{name}, one 35 points worse: it is seen", hits=seen, of=runs)


def regressed(outcome: Outcome) -> set[str]:
    """Return which scores of which systems are: `s0 m3`."""
    return {
        f"{dict(one.variant.params)['system']} {one.gate.score}"
        for one in outcome.gates
        if one.status == "regressed"
    }
