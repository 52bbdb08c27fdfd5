"""What no verdict may depend on, and what it always is."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ailoop.data.verdict import ComparisonVerdict, Pair
from pytest_ailoop.gates.verdicts import compare_pairs, decide_mean, decide_rate
from pytest_ailoop.stats.clustered import standard_error
from pytest_ailoop.stats.cross_checks import bootstrap
from pytest_ailoop.stats.intervals import clopper_pearson, wilson
from pytest_ailoop.stats.paired import pseudo_pairs, tango
from pytest_ailoop.stats.sequential import not_worse

PASSES = st.sampled_from([0.0, 1.0])
SCORES = st.integers(0, 20).map(lambda found: found / 20)


@st.composite
def runs(draw: st.DrawFn, least: int = 0) -> list[Pair]:
    """Two runs over the same cases: passes or grades, one trial or several, some not scored."""
    values = draw(st.sampled_from([PASSES, SCORES]))
    trials = draw(st.sampled_from([1, 1, 3]))
    gaps = draw(st.sampled_from([values, values, st.one_of(values, st.none())]))
    found = draw(
        st.lists(
            st.tuples(values, st.lists(gaps, min_size=trials, max_size=trials)),
            min_size=least,
            max_size=60,
        )
    )
    return [
        Pair(case=f"case-{place}", base=base, candidate=tuple(each), base_trials=trials)
        for place, (base, each) in enumerate(found)
    ]


def shown(found: ComparisonVerdict) -> tuple[object, ...]:
    """The verdict and its figures, rounded beyond what the order of sums can change."""
    figures = (found.difference, found.low, found.high, found.p, found.detectable)
    rounded = [None if one is None else round(one, 7) + 0.0 for one in figures]
    return found.status, found.n, found.unscored, *rounded


@given(runs(), st.randoms(use_true_random=False), st.sampled_from([0.02, 0.05, 0.2]))
def test_neither_order_nor_names_matter(
    found: list[Pair], chance: random.Random, margin: float
) -> None:
    """S12: shuffled and relabelled, the verdict and every figure stay."""
    shuffled = [replace(one, case=f"renamed {one.case}") for one in found]
    chance.shuffle(shuffled)
    assert shown(compare_pairs(found, margin=margin)) == shown(
        compare_pairs(shuffled, margin=margin)
    )


@given(runs(), st.sampled_from([0.02, 0.05, 0.2]))
def test_a_score_and_its_mirror_image_agree(found: list[Pair], margin: float) -> None:
    """S12: misses where lower is better, and passes where higher is, are one question."""
    mirrored = [
        replace(
            one,
            base=1 - one.base,
            candidate=tuple(None if value is None else 1 - value for value in one.candidate),
        )
        for one in found
    ]
    assert shown(compare_pairs(found, margin=margin)) == shown(
        compare_pairs(mirrored, margin=margin, direction="lower")
    )


@given(runs(), st.integers(1, 9))
def test_the_unit_does_not_matter(found: list[Pair], scale: int) -> None:
    """S12: scores from 3 to 3 + s, a margin of s times as much: the same verdict."""
    stretched = [
        replace(
            one,
            base=3 + scale * one.base,
            candidate=tuple(
                None if value is None else 3 + scale * value for value in one.candidate
            ),
        )
        for one in found
    ]
    plain = compare_pairs(found, margin=0.05)
    other = compare_pairs(stretched, margin=0.05 * scale, low=3, high=3 + scale)
    assert (plain.status, plain.n) == (other.status, other.n)
    if plain.low is not None:
        assert other.low == pytest.approx(scale * plain.low, abs=1e-7)


@given(runs(least=1))
def test_a_shift_of_both_runs_changes_nothing(found: list[Pair]) -> None:
    """S12: the same amount on both sides leaves the differences."""
    shifted = [
        replace(
            one,
            base=1 + one.base,
            candidate=tuple(None if value is None else 1 + value for value in one.candidate),
            base_trials=3,
        )
        for one in found
    ]
    plain = [replace(one, base_trials=3) for one in found]
    before, after = (compare_pairs(each, margin=0.1, high=2) for each in (plain, shifted))
    # Not the detectable drop: whether trials pass or miss is seen by the ends of the scale.
    before, after = (replace(one, detectable=None) for one in (before, after))
    assert shown(before) == pytest.approx(shown(after), abs=1e-6)


@given(runs(), st.sampled_from([0.0, 0.02, 0.05, 0.2]))
def test_a_verdict_is_one_and_says_why(found: list[Pair], margin: float) -> None:
    """Exhaustive and exclusive, consistent with its own bounds; one case never decides."""
    verdict = compare_pairs(found, margin=margin)
    assert verdict.reasons
    if not found:
        assert verdict.status == "invalid"
    if verdict.n == 1:
        assert verdict.status in ("inconclusive", "invalid")
    if verdict.low is None or verdict.high is None:
        assert verdict.status in ("invalid", "unchanged")
        return
    assert verdict.low < verdict.high
    expected = {
        "improved": verdict.low > 0,
        "same": -margin <= verdict.low <= 0,
        "regressed": verdict.high < 0 and verdict.low < -margin,
    }
    assert expected.get(verdict.status, True)


@settings(max_examples=60)
@given(runs(least=2), st.data())
def test_a_further_pass_never_lowers_a_verdict(found: list[Pair], data: st.DataObject) -> None:
    """From regressed over inconclusive to same and improved, never back."""
    order = ["regressed", "inconclusive", "same", "improved"]
    scored = [replace(one, candidate=tuple(v or 0.0 for v in one.candidate)) for one in found]
    place = data.draw(st.integers(0, len(scored) - 1))
    better = list(scored)
    better[place] = replace(scored[place], candidate=(1.0,) * len(scored[place].candidate))
    before = compare_pairs(scored, margin=0.05).status
    after = compare_pairs(better, margin=0.05).status
    assert order.index(after) >= order.index(before)


def test_no_interval_is_without_width() -> None:
    """S4: 10,000 random inputs, equal ones among them; one case never decides, none is invalid."""
    chance = random.Random(4)
    for _ in range(1_700):
        n = chance.choice([1, 1, 2, 3, 5, 20, 100])
        b = chance.choice([0, 0, n, chance.randint(0, n)])
        c = chance.choice([0, n - b, chance.randint(0, n - b)])
        found = [
            tango(b, c, n),
            pseudo_pairs([chance.choice([0.0, 0.0, -1.0, chance.uniform(-1, 1)])] * n),
            wilson(b, n),
            clopper_pearson(b, n),
        ]
        assert all(one is not None for one in found)
        bounds = [getattr(one, "interval", one) for one in found]
        assert all(one.low < one.high for one in bounds)  # type: ignore[union-attr]
        for verdict in (decide_rate(b, n, chance.random()), decide_mean([b / n] * n, 0.5)):
            assert verdict.low is not None
            assert verdict.high is not None
            assert verdict.low < verdict.high
            assert n > 1 or verdict.status == "inconclusive"


def test_what_other_tools_print_has_no_width() -> None:
    """The mutant of S4: mean and 1.96 standard errors of twenty passes; a bootstrap of ties."""
    error = standard_error([1.0] * 20)
    assert error == 0.0
    assert 1.0 - 1.96 * error == 1.0 + 1.96 * error
    assert bootstrap([[0.0]] * 20) is None


def test_evidence_case_by_case_depends_on_the_order() -> None:
    """The mutant of S12: the e-process at its highest; so cases are drawn at random for it."""
    found = []
    for order in ([-1.0] * 7 + [1.0] * 7, [1.0] * 7 + [-1.0] * 7):
        process = not_worse()
        for one in order:
            process = process.after(one)
        found.append(process.rejects())
    assert found == [True, False]
