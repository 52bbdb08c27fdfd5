"""Scores in another unit than 0 to 1: how far they can go, stated or seen."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import comb

import pytest

from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.gate import GateSpec, GateVerdict, StopRule
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.data.score import Score
from pytest_ailoop.gates import specs
from pytest_ailoop.gates.decide import Context
from pytest_ailoop.gates.tables import configured
from pytest_ailoop.report.gates import headline
from tests.fakes.gated import item, verdict
from tests.fakes.stopping import group

STATED = "words, 2, 0 to 50"
CASES = StopRule(by="cases", seed=1)


def scored(values: Sequence[float], run: str = "before") -> list[ItemRecord]:
    passed = Score(name="passed", value=1.0, kind="outcome")
    return [
        item(f"c{at}", scores=(Score(name="words", value=one, check="w"), passed), output=run)
        for at, one in enumerate(values)
    ]


def against(before: Sequence[float], **more: object) -> Context:
    return Context(baseline=accepted_from(scored(before)).entries, **more)  # type: ignore[arg-type]


def found(before: Sequence[float], now: Sequence[float], gate: GateSpec) -> GateVerdict:
    return verdict(scored(now, "now"), gate, against(before))


def drawn(seed: int, n: int, drop: float) -> tuple[list[float], list[float]]:
    chance = random.Random(seed)
    before = [chance.choice((0.25, 0.5, 1.0)) for _ in range(n)]
    return before, [one * (chance.random() > drop) for one in before]


@pytest.mark.parametrize(
    ("drop", "status"), [(0.0, "same"), (0.5, "regressed"), (0.05, "inconclusive")]
)
def test_a_stated_range_decides_as_from_0_to_1(drop: float, status: str) -> None:
    """The unit of a score is none of the verdict's business: the same on every scale."""
    before, now = drawn(3, 60, drop)
    plain = found(before, [*now[:-1], now[-1] / 2], specs.no_regression(0.1, score="words"))
    gate = specs.no_regression(2, score="words", range=(5, 25))
    there = [5 + 20 * one for one in before]
    here = [5 + 20 * one for one in [*now[:-1], now[-1] / 2]]
    scaled = found(there, here, gate)
    assert [status, status] == [plain.status, scaled.status]
    assert plain.p == pytest.approx(scaled.p, abs=1e-6)
    assert plain.low == pytest.approx((scaled.low or 0) / 20, abs=1e-6)
    assert "scale_seen" not in scaled.facts


def test_a_scale_that_was_seen_is_told() -> None:
    """In the headline, with what it means and how to state it; not where 0 to 1 is enough."""
    gate = specs.no_regression(2, score="words")
    values = [float(at % 20) for at in range(60)]
    seen = found(values, [*values[1:], 37.0], gate)
    assert headline(seen).endswith("on a scale of 0 to 37 as seen")
    words = (
        "the scale, 0 to 37, is as far as the scores went: error rates hold only if none can lie "
    )
    assert seen.reasons[-1].startswith(words)
    assert seen.reasons[-1].endswith("no_regression(..., range=(low, high))")
    fine = found([0.5] * 60, [0.5] * 59 + [0.4], specs.no_regression(0.1, score="words"))
    assert "as seen" not in headline(fine)


def test_what_lies_beyond_a_stated_range_is_not_scored() -> None:
    """On either side, as any score that is none; of a baseline it is an error."""
    gate = specs.no_regression(2, score="words", range=(0, 50))
    values = [10.0] * 100
    beyond = found(values, [*values[1:], 51.0], gate)
    assert ("same", 1) == (beyond.status, beyond.facts["unscored"])
    assert "1 trial beyond the range, 0 to 50: not scored" == beyond.reasons[-1]
    assert "invalid" == found(values, [*values[3:], -1.0, 51.0, 60.0], gate).status
    old = found([51.0, *values[1:]], values, gate)
    assert "the baseline holds a score outside of 0 to 50" == old.reasons[0]


def test_a_margin_beyond_what_was_seen_is_invalid_unless_the_range_is_stated() -> None:
    """Scores from 0 to 1 alone say nothing on a margin of two."""
    values = [0.5] * 60
    now = [0.5] * 59 + [0.4]
    plain = found(values, now, specs.no_regression(2, score="words"))
    words = "the margin 2 is as long as the scale, 0 to 1"
    assert ("invalid", words) == (plain.status, plain.reasons[0])
    gate = specs.no_regression(2, score="words", range=(0, 10))
    assert "same" == found(values, now, gate).status


def test_the_configuration_states_ranges_too() -> None:
    """By score, beside margins without one."""
    tables = {"a": {"no_regression": {"polite": 0.1, "words": {"margin": 2, "range": [0, 50]}}}}
    assert ["a: no_regression(polite, 0.1)", f"a: no_regression({STATED})"] == [
        str(one) for one in configured(tables)
    ]


@pytest.mark.parametrize("drop", [0.0, 0.6])
def test_betting_goes_by_a_stated_range(drop: float) -> None:
    """A comparison in another unit is settled after as many cases as from 0 to 1."""
    before, now = drawn(5, 200, drop)

    def after(gate: GateSpec, scale: float) -> int:
        context = against([scale * one for one in before])
        records = scored([scale * one for one in now], "now")
        return group(records, gate, rule=CASES, context=context, of=200).seen

    plain = after(specs.no_regression(0.2, score="words"), 1.0)
    stated = after(specs.no_regression(10, score="words", range=(0, 50)), 50.0)
    assert plain == stated < 200
    assert 200 == after(specs.no_regression(10, score="words"), 50.0)


N, JUMP = 20, 60.0
SPREAD = [at / 10 for at in range(N)]


def share(status: str, rate: float, gate: GateSpec, common: float, jump: float) -> float:
    """Return how often *status* comes out where a case jumps with probability *rate*."""
    total = 0.0
    for count in range(6):
        likely = comb(N, count) * rate**count * (1 - rate) ** (N - count)
        now = [one + common + (jump if at < count else 0.0) for at, one in enumerate(SPREAD)]
        total += likely * (found(SPREAD, now, gate).status == status)
    return total


@pytest.mark.parametrize("rate", [0.01, 0.02])
def test_what_the_data_did_not_show_breaks_a_scale_that_was_seen(rate: float) -> None:
    """Rare losses of 60 where scores lie between 0 and 2 are called the same in two runs of three,
    rare gains that even out a common loss a regression; a stated range keeps both below 5 %."""
    margin = JUMP * rate
    seen = specs.no_regression(margin, score="words")
    stated = specs.no_regression(margin, score="words", range=(-100, 100))
    assert share("same", rate, seen, 0.0, -JUMP) == pytest.approx((1 - rate) ** N, abs=0.01)
    assert share("same", rate, stated, 0.0, -JUMP) <= 0.05
    small = -JUMP * rate / (1 - rate)
    seen = specs.no_regression(margin / 4, score="words")
    stated = specs.no_regression(margin / 4, score="words", range=(-100, 100))
    assert share("regressed", rate, seen, small, JUMP - small) >= 0.6
    assert share("regressed", rate, stated, small, JUMP - small) <= 0.05
