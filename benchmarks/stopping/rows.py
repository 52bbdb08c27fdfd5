"""What is simulated: bars just reached or just not, runs as good or worse by the margin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.gates.line import Calls, Line
from benchmarks.stopping.setting import SCORE, Setting, simulated
from pytest_ailoop.data.gate import GateSpec
from pytest_ailoop.gates import specs

__all__ = ["BOUNDS", "ROWS", "Row", "lines"]

Error = Literal["passed though below", "failed though not", "false alarm", "miss"]

BOUNDS: dict[Error, float] = {
    "passed though below": 0.05,
    "failed though not": 0.05,
    "false alarm": 0.05,
    "miss": 0.05,
}
"""Without early stop means of skewed scores err in 5.8 % and misses are 7.2 %; here it is less."""

_WRONG: dict[Error, tuple[str, ...]] = {
    "passed though below": ("passed",),
    "failed though not": ("failed",),
    "false alarm": ("regressed",),
    "miss": ("same", "improved"),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One setting, with the errors that it can show."""

    what: str
    setting: Setting
    errors: tuple[Error, ...]


def lines(one: Row, runs: int) -> Iterator[tuple[Error | None, Line | Calls]]:
    """Simulate a row; yield its lines, those that are errors with which."""
    found = simulated(one.setting, runs, one.what)
    if bad := found.statuses.keys() & {"invalid", "no baseline"}:
        raise RuntimeError(f"{one.what}: {bad}")
    for error in one.errors:
        hits = sum(found.statuses[status] for status in _WRONG[error])
        what = f"{one.what}: {error}"
        yield error, Line(what=what, hits=hits, of=runs, most=BOUNDS[error])
    yield None, Calls(what=one.what, made=found.made, planned=found.planned)


def _bars() -> Iterator[Row]:
    """At the bar itself a gate errs most: a hair below it must not pass, there it must not fail."""
    for cases, rate in ((20, 0.5), (50, 0.8), (50, 0.95), (80, 0.9)):
        gate = specs.mean(SCORE, rate)
        setting = Setting(gate=gate, by="cases", cases=cases, rate=rate)
        yield _bar(f"mean, {cases} cases, rate {rate:.0%}", setting)
    skewed = Setting(gate=specs.mean(SCORE, 0.45), by="cases", cases=50, rate=0.9, best=0.5)
    yield _bar("mean, 50 cases, scores 0 or 0.5", skewed)
    easy = Setting(gate=specs.mean(SCORE, 0.8), by="cases", cases=50, rate=0.8, fixed=0.5)
    yield _bar("mean, 50 cases, half of them sure", easy)
    for alike in (0.5, 1.0):
        gate = specs.pass_rate(0.8)
        setting = Setting(gate=gate, by="cases", cases=30, rate=0.8, trials=3, spread=alike)
        yield _bar(f"rate, 30 cases x 3, rate 80%, correlation {alike:g}", setting)
    for rate in (0.8, 0.9):
        setting = Setting(gate=specs.pass_rate(rate), by="cases", cases=50, rate=rate)
        yield _bar(f"rate by curtailment, 50 cases, rate {rate:.0%}", setting)


def _comparisons() -> Iterator[Row]:
    for cases, rate, margin in ((20, 0.7, 0.1), (50, 0.9, 0.05)):
        gate = specs.no_regression(margin)
        setting = Setting(gate=gate, by="cases", cases=cases, rate=rate)
        yield from _compared(f"{cases} cases, rate {rate:.0%}, margin {margin:g}", setting)
    setting = Setting(
        gate=specs.no_regression(0.1),
        by="cases",
        cases=30,
        rate=0.8,
        trials=3,
        base_trials=3,
        spread=0.5,
    )
    yield from _compared("30 cases x 3, rate 80%, margin 0.1, correlation 0.5", setting)


def _rounds() -> Iterator[Row]:
    for cases, rate, alike in ((20, 0.9, 0.0), (30, 0.9, 0.5), (30, 0.8, 0.9)):
        gate = specs.pass_rate(rate)
        setting = Setting(gate=gate, by="rounds", cases=cases, rate=rate, trials=5, spread=alike)
        yield _bar(f"auto, {cases} cases, rate {rate:.0%}, correlation {alike:g}", setting)
    for alike, before in ((0.0, 1), (0.5, 5)):
        setting = Setting(
            gate=specs.no_regression(0.1),
            by="rounds",
            cases=20,
            rate=0.8,
            trials=5,
            base_trials=before,
            spread=alike,
        )
        name = f"more, 20 cases, base x {before}, margin 0.1, correlation {alike:g}"
        yield from _compared(name, setting)


def _bar(what: str, setting: Setting) -> Row:
    return Row(what=what, setting=setting, errors=("passed though below", "failed though not"))


def _compared(what: str, setting: Setting) -> Iterator[Row]:
    """Nothing changed, where it must not alarm; worse by the margin, where it must not be fine."""
    gate: GateSpec = setting.gate
    yield Row(what=what, setting=setting, errors=("false alarm",))
    worse = replace(setting, drop=gate.margin or 0.0)
    yield Row(what=f"{what}, worse", setting=worse, errors=("miss",))


ROWS: dict[str, tuple[Row, ...]] = {
    "bars": tuple(_bars()),
    "comparisons": tuple(_comparisons()),
    "rounds": tuple(_rounds()),
}
