"""The formulas, against published tables and against what scikit-learn and numpy give."""

from __future__ import annotations

import math
import random
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_ailoop.stats import ClassFigures, Figures, classification, mean, percentile, wilson

FINITE = st.floats(allow_nan=False, allow_infinity=False)
LABELS = st.sampled_from(["a", "b", "c", "d"])
PAIRS = st.lists(st.tuples(LABELS, LABELS | st.none()), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
        (1, 1, 0.2065, 1.0),
        (5, 5, 0.5655, 1.0),
        (29, 30, 0.8333, 0.9941),
    ],
)
def test_wilson_agrees_with_newcombes_table(k: int, n: int, low: float, high: float) -> None:
    """The first four rows are Newcombe's of 1998, method 3, to the digits he prints."""
    found = wilson(k, n)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_wilson_at_another_confidence() -> None:
    """50 of 100 at 99 %, z = 2.5758, worked out by hand."""
    found = wilson(50, 100, confidence=0.99)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.37528, 0.62472), abs=5e-6)


def test_wilson_of_nothing_is_unknown() -> None:
    """No case gives no interval, not the one from 0 to 1."""
    assert wilson(0, 0) is None


@pytest.mark.parametrize(
    ("k", "n", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (1, -1, 0.95), (1, 5, 0), (1, 5, 1.0)]
)
def test_wilson_refuses_what_is_no_rate(k: int, n: int, confidence: float) -> None:
    """Impossible counts and confidences are a fault of the caller."""
    with pytest.raises(ValueError, match="lies between"):
        wilson(k, n, confidence)


@given(st.integers(1, 10**6), st.data(), st.floats(0.01, 0.999))
def test_wilson_holds_the_rate_and_mirrors(n: int, data: st.DataObject, confidence: float) -> None:
    """Within 0 and 1, around k/n, never without width, and the mirror image for n - k."""
    k = data.draw(st.integers(0, n))
    found, mirrored = wilson(k, n, confidence), wilson(n - k, n, confidence)
    assert found is not None
    assert mirrored is not None
    assert 0 <= found.low <= k / n <= found.high <= 1
    assert found.low < found.high
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=1e-9)


@given(st.integers(1, 10**5), st.data())
def test_one_more_pass_never_lowers_the_interval(n: int, data: st.DataObject) -> None:
    """Both bounds grow with k."""
    k = data.draw(st.integers(0, n - 1))
    less, more = wilson(k, n), wilson(k + 1, n)
    assert less is not None
    assert more is not None
    assert less.low < more.low
    assert less.high < more.high


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], None), ([2.0], 2.0), ([0, 1, 1, 0], 0.5), ([0.1] * 10, 0.1), ([1e308, 1e308], 1e308)],
)
def test_mean(values: list[float], expected: float | None) -> None:
    """Of nothing it is unknown; it is rounded once and does not overflow."""
    assert mean(values) == expected


@given(st.lists(FINITE, min_size=1), st.randoms(use_true_random=False))
@example([0.0] * 8 + [9.550244778956051e307] * 2 + [-1.7976931348598373e308], random.Random(0))
def test_the_order_of_values_does_not_matter(values: list[float], chance: random.Random) -> None:
    """Any number of workers gives the same bytes."""
    shuffled = list(values)
    chance.shuffle(shuffled)
    assert mean(values) == mean(shuffled)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-1.7e308, 1.7e308], {0: -1.7e308, 50: 0.0, 100: 1.7e308}),
        ([3.0], {0: 3.0, 50: 3.0, 100: 3.0}),
        ([2, 1], {0: 1.0, 5: 1.05, 25: 1.25, 50: 1.5, 90: 1.9, 100: 2.0}),
        ([15, 20, 35, 40, 50], {5: 16.0, 25: 20.0, 40: 29.0, 50: 35.0, 95: 48.0, 99: 49.6}),
        (
            [0.1, 0.4, 0.4, 7.5, -2.0, 3.25, 1.0],
            {5: -1.37, 25: 0.25, 40: 0.4, 90: 4.95, 95: 6.225, 99: 7.245},
        ),
    ],
)
def test_percentiles_are_numpys(values: list[float], expected: dict[int, float]) -> None:
    """Figures of `numpy.percentile(values, q)`, numpy 2."""
    assert {q: percentile(values, q) for q in expected} == pytest.approx(expected)


def test_the_percentile_of_nothing_is_unknown() -> None:
    """None, not 0; a share of 1 in place of 100 is refused only where it cannot be one."""
    assert percentile([], 50) is None
    for q in (-1, 101, math.nan):
        with pytest.raises(ValueError, match="between 0 and 100"):
            percentile([1.0], q)


@given(st.lists(FINITE, min_size=1), st.floats(0, 100), st.floats(0, 100))
def test_percentiles_stay_among_the_values_and_in_order(
    values: list[float], p: float, q: float
) -> None:
    """From the smallest to the largest value, and never falling."""
    low, high = (percentile(values, one) for one in sorted((p, q)))
    assert low is not None
    assert high is not None
    assert min(values) <= low <= high <= max(values)
    assert (percentile(values, 0), percentile(values, 100)) == (min(values), max(values))


NAMES = {"r": "refund", "d": "order", "o": "other", "a": "angry", "-": None}
EXPECTED = "drdorrordororrrddrrrodrorroooroodrrrorddrorodoorrooordrooror"
FOUND = "aaaorrdrdororrrdarorodrorroaorrodrrdarrdrorodoadrorordroorrr"
GAPS = "aaaorrdrdor-r-rdar-rodror-oaor-odrrdarrdroro-oadrorordroorrr"


def pairs(expected: str, found: str) -> list[tuple[str, str | None]]:
    return [(str(NAMES[one]), NAMES[other]) for one, other in zip(expected, found, strict=True)]


@pytest.mark.parametrize(
    ("found", "accuracy", "per_class", "macro", "weighted"),
    [
        (
            FOUND,
            0.75,
            {
                "angry": (0.0, 0.0, 0.0, 0),
                "order": (0.7, 0.636363636364, 0.666666666667, 11),
                "other": (0.9375, 0.681818181818, 0.789473684211, 22),
                "refund": (0.851851851852, 0.851851851852, 0.851851851852, 27),
            },
            (0.622337962963, 0.542508417508, 0.576998050682),
            (0.855416666667, 0.75, 0.795029239766),
        ),
        (
            GAPS,
            0.683333333333,
            {
                "angry": (0.0, 0.0, 0.0, 0),
                "order": (0.666666666667, 0.545454545455, 0.6, 11),
                "other": (1.0, 0.636363636364, 0.777777777778, 22),
                "refund": (0.875, 0.777777777778, 0.823529411765, 27),
            },
            (0.635416666667, 0.489898989899, 0.550326797386),
            (0.882638888889, 0.683333333333, 0.765773420479),
        ),
    ],
    ids=["all scored", "some not scored"],
)
def test_figures_are_scikit_learns(
    found: str,
    accuracy: float,
    per_class: dict[str, tuple[float, float, float, int]],
    macro: tuple[float, float, float],
    weighted: tuple[float, float, float],
) -> None:
    """`precision_recall_fscore_support(labels=..., zero_division=0)`, scikit-learn 1.7.2.

    There, what was not scored is a label of its own that is left out of `labels`.
    """
    result = classification(pairs(EXPECTED, found))
    assert result is not None
    assert result.accuracy == pytest.approx(accuracy)
    assert result.labels == tuple(per_class)
    for label, (precision, recall, f1, support) in per_class.items():
        figures = result.per_class[label]
        assert (figures.precision, figures.recall, figures.f1) == pytest.approx(
            (precision, recall, f1)
        )
        assert figures.support == support
    for average, expected in ((result.macro, macro), (result.weighted, weighted)):
        assert (average.precision, average.recall, average.f1) == pytest.approx(expected)


def test_what_was_not_scored_stands_in_its_own_column() -> None:
    """Rows are what was expected, columns what was found; nothing gets lost."""
    result = classification(pairs(EXPECTED, GAPS))
    assert result is not None
    assert result.matrix == ((0, 0, 0, 0), (3, 6, 0, 1), (3, 1, 14, 2), (1, 2, 0, 21))
    assert result.unscored == (0, 1, 2, 3)
    assert result.size == 60


@pytest.mark.parametrize(
    ("matrix", "accuracy", "macro", "f1"),
    [
        (
            [[18, 42, 45], [19, 332, 71], [26, 86, 360]],
            0.7107,
            (0.5879, 0.5736, 0.5755),
            (0.2143, 0.7528, 0.7595),
        ),
        (
            [[32, 35, 38], [40, 298, 84], [35, 100, 337]],
            0.6677,
            (0.5738, 0.5750, 0.5743),
            (0.3019, 0.6971, 0.7240),
        ),
    ],
    ids=["gpt-3.5-turbo", "PandaLM-7B"],
)
def test_the_published_figures_of_two_judges_come_out(
    matrix: list[list[int]],
    accuracy: float,
    macro: tuple[float, float, float],
    f1: tuple[float, float, float],
) -> None:
    """Judges against the majority of three people on PandaLM's 999 test pairs, as published."""
    result = classification(
        (str(row), str(column))
        for row, counts in enumerate(matrix)
        for column, count in enumerate(counts)
        for _ in range(count)
    )
    assert result is not None
    assert [list(row) for row in result.matrix] == matrix
    assert round(result.accuracy, 4) == accuracy
    figures = (result.macro.precision, result.macro.recall, result.macro.f1)
    assert tuple(round(one, 4) for one in figures) == macro
    assert tuple(round(one.f1, 4) for one in result.per_class.values()) == f1


def test_nothing_to_classify_has_no_figures() -> None:
    """None, not an accuracy of 0."""
    assert classification([]) is None


def test_nothing_scored_at_all_is_counted() -> None:
    """Every figure is 0, and the column of what was not scored says why."""
    result = classification([("a", None), ("b", None), ("b", None)])
    assert result is not None
    assert (result.accuracy, result.unscored, result.size) == (0.0, (1, 2), 3)
    assert result.per_class["b"] == ClassFigures(0.0, 0.0, 0.0, 2)
    assert result.macro == Figures(0.0, 0.0, 0.0)


@given(PAIRS)
def test_classification_holds_together(found: list[tuple[str, str | None]]) -> None:
    """Counts add up; weighted recall is accuracy; F1 lies between precision and recall."""
    result = classification(found)
    assert result is not None
    assert result.size == len(found)
    assert result.weighted.recall == pytest.approx(result.accuracy)
    for label, figures in result.per_class.items():
        row = result.labels.index(label)
        assert figures.support == sum(result.matrix[row]) + result.unscored[row]
        low, high = sorted((figures.precision, figures.recall))
        assert low - 1e-12 <= figures.f1 <= high + 1e-12


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_pairs_does_not_matter(
    found: list[tuple[str, str | None]], chance: random.Random
) -> None:
    """Any order of finishing gives the same figures, to the last bit."""
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert classification(found) == classification(shuffled)


@given(st.lists(LABELS, min_size=1))
def test_right_answers_are_all_right(expected: list[str]) -> None:
    """Every figure is 1 where found equals expected."""
    result = classification((label, label) for label in expected)
    assert result is not None
    assert (result.accuracy, result.macro, result.weighted) == (
        1.0,
        Figures(1.0, 1.0, 1.0),
        Figures(1.0, 1.0, 1.0),
    )


@pytest.mark.parametrize(
    ("module", "most"), [("pytest_ailoop.stats", 16), ("pytest_ailoop.gates.verdicts", 36)]
)
def test_importing_the_formulas_is_cheap(module: str, most: int) -> None:
    """Neither `statistics` (3 ms) nor a number cruncher is loaded before it is needed.

    Modules are counted, not milliseconds: each is a file of ours or of the standard library.
    """
    code = (
        "import sys, re, dataclasses, collections.abc; before = set(sys.modules); "
        f"import {module}; print(*set(sys.modules) - before)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(out.stdout.split())
    assert module in loaded
    heavy = {"statistics", "numpy", "decimal", "fractions", "random", "asyncio", "pydantic"}
    assert not loaded & heavy
    assert len(loaded) <= most, loaded
