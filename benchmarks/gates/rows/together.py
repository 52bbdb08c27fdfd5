"""Gates over several tests together: bars and comparisons, rows of their own or the same ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.gates.line import Line, Simulation
from benchmarks.gates.rows.bars import at_the_bar, counted
from benchmarks.gates.rows.comparisons import FINE, fine
from benchmarks.gates.several import Several
from benchmarks.gates.system import System

__all__ = ["bars", "bars_shared", "comparisons", "comparisons_shared"]

RATE = 0.9
TESTS = 3
BARS = {"at": "pass_rate = 0.9", "above": "pass_rate = 0.95"}
DROPS = {"unchanged": 0.0, "5 points worse": 0.05, "15 points worse": 0.15}
ONE = "one test 15 points worse"
"""Of three: 5 points over all."""


def bars(simulation: Simulation) -> Iterator[Line]:
    """40 cases in each of three tests: one sample of 120, as all outcomes, gone through, say."""
    cases = 40
    folder = Path(simulation.folder) / "together_bar"
    evals = Several(folder, BARS, tests=TESTS, cases=cases, systems=5)
    found = _statuses(evals, simulation.runs(80), spread=0.0)
    name = f"3 tests x {cases} cases, rate {RATE:.0%}, pass_rate"
    yield from at_the_bar(f"{name}(0.9)", found[0.9], 0.05)
    yield _passed(f"{name}(0.95)", found[0.95])
    what = f"{name}(0.95): failed"
    yield counted(what, found[0.95], "failed", TESTS * cases, 0.95)


def bars_shared(simulation: Simulation) -> Iterator[Line]:
    """The same 60 rows in three tests, half of the variance between them: 60, not 180."""
    folder = Path(simulation.folder) / "together_bar_shared"
    evals = Several(folder, BARS, tests=TESTS, cases=60, systems=5, shared=True)
    found = _statuses(evals, simulation.runs(40), spread=0.5)
    name = f"60 rows in 3 tests, rate {RATE:.0%}, pass_rate"
    yield from at_the_bar(f"{name}(0.9)", found[0.9], 0.05)
    yield _passed(f"{name}(0.95)", found[0.95])


def comparisons(simulation: Simulation) -> Iterator[Line]:
    """20 cases in each of three tests, no_regression(0.05): unchanged, all worse, or one of them.

    Of 60 cases it is known how often each status comes up.
    """
    from benchmarks.statistics import exact

    cases = 20
    folder = Path(simulation.folder) / "together"
    gate = {"all": "no_regression = 0.05"}
    evals = Several(folder, gate, tests=TESTS, cases=cases)
    found = _compared(evals, simulation.runs(200), spread=0.0, one="s0 t1")
    name = f"3 tests x {cases} cases"
    yield from _errors(name, found, miss=0.072)
    rule = exact.tango(TESTS * cases, 0.05)
    for what, drop in DROPS.items():
        share = exact.regressed(rule, RATE, RATE - drop)
        yield _line(f"{name}, {what}", found[what], "regressed", stated=share)
    share = exact.fine(rule, RATE, RATE)
    yield _line(f"{name}, unchanged", found["unchanged"], FINE, stated=share)


def comparisons_shared(simulation: Simulation) -> Iterator[Line]:
    """The same 40 rows in three tests, half of the variance between them."""
    folder = Path(simulation.folder) / "together_shared"
    gate = {"all": "no_regression = 0.05"}
    evals = Several(folder, gate, tests=TESTS, cases=40, shared=True)
    found = _compared(evals, simulation.runs(120), spread=0.5)
    name = "40 rows in 3 tests"
    yield from _errors(name, found, miss=0.079)
    yield _line(f"{name}, 15 points worse", found["15 points worse"], "regressed")


def _statuses(evals: Several, sessions: int, spread: float) -> dict[float, Counter[str]]:
    """Return statuses by bar; thresholds know nothing of each other, so all of a session count."""
    found: dict[float, Counter[str]] = {0.9: Counter(), 0.95: Counter()}
    for number in range(sessions):
        name = f"{evals.folder.name} {number}"
        system = System(seed=f"{name} answers", cases=name, rate=RATE, spread=spread)
        for one in evals.run(system).gates:
            found[one.gate.bar or 0.0][one.status] += 1
    return found


def _compared(
    evals: Several, runs: int, spread: float, one: str | None = None
) -> dict[str, Counter[str]]:
    """Accept a run, then hold the same system against it, and worse ones; *one* test's, too."""
    drops = {what: (drop, frozenset[str]()) for what, drop in DROPS.items()}
    if one is not None:
        drops[ONE] = (0.15, frozenset({one}))
    found: dict[str, Counter[str]] = {what: Counter() for what in drops}
    for number in range(runs):
        name = f"{evals.folder.name} {number}"
        base = System(seed=f"{name} base", cases=name, rate=RATE, spread=spread)
        evals.accept(base)
        for what, (drop, where) in drops.items():
            factor = (RATE - drop) / RATE
            now = replace(base, seed=f"{name} {what}", factor=factor, drops=where)
            (gate,) = evals.run(now).gates
            found[what][fine(gate.status)] += 1
    return found


def _errors(name: str, found: dict[str, Counter[str]], *, miss: float) -> Iterator[Line]:
    alarm = f"{name}, unchanged: regressed (false alarm)"
    of = found["unchanged"].total()
    yield Line(what=alarm, hits=found["unchanged"]["regressed"], of=of, most=0.05)
    for what in found:
        if what != "unchanged":
            hits = found[what][FINE]
            yield Line(what=f"{name}, {what}: {FINE} (miss)", hits=hits, of=of, most=miss)


def _passed(name: str, found: Counter[str]) -> Line:
    what = f"{name}: passed (5 points below)"
    return Line(what=what, hits=found["passed"], of=found.total(), most=0.05)


def _line(name: str, found: Counter[str], status: str, stated: float | None = None) -> Line:
    share = None if stated is None else (stated, stated)
    return Line(what=f"{name}: {status}", hits=found[status], of=found.total(), stated=share)
