"""The choice among cases: split, tags, ids, samples, and the words for it."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ailoop.data.case import Case
from pytest_ailoop.dataset.select import sample_size, select, unknown_case
from pytest_ailoop.errors import UsageError

CASES = [
    Case(id="a", tags=("refund",)),
    Case(id="b", tags=("refund", "slow")),
    Case(id="c"),
    Case(id="d", tags=("slow",), split="test"),
    Case(id="e", split="test"),
]


@pytest.mark.parametrize(
    ("options", "ids", "words"),
    [
        ({}, "abc", ""),
        ({"split": "test"}, "de", ""),
        ({"split": "all"}, "abcde", ""),
        ({"tags": ["refund"]}, "ab", "tag refund"),
        ({"tags": ["refund", "!slow"]}, "a", "tag refund, !slow"),
        ({"tags": ["!slow"]}, "ac", "tag !slow"),
        ({"tags": ["!slow"], "split": "all"}, "ace", "tag !slow"),
        ({"tags": ["!none"]}, "abc", ""),
        ({"tags": ["none"]}, "", "tag none"),
        ({"tags": ["refund", "slow"], "split": "all"}, "abd", "tag refund, slow"),
        ({"case_ids": ["c", "a"]}, "ac", "case c, a"),
        ({"case_ids": ["c", "z"], "unknown_ids": "skip"}, "c", "case c, z"),
        ({"case_ids": ["d"], "unknown_ids": "skip"}, "", "case d"),
        ({"case_ids": ["b", "c"], "tags": ["slow"]}, "b", "tag slow; case b, c"),
        ({"sample": "100%"}, "abc", ""),
        ({"sample": "3"}, "abc", ""),
        ({"sample": "9"}, "abc", ""),
        ({"sample": "2", "tags": ["none"]}, "", "tag none"),
    ],
)
def test_conditions(options: Any, ids: str, words: str) -> None:
    """All conditions hold together; words are said only where something was left out."""
    found = select(CASES, **options)
    assert (ids, words) == ("".join(case.id for case in found.cases), found.words)


def test_words_of_a_sample() -> None:
    """A sample says of how many it is one, and by which seed."""
    found = select(CASES, sample="1", tags=["refund"], seed=4)
    assert (1, "sample 1 of 2, seed 4; tag refund") == (len(found.cases), found.words)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"case_ids": ["refnd"]}, "no case has the id 'refnd'; did you mean 'refund'?"),
        ({"case_ids": ["zzz"]}, "no case has the id 'zzz'"),
        (
            {"case_ids": ["held"]},
            "case 'held' is of the split 'test', not 'dev'; --ailoop-split=test takes it in",
        ),
        *[
            (
                {"sample": sample},
                f"sample {sample!r}: expected a number from 1 (20), or a share (10%)",
            )
            for sample in ("", "0", "0%", "-1", "1.5", "101%", "x", "1e3", "10 %", "٣")
        ],
    ],
)
def test_bad_conditions(options: Any, problem: str) -> None:
    """An id that cannot be evaluated and a sample that is none are usage faults."""
    cases = [Case(id="refund"), Case(id="held", split="test")]
    with pytest.raises(UsageError) as caught:
        select(cases, **options)
    assert problem == str(caught.value)
    assert "no case has the id 'b'" == str(unknown_case("b", []))


@pytest.mark.parametrize(
    ("sample", "count", "size"),
    [
        ("20", 200, 20),
        ("20", 7, 7),
        ("10%", 200, 20),
        ("10%", 15, 2),
        ("10%", 14, 1),
        ("0.1%", 3, 1),
        ("12.5%", 1000, 125),
        ("100%", 3, 3),
        ("5", 0, 0),
        ("5%", 0, 0),
    ],
)
def test_sample_sizes(sample: str, count: int, size: int) -> None:
    """A share is rounded, and never to none of some."""
    assert size == sample_size(sample, count)


case_lists = st.lists(
    st.tuples(
        st.text(max_size=3),
        st.lists(st.sampled_from("xyz"), max_size=2, unique=True).map(sorted).map(tuple),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda pair: pair[0],
).map(lambda pairs: [Case(id=name, tags=tags) for name, tags in pairs])


@given(case_lists, st.integers(1, 45), st.integers(0, 3), st.randoms())
def test_samples(cases: list[Case], size: int, seed: int, rng: random.Random) -> None:
    """A sample has its exact size, is in the data set's order, does not depend on that order,
    and holds each set of tags in its share, to within one case."""
    found = select(cases, sample=str(size), seed=seed).cases
    assert min(size, len(cases)) == len(found)
    assert [case for case in cases if case in found] == list(found)
    shuffled = cases[:]
    rng.shuffle(shuffled)
    again = select(shuffled, sample=str(size), seed=seed).cases
    assert {case.id for case in found} == {case.id for case in again}
    drawn = Counter(case.tags for case in found)
    for tags, count in Counter(case.tags for case in cases).items():
        assert abs(drawn[tags] - len(found) * count / len(cases)) < 1


def test_samples_by_seed_are_different_and_fair() -> None:
    """Over 400 seeds, each of 10 cases is drawn about as often as any other."""
    cases = [Case(id=f"case-{at}") for at in range(10)]
    drawn = Counter(
        case.id for seed in range(400) for case in select(cases, sample="3", seed=seed).cases
    )
    # Binomial(400, 0.3): five standard deviations are 46.
    assert all(abs(drawn[case.id] - 120) < 46 for case in cases), drawn


def test_a_case_more_moves_few() -> None:
    """A case added to the data set replaces at most one of a sample: paid replies stay of use."""
    cases = [Case(id=f"case-{at}") for at in range(200)]
    before = {case.id for case in select(cases, sample="20").cases}
    after = {case.id for case in select([*cases, Case(id="new")], sample="20").cases}
    assert len(before - after) <= 1


def test_equal_remainders_do_not_follow_the_alphabet() -> None:
    """Where every case has tags of its own, seeds draw different ones, not always the first."""
    cases = [Case(id=f"c{at}", tags=(f"t{at}",)) for at in range(10)]
    drawn = {select(cases, sample="1", seed=seed).cases[0].id for seed in range(60)}
    assert len(drawn) >= 8
