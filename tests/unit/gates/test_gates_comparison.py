"""Two runs over the same cases: which verdict, and what it says."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pytest_ailoop.data.record import plain
from pytest_ailoop.data.verdict import Pair
from pytest_ailoop.gates.verdicts import compare_pairs, holm_regressed
from pytest_ailoop.stats.clustered import standard_error
from pytest_ailoop.stats.cross_checks import mcnemar
from tests.unit.gates.pairs import counted, pairs


@pytest.mark.parametrize(
    ("gains", "losses", "n", "margin", "status"),
    [
        (0, 0, 52, 0.05, "same"),
        (0, 0, 51, 0.05, "inconclusive"),
        (12, 2, 60, 0.05, "improved"),
        (2, 12, 60, 0.05, "regressed"),
        (2, 6, 60, 0.05, "inconclusive"),
        (20, 45, 1000, 0.05, "same"),
        (0, 5, 5, 0.05, "regressed"),
        (0, 4, 5, 0.05, "inconclusive"),
        (1, 0, 1, 0.05, "inconclusive"),
        (0, 1, 1, 0.05, "inconclusive"),
        (0, 0, 1, 0.99, "inconclusive"),
    ],
)
def test_verdicts_of_passes(gains: int, losses: int, n: int, margin: float, status: str) -> None:
    """The first that holds: better, not worse by the margin, worse, too little data."""
    found = compare_pairs(counted(gains, losses, n), margin=margin)
    assert (found.status, found.gains, found.losses, found.n) == (status, gains, losses, n)
    assert found.method == "Tango score interval"
    assert found.difference == pytest.approx((gains - losses) / n)


def test_shown_to_be_worse_and_yet_within_the_margin() -> None:
    """*same*, and said to be slightly worse."""
    found = compare_pairs(counted(20, 45, 1000), margin=0.05)
    assert found.slightly_worse
    assert (
        found.reasons[1] == "not worse than the baseline by more than 0.05, though slightly worse"
    )


def test_two_published_models() -> None:
    """GSM8K, 6B with a verifier against 175B fine-tuned: 209 lost, 152 won of 1,319."""
    found = compare_pairs(counted(152, 209, 1319), margin=0.05)
    assert (found.status, round(found.difference or 0, 4)) == ("regressed", -0.0432)
    assert round(mcnemar(152, 209).exact, 5) == 0.00315
    differences = [1.0] * 152 + [-1.0] * 209 + [0.0] * (1319 - 152 - 209)
    assert round(standard_error(differences) or 0, 5) == 0.01436
    half = 1.645 * 0.01436
    assert (found.low, found.high) == pytest.approx((-0.0432 - half, -0.0432 + half), abs=2e-4)


def test_several_trials_go_by_the_means_of_cases() -> None:
    """Fifty cases of three trials: one value each."""
    found = compare_pairs(
        [
            Pair(case=str(place), base=2 / 3, candidate=(1.0, 0.0, float(place % 2)), base_trials=3)
            for place in range(50)
        ],
        margin=0.05,
    )
    assert (found.method, found.n) == ("pseudo-pair t", 50)
    assert (found.gains, found.losses) == (0, 25)
    assert found.candidate == pytest.approx(0.5)
    assert found.status == "regressed"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"fault": "the baseline cannot be read"}, "the baseline cannot be read"),
        ({"changed": ("judge polite",)}, "otherwise than the baseline: judge polite changed"),
        ({"baseline_cases": 23}, "20 of the baseline's 23 cases were measured, 90% are needed"),
    ],
)
def test_what_cannot_be_compared_is_invalid(options: dict[str, object], reason: str) -> None:
    """An error, never a pass, whatever the scores are."""
    found = compare_pairs(counted(0, 0, 20), margin=0.5, **options)  # type: ignore[arg-type]
    assert found.status == "invalid"
    assert reason in found.reasons[0]
    assert found.p is None
    assert found.low is None


def test_nothing_in_common_is_invalid() -> None:
    """No pair, or no pair with a score."""
    assert compare_pairs([], margin=0.05).status == "invalid"
    assert compare_pairs(pairs([(1.0, None)]), margin=0.05).status == "invalid"
    assert compare_pairs(pairs([(7.0, 1.0)] * 9), margin=0.05).status == "invalid"


def test_nine_tenths_of_the_baseline_are_enough() -> None:
    """90 % and not less."""
    assert compare_pairs(counted(0, 0, 90), margin=0.05, baseline_cases=100).status == "same"
    assert compare_pairs(counted(0, 0, 89), margin=0.05, baseline_cases=100).status == "invalid"


@pytest.mark.parametrize("odd", [None, math.nan, math.inf, -0.1, 1.1])
def test_trials_not_scored(odd: float | None) -> None:
    """The worst score in their place must not change the verdict; above 2 % there is none."""
    ties = [(1.0, 1.0)]
    few = compare_pairs(pairs([*ties * 199, (1.0, odd)]), margin=0.05)
    close = compare_pairs(pairs([*ties * 53, (1.0, odd)]), margin=0.05)
    many = compare_pairs(pairs([*ties * 97, *[(1.0, odd)] * 3]), margin=0.05)
    assert (few.status, few.unscored, few.n) == ("same", 1, 199)
    assert close.status == "inconclusive"
    assert "same without them, inconclusive if they are the worst" in close.reasons[1]
    assert (many.status, many.unscored) == ("invalid", 3)


def test_the_same_outputs_are_unchanged() -> None:
    """Nothing was sampled anew: no statistics, however few cases; not so if a score moved."""
    same = [replace(one, same_output=True) for one in counted(0, 0, 3)]
    found = compare_pairs(same, margin=0.05)
    assert (found.status, found.difference, found.p) == ("unchanged", 0.0, None)
    other = [replace(one, same_output=True) for one in counted(0, 1, 3)]
    assert compare_pairs(other, margin=0.05).status == "inconclusive"
    one_differs = [*same[:2], replace(same[2], same_output=False)]
    assert compare_pairs(one_differs, margin=0.05).status == "inconclusive"


def test_an_open_verdict_says_what_would_settle_it() -> None:
    """The smallest drop it could have seen, and how many cases it takes."""
    found = compare_pairs(counted(0, 0, 20), margin=0.05)
    assert found.needed_cases == 52
    assert found.reasons == (
        "difference +0 [-0.119, +0.119] over 20 cases: 0 better, 0 worse",
        "too little data: a loss of 0.05 is neither shown nor ruled out",
        "a run like this sees drops of 0.28 or more",
        "about 52 cases would settle it",
    )
    assert plain(found)["needed_cases"] == 52


def test_trials_that_waver_can_be_repeated() -> None:
    """Where the noise lies within cases, more trials of the same cases settle it."""
    wavering = [
        Pair(case=str(place), base=0.5, candidate=(float(place % 2), 1.0, 0.0), base_trials=3)
        for place in range(60)
    ]
    found = compare_pairs(wavering, margin=0.1)
    assert found.status == "same"
    tight = compare_pairs(wavering, margin=0.01)
    assert tight.status == "inconclusive"
    assert tight.needed_cases is not None
    assert tight.needed_cases > 60
    several = compare_pairs(wavering[:40], margin=0.05)
    assert several.needed_trials is None or several.needed_trials > 3


def test_a_drop_must_stand_among_all_metrics() -> None:
    """Holm: p = 0.03 alone is enough, among three metrics it is not."""
    dropped = compare_pairs(counted(2, 9, 60), margin=0.05, metric="polite")
    quiet = compare_pairs(counted(3, 3, 60), margin=0.05, metric="short")
    blind = compare_pairs([], margin=0.05, metric="kind")
    assert dropped.status == "regressed"
    alone = holm_regressed([dropped])
    assert (alone[0].status, alone[0].adjusted_p) == ("regressed", dropped.p)
    found = holm_regressed([quiet, dropped, blind])
    assert found[1].adjusted_p == pytest.approx(3 * (dropped.p or 0))
    assert found[1].status == "inconclusive"
    assert "does not stand among 3 metrics" in found[1].reasons[1]
    assert (found[0].status, found[2].status) == (quiet.status, "invalid")
    assert found[2].adjusted_p is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": -0.1}, "a margin lies between 0 and the length of the scale, 1.0, got -0.1"),
        ({"margin": 1.0}, "got 1.0"),
        ({"margin": math.nan}, "got nan"),
        ({"margin": 0.1, "low": 1.0, "high": 0.0}, "low lies below high"),
        ({"margin": 0.1, "alpha": 0.0}, "alpha lies between 0 and 0.5, got 0.0"),
    ],
)
def test_impossible_questions_are_refused(options: dict[str, float], message: str) -> None:
    """With what was got and what is allowed."""
    with pytest.raises(ValueError) as caught:
        compare_pairs(counted(0, 0, 5), **options)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_a_case_given_twice_is_refused() -> None:
    """It would count double."""
    one = counted(0, 0, 1) * 2
    with pytest.raises(ValueError, match="each case is compared once, got 'case-0' 2 times"):
        compare_pairs(one, margin=0.05)
