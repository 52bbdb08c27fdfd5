"""Stopping early: curtailment, SPRT, e-process, planned looks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_ailoop.stats.sequential import (
    EProcess,
    Sprt,
    curtailed,
    not_worse,
    planned_looks,
    sprt_characteristics,
    worse_by,
)
from pytest_ailoop.stats.special import t_quantile

MARGIN = 0.05


def fed(process: EProcess, *differences: float) -> EProcess:
    for one in differences:
        process = process.after(one)
    return process


def pairs(runs: int, n: int, base: float, rate: float) -> np.ndarray:
    """Differences of passes by independent rates, seeded."""
    chance = np.random.default_rng(6)
    before, now = chance.random((runs, n)) < base, chance.random((runs, n)) < rate
    return now.astype(float) - before


def test_curtailed_runs_say_what_whole_ones_say() -> None:
    """S10: 10,000 random runs; never before the last case could still change it."""
    chance = np.random.default_rng(10)
    for _ in range(10_000):
        planned = int(chance.integers(1, 60))
        needed = int(chance.integers(0, planned + 2))
        passed = (chance.random(planned) < chance.random()).cumsum().tolist()
        verdicts = [curtailed(k, seen, planned, needed) for seen, k in enumerate(passed, 1)]
        said = [one for one in verdicts if one is not None]
        assert set(said) == {"passed" if passed[-1] >= needed else "failed"}


def test_stopping_one_miss_too_early_says_otherwise() -> None:
    """The mutant of S10: failed once as many were missed as may be, and the rest passes."""
    planned, needed = 10, 8
    passed = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    early = next(seen for seen, k in enumerate(passed, 1) if seen - k >= planned - needed)
    assert early == 2
    verdicts = [curtailed(k, seen, planned, needed) for seen, k in enumerate(passed, 1)]
    assert verdicts == [None] * 9 + ["passed"]


@pytest.mark.parametrize(
    ("planned", "needed", "expected"),
    [(50, 45, [12.0, 20.0, 29.6, 44.6]), (100, 90, [22, 37, 55, 91])],
)
def test_calls_that_curtailment_takes(planned: int, needed: int, expected: list[float]) -> None:
    """On average, at pass rates of 50, 70, 80 and 90 %, by going through all ways."""
    found = [curtailed_cases(planned, needed, rate) for rate in (0.5, 0.7, 0.8, 0.9)]
    digits = 1 if isinstance(expected[0], float) else None
    assert [round(one, digits) for one in found] == expected


def curtailed_cases(planned: int, needed: int, rate: float) -> float:
    ways, cases = {0: 1.0}, 0.0
    for seen in range(1, planned + 1):
        cases += math.fsum(ways.values())
        following: dict[int, float] = {}
        for passes, share in ways.items():
            for more, weight in ((1, rate), (0, 1 - rate)):
                following[passes + more] = following.get(passes + more, 0.0) + share * weight
        ways = {
            passes: share
            for passes, share in following.items()
            if curtailed(passes, seen, planned, needed) is None
        }
    return cases


@pytest.mark.parametrize(
    ("good", "bad", "cases", "errors"),
    [
        (0.9, 0.8, [25, 75.0, 115.9, 65.5, 25.6], [0.039, 0.048]),
        (0.95, 0.85, [27, 55.0, 79.2, 43.5, 17.6], [0.034, 0.048]),
        (0.95, 0.90, [55, 163.4, 248.9, 140.1, 33.8], [0.040, 0.049]),
        (0.8, 0.6, [11, 31.1, 49.4, 28.2, 15.9], [0.039, 0.044]),
        (0.99, 0.95, [72, 112.6, 145.2, 78.7, 17.8], [0.029, 0.050]),
    ],
)
def test_sprt_characteristics(
    good: float, bad: float, cases: list[float], errors: list[float]
) -> None:
    """Mean cases at five rates and the true errors, to the digits of the reference table."""
    test = Sprt(good=good, bad=bad)
    rates = (1.0, good, (good + bad) / 2, bad, bad - 0.1)
    found = [sprt_characteristics(test, rate) for rate in rates]
    assert [round(one.mean_cases, 1) for one in found] == cases
    assert [found[1].bad, found[3].good] == pytest.approx(errors, abs=6e-4)


def test_a_cut_sprt_is_inconclusive_not_wrong() -> None:
    """Cut at the size of the fixed test: both errors fall, the rest is open."""
    test = Sprt(good=0.9, bad=0.8)
    whole, cut = sprt_characteristics(test, 0.9), sprt_characteristics(test, 0.9, 135)
    assert cut.bad < whole.bad <= 0.05
    assert whole.inconclusive < 1e-9 < cut.inconclusive < 0.15
    assert cut.good + cut.bad + cut.inconclusive == pytest.approx(1)


@pytest.mark.parametrize(("losses", "expected"), [(5, 7.09), (6, 11.83), (7, 20.23)])
def test_losses_against_not_worse(losses: int, expected: float) -> None:
    """Seven one-way losses are enough; ties before and after change nothing."""
    assert round(fed(not_worse(), *[-1] * losses).value, 2) == expected
    assert round(fed(not_worse(), 0, 0, *[-1] * losses, 0).value, 2) == expected
    assert fed(not_worse(), *[-1] * losses).rejects() is (losses == 7)


@pytest.mark.parametrize(
    ("margin", "ties", "expected"), [(0.05, 80, 9.53), (0.05, 100, 20.59), (0.1, 40, 10.50)]
)
def test_ties_against_worse_by_the_margin(margin: float, ties: int, expected: float) -> None:
    """A hundred ties rule out a loss of five points."""
    assert round(fed(worse_by(margin), *[0] * ties).value, 2) == expected


def test_what_was_rejected_once_stays_so() -> None:
    """Later gains lower the value, not the verdict."""
    found = fed(not_worse(), *[-1] * 7, *[1] * 7)
    assert found.value < 20
    assert found.rejects()


@pytest.mark.parametrize(
    ("base", "rate", "start"),
    [(0.5, 0.5, not_worse()), (0.55, 0.5, worse_by(MARGIN))],
)
def test_two_hundred_looks_err_in_five_percent_at_most(
    base: float, rate: float, start: EProcess
) -> None:
    """S5: of 2,000 runs with a look after each case; where a t interval errs in 14 % or more."""
    found = pairs(2000, 200, base, rate)
    wrong = sum(fed(start, *run).rejects() for run in found.tolist())
    assert 0 < wrong / 2000 <= 0.05


def test_peeking_at_an_interval_errs_more_often() -> None:
    """The mutant of S5: the same runs, a one-sided 95 % t bound looked at after each case."""
    found = pairs(2000, 200, 0.5, 0.5)
    n = np.arange(1, 201)
    mean = found.cumsum(axis=1) / n
    variance = (found**2).cumsum(axis=1) / n - mean**2
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(variance / (n - 1))
        # From ten cases on, so as not to count what any tool would refuse.
        alarms = (mean < -np.array([t_quantile(0.95, max(1, k - 1)) for k in n]) * error)[:, 9:]
    assert alarms.any(axis=1).mean() >= 0.14


@pytest.mark.parametrize(("drop", "most"), [(0.2, 70), (0.4, 25)])
def test_cases_until_a_drop_is_seen(drop: float, most: float) -> None:
    """S6: on average over runs of up to 200 cases; nearly all of them see it."""
    used, seen = [], 0
    for run in pairs(400, 200, 0.9, 0.9 - drop).tolist():
        process = not_worse()
        for one in run:
            process = process.after(one)
            if process.rejects():
                break
        used.append(process.seen)
        seen += process.rejects()
    assert sum(used) / len(used) <= most
    assert seen / len(used) >= 0.98


def test_a_timid_bet_alone_takes_longer() -> None:
    """The mutant of S6: without the mixture, a bet of 0.02 does not see 40 points in 25 cases."""
    run = pairs(1, 200, 0.9, 0.5)[0].tolist()
    process, timid, cases = not_worse(), 0.0, 0
    while timid < math.log(20) and cases < len(run):
        process = process.after(run[cases])
        timid, cases = process.logs[0], cases + 1
    assert process.rejects()
    assert cases > 100


@pytest.mark.parametrize("shape", ["pocock", "obrien-fleming"])
@pytest.mark.parametrize("looks", [2, 3, 4, 5])
def test_planned_looks_err_in_five_percent(shape: str, looks: int) -> None:
    """100,000 random walks; the same looks at 1.96 err in 8 to 14 %."""
    steps = np.random.default_rng(looks).standard_normal((100_000, looks)).cumsum(axis=1)
    z = np.abs(steps) / np.sqrt(np.arange(1, looks + 1))
    found = (z >= planned_looks(looks, shape)).any(axis=1).mean()  # type: ignore[arg-type]
    assert found == pytest.approx(0.05, abs=0.0025)
    assert (z >= 1.96).any(axis=1).mean() > 0.08


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: curtailed(3, 2, 5, 1), "rise from 0, got 3, 2, 5"),
        (lambda: Sprt(good=0.8, bad=0.9), "bad=0.9, good=0.8"),
        (lambda: Sprt(good=0.9, bad=0.8, alpha=0.7), "alpha lies between 0 and 0.5, got 0.7"),
        (lambda: not_worse().after(math.nan), "±spread = ±1.0, got nan"),
        (lambda: not_worse().after(1.5), "±spread = ±1.0, got 1.5"),
        (lambda: worse_by(1.0), "margin lies between 0 and the spread 1.0, got 1.0"),
        (lambda: not_worse(0), "spread is finite and above 0, got 0"),
        (lambda: planned_looks(6), "looks are 2 to 5, got 6"),
    ],
)
def test_impossible_plans_are_refused(call: object, message: str) -> None:
    """With what was got and what is allowed."""
    with pytest.raises(ValueError) as caught:
        call()  # type: ignore[operator]
    assert message in str(caught.value)
