"""Stop once settled, case by case: the same gates with fewer calls, errors within their bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.gates.line import Calls, Line, Simulation
from benchmarks.gates.rows.bars import at_the_bar
from benchmarks.gates.rows.comparisons import FINE, fine
from benchmarks.gates.rows.many import regressed
from benchmarks.gates.sessions import Evals
from benchmarks.gates.system import System
from pytest_ailoop.gates.verdicts import decide_rate
from pytest_ailoop.session import Outcome

__all__ = ["asked", "bars", "comparisons", "holm"]

STOP = 'stop="settled"'
RATE = 0.9


def asked(outcome: Outcome) -> int:
    """Return how many items ran, each of which asks once."""
    return sum(one.outcome != "settled" for one in outcome.records)


def bars(simulation: Simulation) -> Iterator[Line | Calls]:
    """100 cases of one trial, five systems a session: what a run to the end says, in fewer calls.

    What it would say is known: the answers are, also those that were not asked for.
    """
    cases = 100
    for bar, rate in ((0.9, 0.98), (0.9, 0.90), (0.9, 0.75), (0.5, 0.90)):
        gate = f"pass_rate({bar})"
        folder = Path(simulation.folder) / f"early_bar_{round(100 * bar)}_{round(100 * rate)}"
        evals = Evals(folder, gate, cases=cases, systems=5, more=STOP)
        found: Counter[str] = Counter()
        made = other = 0
        for number in range(simulation.runs(25)):
            name = f"early {bar} {rate} {number}"
            system = System(seed=f"{name} answers", cases=name, rate=rate)
            outcome = evals.run(system)
            made += asked(outcome)
            for at, one in enumerate(outcome.gates):
                right = sum(system.draw(f"c{n}", 1, f"s{at}")[0] for n in range(cases))
                other += one.status != decide_rate(right, cases, bar).status
                found[one.status] += 1
        name = f"{cases} cases, rate {rate:.0%}, {gate}, settled"
        of = found.total()
        yield Line(what=f"{name}: not what all say", hits=other, of=of, most=0.0)
        if rate == bar:
            yield from at_the_bar(name, found, 0.05)
        yield Calls(what=name, made=made, planned=of * cases)


def comparisons(simulation: Simulation) -> Iterator[Line | Calls]:
    """100 cases of one trial, no_regression(0.05), one gate a run; what is accepted ran whole."""
    cases, gate = 100, "no_regression(0.05)"
    evals = Evals(Path(simulation.folder) / "early", gate, cases=cases, more=STOP)
    runs = simulation.runs(100)
    found: dict[float, Counter[str]] = {drop: Counter() for drop in (0.0, 0.05, 0.2, 0.4)}
    made: Counter[float] = Counter()
    for number in range(runs):
        name = f"early {number}"
        base = System(seed=f"{name} base", cases=name, rate=RATE)
        evals.accept(base)
        for drop in found:
            now = replace(base, seed=f"{name} {drop}", factor=(RATE - drop) / RATE)
            outcome = evals.run(now)
            found[drop][fine(outcome.gates[0].status)] += 1
            made[drop] += asked(outcome)
    name = f"{cases} cases, settled"
    hits = found[0.0]["regressed"]
    yield Line(what=f"{name}, unchanged: regressed (false alarm)", hits=hits, of=runs, most=0.05)
    for drop in (0.05, 0.2):
        what = f"{name}, {drop * 100:.0f} points worse: {FINE} (miss)"
        yield Line(what=what, hits=found[drop][FINE], of=runs, most=0.072)
    for drop in (0.2, 0.4):
        what = f"{name}, {drop * 100:.0f} points worse: regressed"
        yield Line(what=what, hits=found[drop]["regressed"], of=runs)
    for drop, calls in made.items():
        what = f"{name}, {drop * 100:.0f} points worse" if drop else f"{name}, unchanged"
        yield Calls(what=what, made=calls, planned=runs * cases)


def holm(simulation: Simulation) -> Iterator[Line | Calls]:
    """Two variants with three scores each, 80 cases: six gates a run, none or one worse.

    A variant stops where all of its three gates are settled; a loss must stand among all six.
    """
    cases, systems = 80, 2
    scores = ["m0", "m1", "m2"]
    gates = ", ".join(f"no_regression(0.2, score={name!r})" for name in scores)
    folder = Path(simulation.folder) / "early_holm"
    evals = Evals(folder, gates, cases=cases, systems=systems, scores=scores, more=STOP)
    runs = simulation.runs(60)
    alarms = seen = others = 0
    made = {"unchanged": 0, "one worse": 0}
    for number in range(runs):
        name = f"{evals.folder.name} {number}"
        base = System(seed=f"{name} base", cases=name, rate=RATE)
        evals.accept(base)
        same = evals.run(replace(base, seed=f"{name} now"))
        drop = replace(base, seed=f"{name} worse", factor=1 / 3, drops=frozenset({"s0 m0"}))
        worse = evals.run(drop)
        red = regressed(worse)
        alarms += bool(regressed(same))
        seen += "s0 m0" in red
        others += bool(red - {"s0 m0"})
        made["unchanged"] += asked(same)
        made["one worse"] += asked(worse)
    name = f"6 comparisons of {cases} cases, settled"
    yield Line(what=f"{name}, unchanged: any regressed", hits=alarms, of=runs, most=0.05)
    yield Line(what=f"{name}, one 60 points worse: any other", hits=others, of=runs, most=0.05)
    yield Line(what=f"{name}, one 60 points worse: it is seen", hits=seen, of=runs)
    for which, calls in made.items():
        yield Calls(what=f"{name}, {which}", made=calls, planned=runs * systems * cases)
