"""The text of a baseline file: written and read back, and every damage named with its line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ailoop.baseline.file import baseline_path, dump, parse, read
from pytest_ailoop.data.baseline import Accepted, AcceptedScore, EntryKey
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.errors import BaselineError

MODULE = "evals/test_support.py"


def entry(
    case: str = "refund-01", *, test: str = "test_answers", mean: float = 1.0, **changes: object
) -> Accepted:
    values = {
        "key": EntryKey(module=MODULE, test=test, variant=Variant(model="mini"), case=case),
        "scores": {"passed": AcceptedScore(mean=mean, n=3, met=2, check="c1")},
        "trials": 3,
        "case_digest": "d1",
        "output_digests": ("o1", "o2"),
        "prompt_digest": "p1",
        "models_answered": ("mini-2026",),
        "dataset_digest": "s1",
    }
    return Accepted(**{**values, **changes})  # type: ignore[arg-type]


texts = st.text(st.characters(), max_size=8)
json_values = st.one_of(st.booleans(), st.integers(-9, 9), texts, st.lists(texts, max_size=2))
variants = st.builds(
    lambda model, prompt, params: Variant(
        model=model, prompt=prompt, params=tuple(sorted(params.items()))
    ),
    st.none() | texts,
    st.none() | texts,
    st.dictionaries(texts, json_values, max_size=2),
)
scores = st.builds(
    AcceptedScore,
    mean=st.floats(allow_nan=False, allow_infinity=False).map(lambda one: round(one, 6) + 0.0),
    n=st.integers(0, 99),
    direction=st.sampled_from(["higher", "lower"]),
    check=texts,
    met=st.none() | st.integers(0, 99),
)
keys = st.builds(EntryKey, module=st.just(MODULE), test=texts, variant=variants, case=texts)
entries = st.builds(
    Accepted,
    key=keys,
    scores=st.dictionaries(texts, scores, max_size=2),
    trials=st.integers(0, 9),
    case_digest=texts,
    output_digests=st.lists(texts, max_size=2).map(tuple),
    prompt_digest=st.none() | texts,
    models_answered=st.lists(texts, max_size=2).map(tuple),
    dataset_digest=texts,
    asked_digest=texts,
    judges_answered=st.lists(texts, max_size=2).map(tuple),
    runs=st.integers(1, 9),
)
baselines = st.lists(entries, max_size=6, unique_by=lambda one: repr(one.key))


def test_file_is_what_a_reviewer_reads() -> None:
    """A file holds a header, a line for each test and one line for each case, sorted."""
    text = dump([entry("b"), entry("a", mean=1 / 3)])
    assert text == (
        '{"ailoop": "baseline", "schema": 1}\n'
        '{"test": "test_answers", "dataset": "s1"}\n'
        '{"test": "test_answers", "variant": {"model": "mini"}, "case": "a", "trials": 3, '
        '"scores": {"passed": {"mean": 0.333333, "n": 3, "met": 2, "check": "c1"}}, '
        '"digest": "d1", "prompt": "p1", "models": ["mini-2026"], "outputs": ["o1", "o2"]}\n'
        '{"test": "test_answers", "variant": {"model": "mini"}, "case": "b", "trials": 3, '
        '"scores": {"passed": {"mean": 1, "n": 3, "met": 2, "check": "c1"}}, '
        '"digest": "d1", "prompt": "p1", "models": ["mini-2026"], "outputs": ["o1", "o2"]}\n'
    )


@settings(max_examples=150, deadline=None)
@given(baselines, st.integers(0, 99))
def test_reading_is_the_inverse_of_writing(found: list[Accepted], seed: int) -> None:
    """Every baseline is read back equal, and its bytes do not depend on the order."""
    text = dump(found)
    assert parse(text, path="p", module=MODULE) == {one.key: one for one in found}
    random.Random(seed).shuffle(found)
    assert dump(found) == text
    assert text.encode().decode() == text
    assert text.count("\n") == len(text.splitlines())


def test_a_case_of_another_data_set_says_so() -> None:
    """A line accepted from an older data set keeps that digest, the others do not repeat theirs."""
    text = dump([entry("a"), entry("b"), entry("c", dataset_digest="old")])
    assert [line.count('"dataset"') for line in text.splitlines()] == [0, 1, 0, 0, 1]


def test_what_is_asked_of_a_model_is_told_once() -> None:
    """A test's own line has a digest for each model; a case accepted under another says so."""
    cases = [entry("a", asked_digest="m1"), entry("b", asked_digest="m1"), entry("c")]
    text = dump(cases)
    assert '{"test": "test_answers", "dataset": "s1", "asked": {"mini": "m1"}}' in text
    assert [line.count('"asked"') for line in text.splitlines()] == [0, 1, 0, 0, 1]
    assert {one.key: one for one in cases} == parse(text, path="p", module=MODULE)


def test_a_file_that_does_not_say_what_was_asked_is_read() -> None:
    """Files of an earlier version have no such digest."""
    (found,) = parse(f"{HEAD}\n{GROUP}\n{A}\n", path="p", module=MODULE).values()
    assert "" == found.asked_digest


def test_who_judged_and_how_many_runs_there_were_stand_in_the_line() -> None:
    """Only where a judge was asked, and where several runs were pooled: other lines stay short."""
    plain, pooled = dump([entry()]), dump([entry(runs=3, judges_answered=("wise-1",))])
    assert '"trials": 3, "runs": 3, "scores"' in pooled
    assert '"models": ["mini-2026"], "judges": ["wise-1"], "outputs"' in pooled
    assert plain == pooled.replace(', "runs": 3', "").replace(', "judges": ["wise-1"]', "")


def test_windows_line_ends_are_read() -> None:
    """A checkout with CRLF line ends and a byte order mark reads the same."""
    text = dump([entry()])
    assert parse(text.replace("\n", "\r\n"), path="p", module=MODULE) == {entry().key: entry()}


GOOD = dump([entry("a"), entry("b")])
HEAD, GROUP, A, B = GOOD.splitlines()

DAMAGE = [
    ("", 1, "expected the header"),
    (GROUP, 1, "expected the header"),
    ('{"ailoop": "baseline", "schema": 2}\n', 1, "has schema 2, this pytest-ailoop reads up to 1"),
    ('{"ailoop": "baseline", "schema": true}\n', 1, "expected a schema number, got True"),
    (f"{HEAD}\n{A}\n", 2, "expected a line for test 'test_answers' above its cases"),
    (f"{HEAD}\n{GROUP}\n{A}\n{A}\n", 4, "case 'a' of 'test_answers', variant 'mini' stands twice"),
    (f"{HEAD}\n{GROUP}\n{GROUP}\n", 3, "the line of test 'test_answers' stands twice"),
    (f"{HEAD}\n{GROUP}\n{A[:-3]}\n", 3, "is not a JSON line"),
    (f"{HEAD}\n[1]\n", 2, "expected a JSON object, got list"),
    (f"{HEAD}\n{'[' * 5000}\n", 2, "is not a JSON line"),
    (f"{HEAD}\n{GROUP}\n<<<<<<< HEAD\n{A}\n=======\n{B}\n>>>>>>> x\n", 3, "git conflict markers"),
    (f"{HEAD}\n{GROUP}\n{A}\n=======\n", 4, "git conflict markers"),
    (f"{HEAD}\n{GROUP}\n" + A.replace('"mean": 1', '"mean": NaN'), 3, "NaN is no number"),
    (f"{HEAD}\n{GROUP}\n" + A.replace('"mean": 1', '"mean": "1"'), 3, "expected a number"),
    (f"{HEAD}\n{GROUP}\n" + A.replace('"mean": 1', '"mean": 1e999'), 3, "too large"),
    (f"{HEAD}\n{GROUP}\n" + A.replace('"n": 3', '"n": -3'), 3, "expected a count as 'n'"),
    (
        f"{HEAD}\n{GROUP}\n" + A.replace('"trials": 3', '"trials": "3"'),
        3,
        "expected int as 'trials'",
    ),
    (f"{HEAD}\n{GROUP}\n" + A.replace('"n": 3', '"runs": "3", "n": 3'), 3, "unknown keys: 'runs'"),
    (f"{HEAD}\n{GROUP}\n" + A.replace('"scores"', '"runs": "3", "scores"'), 3, "int as 'runs'"),
    (f"{HEAD}\n{GROUP}\n" + A.replace('"trials"', '"tials"'), 3, "a case line lacks 'trials'"),
    (f"{HEAD}\n{GROUP}\n" + A.replace('"prompt"', '"prmpt"'), 3, "unknown keys: 'prmpt'"),
    (f"{HEAD}\n{GROUP}\n" + A.replace('"digest"', '"case"'), 3, "key 'case' stands twice"),
    (f"{HEAD}\n{GROUP}\n" + A.replace('{"model": "mini"}', "7"), 3, "expected dict as 'variant'"),
    (f"{HEAD}\n{GROUP}\n" + A.replace('["o1", "o2"]', "[1]"), 3, "expected a list of strings"),
    (f'{HEAD}\n{{"test": 1, "dataset": "x"}}\n', 2, "expected a case line or a test line"),
]


@pytest.mark.parametrize(("text", "line", "message"), DAMAGE)
def test_damage_is_named_with_its_line(text: str, line: int, message: str) -> None:
    """Whatever is wrong in a file is refused with path, line and what was expected."""
    with pytest.raises(BaselineError) as caught:
        parse(text, path="evals/__snapshots__/test_support.ailoop", module=MODULE)
    assert str(caught.value).startswith(f"evals/__snapshots__/test_support.ailoop:{line}: ")
    assert message in str(caught.value)


def test_a_file_that_is_no_utf8_is_damage(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are named with their line, not replaced."""
    path = tmp_path / "x.ailoop"
    path.write_bytes(GOOD.encode() + b"\xff\n")
    with pytest.raises(BaselineError, match="shown:5: is not UTF-8"):
        read(path, module=MODULE, shown="shown")


def test_only_an_absent_file_is_no_baseline(tmp_path: Path) -> None:
    """No file reads as no entries; a folder in its place is an error."""
    assert read(tmp_path / "none.ailoop", module=MODULE, shown="shown") == {}
    with pytest.raises(BaselineError, match="cannot be read"):
        read(tmp_path, module=MODULE, shown="shown")


def test_a_number_that_is_not_finite_is_not_written() -> None:
    """A baseline never holds NaN."""
    with pytest.raises(ValueError, match="nan cannot be kept"):
        dump([entry(mean=float("nan"))])


def test_baseline_stands_beside_its_module() -> None:
    """The path follows from the module's, with a suffix of its own."""
    expected = Path("root/evals/__snapshots__/test_support.ailoop")
    assert expected == baseline_path(Path("root"), MODULE)
