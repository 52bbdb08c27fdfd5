"""Several trials of one case."""

from __future__ import annotations

import itertools
import math
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ailoop.stats.clustered import clustered_mean
from pytest_ailoop.stats.flips import fisher_one_sided, flip_rate, trials_to_name_a_flip
from pytest_ailoop.stats.trials import (
    majority,
    mean_of_trials,
    pass_at_k,
    pass_hat_k,
    reduce_trials,
    reducer,
)

NAMES = ["mean", "majority", "at_least:2", "pass@2", "pass^2"]


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"), [(10, 3, 1, 0.3), (10, 3, 5, 0.9167), (200, 5, 10, 0.2283)]
)
def test_pass_at_k_gives_the_reference_values(n: int, c: int, k: int, expected: float) -> None:
    """Chen et al. 2021, by their estimator."""
    assert round(pass_at_k(n, c, k), 4) == expected


@pytest.mark.parametrize(("n", "c", "k", "expected"), [(10, 3, 2, 0.0667), (8, 6, 4, 0.2143)])
def test_pass_hat_k_gives_the_reference_values(n: int, c: int, k: int, expected: float) -> None:
    """τ-bench's estimator."""
    assert round(pass_hat_k(n, c, k), 4) == expected


#: Passes of 50 tasks in four trials each: τ-bench's airline tasks, gpt-4o (MIT, Sierra 2024).
AIRLINE = [0] * 14 + [1] * 12 + [2] * 10 + [3] * 4 + [4] * 10


def test_the_published_trials_of_an_agent() -> None:
    """pass^1 to pass^4 as published; the error by task is half as large again as by call."""
    every = [sum(pass_hat_k(4, c, k) for c in AIRLINE) / 50 for k in (1, 2, 3, 4)]
    one = [sum(pass_at_k(4, c, k) for c in AIRLINE) / 50 for k in (1, 2, 3, 4)]
    assert [round(value, 3) for value in every] == [0.42, 0.273, 0.22, 0.2]
    assert [round(value, 4) for value in one] == [0.42, 0.5667, 0.66, 0.72]
    found = clustered_mean([[1.0] * c + [0.0] * (4 - c) for c in AIRLINE])
    assert found is not None
    assert (round(found.mean, 2), round(found.standard_error or 0, 4)) == (0.42, 0.0522)
    assert round(found.iid_standard_error or 0, 4) == 0.035


@pytest.mark.parametrize("rate", [0.1, 0.37, 0.9])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_both_are_unbiased(rate: float, k: int) -> None:
    """Their mean over all outcomes of six trials is the truth; the plug-in's is not."""
    n = 6
    chances = [comb(n, c) * rate**c * (1 - rate) ** (n - c) for c in range(n + 1)]
    one = math.fsum(chance * pass_at_k(n, c, k) for c, chance in enumerate(chances))
    every = math.fsum(chance * pass_hat_k(n, c, k) for c, chance in enumerate(chances))
    plug_in = math.fsum(chance * (c / n) ** k for c, chance in enumerate(chances))
    assert one == pytest.approx(1 - (1 - rate) ** k)
    assert every == pytest.approx(rate**k)
    assert (k == 1) == (plug_in == pytest.approx(rate**k))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("mean", [1, 0, 0.5], 0.5),
        ("majority", [1, 1, 0], 1.0),
        ("majority", [1, 0], 0.0),
        ("at_least:2", [1, 0, 1, 0, 0], 1.0),
        ("at_least:2", [1, 0, 0], 0.0),
        ("pass@2", [1, 0, 0], 2 / 3),
        ("pass^2", [1, 1, 0], 1 / 3),
    ],
)
def test_reducers(name: str, values: list[float], expected: float) -> None:
    """A tie is no majority; each is found by its name."""
    found = reduce_trials(values, reducer(name))
    assert found is not None
    assert (found.value, found.unscored) == (pytest.approx(expected), 0)
    assert reducer(name).name == name


@given(st.sampled_from(NAMES), st.lists(st.sampled_from([0.0, 1.0, None]), min_size=2, max_size=6))
def test_trials_not_scored_never_decide(name: str, values: list[float | None]) -> None:
    """A case has a value only where every way to fill its gaps gives that value."""
    found = reduce_trials(values, reducer(name))
    assert found is not None
    gaps = values.count(None)
    scored = [one for one in values if one is not None]
    ways = {
        reducer(name).of([*scored, *filling])
        for filling in itertools.product([0.0, 1.0], repeat=gaps)
    }
    assert (min(ways), max(ways)) == (found.lowest, found.highest)
    assert found.value == (ways.pop() if len(ways) == 1 else None)
    assert (found.trials, found.unscored) == (len(values), gaps)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -0.5, 1.5])
def test_what_is_no_score_was_not_scored(odd: float) -> None:
    """NaN, infinity and values off the scale are counted, never averaged."""
    found = reduce_trials([1.0, odd, 1.0], mean_of_trials())
    assert found is not None
    assert (found.value, found.lowest, found.highest, found.unscored) == (None, 2 / 3, 1.0, 1)


def test_no_trials_have_no_value() -> None:
    """None, not 0."""
    assert reduce_trials([], majority()) is None


@pytest.mark.parametrize(
    "text", ["", "best", "pass@", "pass@0", "pass^-1", "at_least:x", "pass@1.5"]
)
def test_other_reducers_are_refused(text: str) -> None:
    """With those that there are."""
    with pytest.raises(ValueError, match=r"mean, majority, at_least:K, pass@K or pass\^K"):
        reducer(text)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pass_at_k(3, 1, 4), "k of pass@k and pass^k is n at most, got k=4, n=3"),
        (lambda: pass_hat_k(3, 4, 1), "passes c lie between 0 and n, got c=4, n=3"),
        (lambda: pass_at_k(3, 1, 0), "k is a whole number from 1 up, got 0"),
        (lambda: reduce_trials([0.5], majority()), "majority takes 0 (missed) and 1 (passed)"),
        (lambda: reduce_trials([1.0], reducer("at_least:2")), "takes 2 trials or more, got 1"),
        (lambda: flip_rate([0.5, 1]), "got 0.5 at place 0"),
        (lambda: fisher_one_sided(4, 3, 0, 3), "base_passed lies between 0 and 3, got 4"),
    ],
)
def test_impossible_trials_are_refused(call: object, message: str) -> None:
    """A graded score is no pass, and of too few trials pass@k is unknown."""
    with pytest.raises(ValueError) as caught:
        call()  # type: ignore[operator]
    assert message in str(caught.value)


@pytest.mark.parametrize(("k", "expected"), [(3, 0.05), (4, 0.0143), (5, 0.004), (6, 0.0011)])
def test_a_case_that_breaks(k: int, expected: float) -> None:
    """From all passed to none: Fisher's one-sided p."""
    assert round(fisher_one_sided(k, k, 0, k), 4) == expected


@given(st.integers(0, 8), st.integers(0, 8), st.integers(0, 8), st.integers(0, 8))
def test_fisher_is_scipys(a: int, b: int, c: int, d: int) -> None:
    """`fisher_exact(alternative="less")`; 1 where a side has no trial."""
    from scipy.stats import fisher_exact

    found = fisher_one_sided(a, a + b, c, c + d)
    if a + b and c + d:
        expected = fisher_exact([[c, d], [a, b]], alternative="less").pvalue
        assert found == pytest.approx(expected, rel=1e-9)
    else:
        assert found == 1.0


def test_trials_it_takes_to_name_a_case() -> None:
    """Three for one case, seven to name one of fifty."""
    assert (trials_to_name_a_flip(), trials_to_name_a_flip(50)) == (3, 7)


@given(st.lists(st.sampled_from([0.0, 1.0]), max_size=12))
def test_the_flip_rate_is_the_share_of_pairs_that_disagree(trials: list[float]) -> None:
    """Of all pairs of trials; of one trial it is unknown."""
    pairs = list(itertools.combinations(trials, 2))
    expected = sum(one != other for one, other in pairs) / len(pairs) if pairs else None
    assert flip_rate(trials) == (expected if expected is None else pytest.approx(expected))
