"""McNemar, sign flips and bootstrap against published values, statsmodels and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from pytest_ailoop.stats.cross_checks import bootstrap, mcnemar, sign_flip

SMALL = st.integers(0, 40)


@pytest.mark.parametrize(
    ("b", "c", "exact", "mid_p"),
    [(1, 7, 0.0703, 0.0391), (6, 16, 0.0525, 0.0347), (209, 152, 0.0032, 0.0027), (0, 0, 1, 1)],
)
def test_mcnemar_gives_the_published_values(b: int, c: int, exact: float, mid_p: float) -> None:
    """Bentur's and Cavo's data as in Fagerland 2013 and 2014; four models on GSM8K."""
    found = mcnemar(b, c)
    assert (round(found.exact, 4), round(found.mid_p, 4)) == (exact, mid_p)


@given(SMALL, SMALL)
def test_mcnemar_is_statsmodels(b: int, c: int) -> None:
    """The exact p-value; both p-values are the same with the runs exchanged."""
    found = mcnemar(b, c)
    if b + c:
        table = statsmodels_mcnemar(np.array([[5, b], [c, 5]]), exact=True)
        assert found.exact == pytest.approx(table.pvalue, rel=1e-9)
    assert found == mcnemar(c, b)
    assert mcnemar(b, c, "less") == mcnemar(c, b, "greater")
    assert 0 < found.mid_p <= found.exact <= 1


def test_the_fewest_flips_that_tell() -> None:
    """All one way, one-sided at 5 %: five by the exact test, four or, rounded, five by mid-p."""
    assert mcnemar(0, 4, "less").exact > 0.05 >= mcnemar(0, 5, "less").exact
    assert mcnemar(0, 3, "less").mid_p > 0.05 >= mcnemar(0, 4, "less").mid_p


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=10), st.data())
def test_sign_flips_are_scipys(differences: list[int], data: st.DataObject) -> None:
    """`permutation_test` of paired samples, exact, each alternative."""
    alternative = data.draw(st.sampled_from(["two-sided", "less", "greater"]))
    found = sign_flip([float(one) for one in differences], alternative)
    if len(differences) < 2 or not any(differences):
        return
    expected = scipy_stats.permutation_test(
        (np.array(differences, dtype=float), np.zeros(len(differences))),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        alternative="two-sided" if alternative == "two-sided" else alternative,
        vectorized=True,
        n_resamples=np.inf,
    )
    assert found == pytest.approx(min(1.0, expected.pvalue), abs=1e-9)


def test_many_differences_are_drawn_by_a_seed() -> None:
    """More than 16: near the exact value, the same for the same seed, another for another."""
    differences = [0.3, -0.1, 0.2, 0.25, -0.2, 0.1] * 5 + [0.05] * 3
    found = sign_flip(differences, seed=1)
    assert found == sign_flip(differences, seed=1)
    assert found != sign_flip(differences, seed=2)
    z = math.fsum(differences) / math.sqrt(math.fsum(one**2 for one in differences))
    assert found == pytest.approx(2 * scipy_stats.norm.sf(z), abs=0.01)
    assert sign_flip([-1.0] * 40, "less") == pytest.approx(1 / 10_001)
    assert sign_flip([0.0] * 40) == 1.0


def test_ties_change_nothing_in_sign_flips() -> None:
    """A case that did not move says nothing about which way the others went."""
    assert sign_flip([-1.0] * 5 + [0.0] * 30, "less") == sign_flip([-1.0] * 5, "less") == 1 / 32


def test_the_bootstrap_draws_whole_cases() -> None:
    """Ten equal trials a case: as wide as of the cases alone, not a third of it."""
    chance = np.random.default_rng(3)
    cases = chance.random(60).tolist()
    once = bootstrap([[case] for case in cases], seed=5)
    often = bootstrap([[case] * 10 for case in cases], seed=5)
    assert once is not None
    assert often is not None
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    half = 1.96 * float(np.std(cases)) / math.sqrt(60)
    assert once.high - once.low == pytest.approx(2 * half, rel=0.1)
    assert bootstrap([[case] for case in cases], seed=6) != once


@pytest.mark.parametrize("groups", [[], [[1.0]], [[1.0], [1.0]], [[0.0, 1.0], [0.5]]])
def test_equal_cases_have_no_bootstrap(groups: list[list[float]]) -> None:
    """Drawing equals gives equals: unknown, not certain."""
    assert bootstrap(groups) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mcnemar(-1, 2), "b is a whole number from 0 up, got -1"),
        (lambda: mcnemar(1, 2.5), "c is a whole number from 0 up, got 2.5"),
        (lambda: sign_flip([math.nan]), "finite numbers, got nan"),
        (lambda: sign_flip([1.0], draws=0), "draws is a whole number from 1 up, got 0"),
        (lambda: bootstrap([[], [1.0]]), "got an empty one"),
        (lambda: bootstrap([[1.0], [math.inf]]), "finite numbers, got inf"),
    ],
)
def test_what_is_no_difference_is_refused(call: object, message: str) -> None:
    """With what was got and what is allowed."""
    with pytest.raises(ValueError) as caught:
        call()  # type: ignore[operator]
    assert message in str(caught.value)
