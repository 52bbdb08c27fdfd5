"""How often verdicts are wrong, exactly, and how often those of other methods would be."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.statistics import exact
from benchmarks.statistics.__main__ import lines
from pytest_ailoop.data.verdict import Pair
from pytest_ailoop.gates.evidence import of_counts, of_differences, status_of
from pytest_ailoop.gates.verdicts import compare_pairs, holm_regressed
from pytest_ailoop.stats.cross_checks import sign_flip
from pytest_ailoop.stats.planning import Plan, detectable_drop
from tests.unit.gates.pairs import counted

#: The worst numbers of pairs among 10 to 250 are here; `python -m benchmarks.statistics` has all.
SIZES = (10, 11, 12, 17, 25, 30, 50, 106, 120)


@pytest.mark.parametrize("n", [3, 7, 10, 20, 31])
@pytest.mark.parametrize("margin", [0.03, 0.1])
def test_the_rule_is_what_ships(n: int, margin: float) -> None:
    """The enumeration's short cut against asking the shipped rule of every outcome."""
    for rule, graded in ((exact.tango(n, margin), False), (exact.pseudo_pairs(n, margin), True)):
        regressed, fine = exact.direct(n, margin, graded=graded)
        assert np.minimum(rule.regressed, rule.fine - 1).tolist() == regressed.tolist()
        assert rule.fine.tolist() == fine.tolist()


@pytest.mark.parametrize("n", SIZES)
def test_false_alarms(n: int) -> None:
    """S2: 5 % at most of one trial, 5.3 % of graded scores, whatever is discordant."""
    for margin in exact.MARGINS:
        assert exact.false_alarm(exact.tango(n, margin)) <= 0.05 + 1e-9
        graded = exact.pseudo_pairs(n, margin)
        assert exact.false_alarm(graded, most=0.5) <= 0.05
        assert exact.false_alarm(graded) <= 0.053


@pytest.mark.parametrize("n", SIZES)
def test_misses(n: int) -> None:
    """S3: worse by the margin and called the same: 7.2 % at most, of graded scores 7.9 %."""
    for margin in exact.MARGINS:
        assert exact.miss(exact.tango(n, margin)) <= 0.072
        assert exact.miss(exact.pseudo_pairs(n, margin)) <= 0.079


def test_what_other_methods_do() -> None:
    """The mutants: plain t misses 9 to 60 %; Tango alone and 1.5 pseudo-pairs leave the bounds."""
    plain = [exact.miss(exact.plain_t(n, 0.05)) for n in (10, 20, 30, 50, 100)]
    assert min(plain) >= 0.09
    assert max(plain) >= 0.59
    assert exact.false_alarm(exact.tango_alone(12, 0.05)) > 0.07
    assert exact.miss(exact.pseudo_pairs(106, 0.1, weight=1.5)) > 0.079
    assert exact.false_alarm(exact.pseudo_pairs(50, 0.1, step=0)) > 0.059
    assert exact.miss(exact.tango_alone(11, 0.05)) > 0.084


def test_any_of_twenty_metrics() -> None:
    """S7: nothing changed, twenty metrics: an alarm in 6 % at most; uncorrected in 55 %."""
    chance = np.random.default_rng(7)
    runs, n, margin = 2000, 100, 0.05
    evidence_of = functools.cache(of_counts)
    template = compare_pairs(counted(1, 2, n), margin=margin)
    alarms = uncorrected = 0
    for _ in range(runs):
        before, now = chance.random((2, 20, n)) < 0.8
        found = []
        for gains, losses in zip((now & ~before).sum(1), (before & ~now).sum(1), strict=True):
            evidence = evidence_of(int(gains), int(losses), n)
            status = status_of(evidence, n, margin)
            found.append(replace(template, status=status, p=evidence.p))
        uncorrected += any(one.status == "regressed" for one in found)
        alarms += any(one.status == "regressed" for one in holm_regressed(found))
    assert alarms / runs <= 0.06
    assert uncorrected / runs >= 0.55


@pytest.mark.parametrize("n", [50, 100])
def test_the_drop_that_is_printed_is_the_drop_that_is_seen(n: int) -> None:
    """S9: one trial, pass rate 0.9: regressed in 80 % at a drop within 15 % of what is printed."""
    rule = exact.tango(n, 0.05)
    chance = np.random.default_rng(9)
    printed = []
    for _ in range(40):
        before, now = chance.random((2, n)) < 0.9
        found = compare_pairs(counted(*discordant(before, now), n), margin=0.05)
        printed.append(found.detectable or 1.0)
    assert float(np.median(printed)) == pytest.approx(seen_at(rule, 0.9), rel=0.15)


def test_a_drop_that_brings_no_noise_of_its_own_is_printed_too_small() -> None:
    """The mutant of S9: the variance of an unchanged run, whatever the drop."""
    plan = Plan(
        n=100, difference=0.0, variance=0.18, margin=0.05, alpha=0.05, growth=0.0, weight=0.0
    )
    found = detectable_drop(plan)
    assert found is not None
    assert found < 0.85 * seen_at(exact.tango(100, 0.05), 0.9)


@pytest.mark.parametrize("n", range(2, 10))
def test_few_graded_cases_pass_the_sign_flip_test_too(n: int) -> None:
    """Wherever pseudo-pairs see a drop in fewer than ten cases, exact sign flips do as well."""
    for found in itertools.combinations_with_replacement([-1, -0.5, -0.25, 0, 0.5], n):
        p = of_differences(found).p
        if p <= 0.05:
            assert sign_flip(found, "less") <= p


def discordant(before: np.ndarray, now: np.ndarray) -> tuple[int, int]:
    return int((now & ~before).sum()), int((before & ~now).sum())


def seen_at(rule: exact.Rule, rate: float, power: float = 0.8) -> float:
    """The drop that is called regressed with that probability, by going through all outcomes."""
    return next(
        drop
        for drop in np.arange(0.01, rate, 0.001)
        if exact.regressed(rule, rate, rate - drop) >= power
    )


def test_the_drop_that_is_printed_of_several_trials() -> None:
    """S9 for five trials of a hundred cases, by simulation."""
    chance = np.random.default_rng(5)

    def means(rate: float) -> np.ndarray:
        return chance.binomial(5, rate, 100) / 5

    printed = []
    for _ in range(15):
        before = means(0.9)
        passes = chance.binomial(5, 0.9, 100)
        found = compare_pairs(
            [
                Pair(
                    case=str(place),
                    base=float(base),
                    candidate=(1.0,) * int(k) + (0.0,) * (5 - int(k)),
                    base_trials=5,
                )
                for place, (base, k) in enumerate(zip(before, passes, strict=True))
            ],
            margin=0.05,
        )
        printed.append(found.detectable or 1.0)

    def power(drop: float) -> float:
        hits = 0
        for _ in range(300):
            found = of_differences((means(0.9 - drop) - means(0.9)).tolist())
            hits += status_of(found, 100, 0.05) == "regressed"
        return hits / 300

    drop = float(np.median(printed))
    assert power(1.15 * drop) >= 0.8
    assert power(0.85 * drop) <= 0.8


def test_the_script_prints_every_bound() -> None:
    """`python -m benchmarks.statistics`, of two numbers of pairs: each bound is kept."""
    found = list(lines(range(10, 12)))
    assert len(found) == 17
    assert all(measured <= bound for _, measured, bound in found), found
