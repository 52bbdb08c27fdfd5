"""Gates that hold a rate or a mean against a bar: passing below it, failing though not below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import comb
from pathlib import Path

from benchmarks.gates.line import Line, Simulation
from benchmarks.gates.sessions import Evals
from benchmarks.gates.system import System
from pytest_ailoop.gates.verdicts import decide_rate

__all__ = ["at_the_bar", "counted", "graded", "one_trial", "several_trials"]

RATE = 0.9


def one_trial(simulation: Simulation) -> Iterator[Line]:
    """100 cases of one trial at a rate of 90 %; five systems a session, three bars each."""
    cases, bars = 100, (0.9, 0.8, 0.95)
    gates = ", ".join(f"pass_rate({bar})" for bar in bars)
    evals = Evals(Path(simulation.folder) / "bar", gates, cases=cases, systems=5)
    found = _statuses(evals, simulation.runs(80), spread=0.0)
    name = f"{cases} cases, rate {RATE:.0%}, pass_rate"
    yield from at_the_bar(f"{name}(0.9)", found["pass_rate(0.9)"], 0.05)
    for bar, status in ((0.8, "passed"), (0.95, "failed")):
        yield counted(f"{name}({bar}): {status}", found[f"pass_rate({bar})"], status, cases, bar)


def several_trials(simulation: Simulation) -> Iterator[Line]:
    """30 cases of five trials, half of the variance between cases; five systems a session."""
    evals = Evals(
        Path(simulation.folder) / "bar_trials", "pass_rate(0.9)", cases=30, trials=5, systems=5
    )
    found = _statuses(evals, simulation.runs(40), spread=0.5)
    name = f"30 cases x 5 trials, rate {RATE:.0%}, pass_rate(0.9)"
    yield from at_the_bar(name, found["pass_rate(0.9)"], 0.05)


def graded(simulation: Simulation) -> Iterator[Line]:
    """50 cases, forty scores a session that are 0 or 0.8, each with a mean that is its bar."""
    best = 0.8
    scores = [f"g{number}" for number in range(40)]
    bar = RATE * best
    gates = ", ".join(f"mean({name!r}, {bar:g})" for name in scores)
    folder = Path(simulation.folder) / "graded"
    evals = Evals(folder, gates, cases=50, scores=scores, best=best)
    found = _statuses(evals, simulation.runs(50), spread=0.0)
    all_of_them: Counter[str] = sum(found.values(), Counter())
    yield from at_the_bar(f"50 cases, scores 0 or {best}, mean(..., {bar:g})", all_of_them, 0.06)


def _statuses(evals: Evals, sessions: int, spread: float) -> dict[str, Counter[str]]:
    """Return statuses by gate; thresholds know nothing of each other, so all of a session count."""
    found: dict[str, Counter[str]] = {}
    for number in range(sessions):
        name = f"{evals.folder.name} {number}"
        system = System(seed=f"{name} answers", cases=name, rate=RATE, spread=spread)
        for one in evals.run(system).gates:
            found.setdefault(one.gate.name, Counter())[one.status] += 1
    return found


def at_the_bar(name: str, found: Counter[str], most: float) -> Iterator[Line]:
    """At the bar itself a gate errs most: a hair below it must not pass, there it must not fail."""
    of = found.total()
    yield Line(what=f"{name}: passed (a hair below)", hits=found["passed"], of=of, most=most)
    yield Line(what=f"{name}: failed (not below)", hits=found["failed"], of=of, most=most)


def counted(what: str, found: Counter[str], status: str, cases: int, bar: float) -> Line:
    """Return a line with the share at a rate of 90 % that all outcomes, gone through, give."""
    exact = sum(
        comb(cases, k) * RATE**k * (1 - RATE) ** (cases - k)
        for k in range(cases + 1)
        if decide_rate(k, cases, bar).status == status
    )
    return Line(what=what, hits=found[status], of=found.total(), stated=(exact, exact))
