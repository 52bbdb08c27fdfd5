"""Many hypotheses at once."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from pytest_ailoop.stats.multiple import benjamini_hochberg, holm

#: Benjamini and Hochberg 1995, section 4.
PUBLISHED = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
PUBLISHED += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]


def test_the_published_example() -> None:
    """Holm rejects three of fifteen, Benjamini and Hochberg four."""
    found = benjamini_hochberg(PUBLISHED)
    assert sum(holm(PUBLISHED).rejected(0.05)) == 3
    assert sum(found.rejected(0.05)) == 4
    first = [round(one, 4) for one in found.values[:4] if one is not None]
    assert first == [0.0015, 0.003, 0.0095, 0.0356]


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_both_are_statsmodels(p_values: list[float]) -> None:
    """`multipletests`, in the order given."""
    for ours, method in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        expected = multipletests(p_values, method=method)[1]
        assert ours(p_values).values == pytest.approx(tuple(expected), abs=1e-12)


def test_what_has_no_p_still_counts() -> None:
    """It is left out by name, and the others pay for having been asked along with it."""
    for adjust in (holm, benjamini_hochberg):
        found = adjust([0.01, None, math.nan, 0.2])
        assert (found.excluded, found.m) == ((1, 2), 4)
        assert found.values[0] == pytest.approx(0.04)
        assert found.values[1:3] == (None, None)
        assert found.rejected(0.05) == (True, False, False, False)
    assert holm([]).values == ()


@pytest.mark.parametrize("p", [-0.1, 1.1, math.inf])
def test_what_is_no_p_is_refused(p: float) -> None:
    """With its place."""
    with pytest.raises(ValueError, match=r"between 0 and 1, got .* at place 1"):
        holm([0.5, p])
