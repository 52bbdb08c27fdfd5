"""The matrix: order, trials, ids and refusals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ailoop.data.case import Case
from pytest_ailoop.data.variant import ModelSpec, Variant
from pytest_ailoop.errors import UsageError
from pytest_ailoop.matrix import cells, prompt_names, variants


@dataclass(frozen=True)
class File:
    name: str
    path: str


def made(*ids: str, trials: int | None = None) -> list[Case]:
    return [Case(id=one, trials=trials) for one in ids]


def models(*names: str) -> list[ModelSpec]:
    return [ModelSpec(alias=name, model=name) for name in names]


def files(*paths: str) -> list[File]:
    return [File(path.rpartition("/")[2].split(".")[0], path) for path in paths]


def ids(*names: str, **axes: Any) -> list[str]:
    return [cell.id for cell in cells(made(*names), **axes)]


def test_order_is_case_model_prompt_params_trial() -> None:
    """Cells run case by case; within it model, prompt, further axes as written, then trials."""
    expected = [
        f"{case}-{model}-{prompt}-t_{t}-s_{s}-r{trial}"
        for case in ("c2", "c1")
        for model in ("m2", "m1")
        for prompt in ("p2", "p1")
        for t in (1, 0)
        for s in ("x", "None")
        for trial in (1, 2)
    ]
    actual = ids(
        "c2",
        "c1",
        models=models("m2", "m1"),
        prompts=files("p2.md", "p1.md"),
        params={"t": [1, 0], "s": ["x", None]},
        trials=2,
    )
    assert expected == actual


def test_a_cell_carries_its_parts() -> None:
    """A cell holds the case, variant, model, prompt, params and trial it stands for."""
    mini, terse, case = models("mini"), files("terse.md"), made("a")
    (cell,) = cells(case, models=mini, prompts=terse, params={"temperature": [0.5]})
    expected = ("a-mini-terse-temperature_0_5", case[0], mini[0], terse[0], {"temperature": 0.5}, 1)
    assert expected == (cell.id, cell.case, cell.model, cell.prompt, cell.params, cell.trial)
    assert cell.variant == Variant(model="mini", prompt="terse", params=(("temperature", 0.5),))


def test_without_axes_the_id_is_the_case() -> None:
    """Undeclared axes leave no part in the id, and the variant is the empty one."""
    (cell,) = cells(made("refund-01"))
    assert ("refund-01", Variant(), None, None, {}, 1) == (
        cell.id, cell.variant, cell.model, cell.prompt, cell.params, cell.trial,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("marker", "row", "override", "expected"),
    [
        (1, None, None, ["a"]),
        (2, None, None, ["a-r1", "a-r2"]),
        (2, 1, None, ["a"]),
        (1, 2, None, ["a-r1", "a-r2"]),
        (3, 2, 1, ["a"]),
        (1, 1, 2, ["a-r1", "a-r2"]),
    ],
)
def test_trials_come_from_override_row_marker(
    marker: int, row: int | None, override: int | None, expected: list[str]
) -> None:
    """The override beats the row's number, which beats the marker's; one trial has no `rN`."""
    found = cells(made("a", trials=row), trials=marker, trials_override=override)
    assert expected == [cell.id for cell in found]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("refund-01_B", "refund-01_B"),
        ("a/b", "a_b-c14cdd"),
        ("a::b[1]", "a__b_1_-087189"),
        ("5.4", "5_4-96b9eb"),
        ("", "_-e3b0c4"),
        ("größe", "gr__e-d353a2"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 53 + "-c508e7"),
        ("a\x00\n\x1b[31m", "a____31m-1a90b0"),
        ("\ud800", "_-91a681"),
    ],
)
def test_case_part(raw: str, expected: str) -> None:
    """A case id that does not fit is cleaned and cut, and marked with digits of its digest."""
    assert [expected] == ids(raw)


def test_a_case_keeps_its_id_beside_lookalikes() -> None:
    """`a_b` stays itself and `a b`, `a/b` keep their marks, whichever of them are there."""
    together = ids("a b", "a_b", "a/b")
    assert together == [*ids("a b"), *ids("a_b"), *ids("a/b")]
    assert len(set(together)) == 3


def test_models_that_meet_after_cleaning_are_marked() -> None:
    """Only names that meet get digits; a lone `gpt-5.4` reads `gpt-5_4`."""
    assert ids("a", models=models("gpt-5.4")) == ["a-gpt-5_4"]
    found = ids("a", models=models("gpt-5.4", "gpt-5_4", "mini"))
    assert found[2] == "a-mini"
    assert all(re.fullmatch(r"a-gpt-5_4-[0-9a-f]{6}", one) for one in found[:2])
    assert found[0] != found[1]


def test_a_part_that_meets_is_marked_where_it_stands() -> None:
    """The digits of a model stand behind the model, the same for every case and prompt."""
    axes: dict[str, Any] = {"models": models("m.1", "m_1"), "prompts": files("p.md")}
    found = ids("a", "b", **axes)
    assert found == ["a-m_1-9ef275-p", "a-m_1-54f0b3-p", "b-m_1-9ef275-p", "b-m_1-54f0b3-p"]


def test_ids_that_meet_across_parts_are_told_apart() -> None:
    """Case `a` in trial 2 and case `a-r2` get different ids; the others stay as they are."""
    found = cells([Case(id="a", trials=2), Case(id="a-r2"), Case(id="b")])
    assert [cell.id for cell in found][::3] == ["a-r1", "b"]
    assert all(re.fullmatch(r"a-r2-[0-9a-f]{6}", cell.id) for cell in found[1:3])
    assert len({cell.id for cell in found}) == 4
    assert [cell.case.id for cell in found] == ["a", "a", "a-r2", "b"]


def test_digits_grow_until_ids_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where six digits are not enough to tell two cells apart, more are taken."""

    def close(text: str) -> str:
        return "0" * 6 + ("a" if "a-r2" in text else "b") * 10

    monkeypatch.setattr("pytest_ailoop.matrix.digest_text", close)
    found = cells([Case(id="a", trials=2), Case(id="a-r2")])
    assert [cell.id for cell in found] == ["a-r1", "a-r2-000000b", "a-r2-000000a"]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["p/terse.prompt.md", "p/kind.prompt.md"], ["terse", "kind"]),
        (["de/terse.prompt.md", "en/terse.prompt.md"], ["de/terse", "en/terse"]),
        (["de/v1/terse.md", "en/v1/terse.md", "x.md"], ["de/v1/terse", "en/v1/terse", "x"]),
        (["terse.md", "en/terse.md"], ["terse", "en/terse"]),
        (["p/terse.md", "p/terse.prompt.txt"], ["terse.md", "terse.prompt.txt"]),
        (["p/t.md", "p/t.txt", "q/t.md"], ["p/t.md", "p/t.txt", "q/t.md"]),
    ],
)
def test_prompt_names_tell_files_apart(paths: list[str], expected: list[str]) -> None:
    """A prompt's variant name is the shortest that no other prompt here has."""
    assert tuple(expected) == prompt_names(files(*paths))


def test_prompts_of_one_name_have_own_variants_and_ids() -> None:
    """Two `terse` from two folders are two variants with two ids."""
    found = cells(made("a"), prompts=files("de/terse.md", "en/terse.md"))
    assert [cell.id for cell in found] == ["a-de_terse", "a-en_terse"]
    assert [cell.variant.prompt for cell in found] == ["de/terse", "en/terse"]


def test_variants_are_those_of_the_cells_in_order() -> None:
    """`variants` lists what the cells of any one case have, in their order."""
    axes: dict[str, Any] = {
        "models": models("b", "a"),
        "prompts": files("y.md", "x.md"),
        "params": {"t": [1, 0]},
    }
    assert variants(**axes) == tuple(cell.variant for cell in cells(made("c"), **axes))
    assert variants() == (Variant(),)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"models": []}, "the axis 'model' has no value; leave it out or give it one"),
        ({"prompts": []}, "the axis 'prompt' has no value; leave it out or give it one"),
        ({"params": {"t": []}}, "the axis 't' has no value; leave it out or give it one"),
        ({"models": models("a", "a")}, "the same model is given twice: 'a'"),
        ({"prompts": files("a.md", "a.md")}, "the same prompt is given twice: 'a.md'"),
        ({"params": {"t": [0, 0.0]}}, "the same value on the axis 't' is given twice: 0, 0.0"),
        ({"params": {"t": [1, True]}}, "the same value on the axis 't' is given twice: 1, True"),
        ({"params": {"t": "ab"}}, "params: axis 't' takes a list of values, got 'ab'"),
        (
            {"params": {"t": [{}]}},
            "params: axis 't' takes texts, numbers, True, False and None, got dict: {}",
        ),
        ({"params": {"t": [float("nan")]}}, "params: axis 't' takes finite numbers, got nan"),
        (
            {"params": {"model": ["a"]}},
            "params: 'model' cannot name an axis; expected a text other than "
            "case, llm, model, prompt, trace, trial",
        ),
        ({"trials": 0}, "trials: expected a whole number from 1 on, got 0"),
        ({"trials": True}, "trials: expected a whole number from 1 on, got True"),
        (
            {"trials_override": 0},
            "the number of trials asked for: expected a whole number from 1 on, got 0",
        ),
    ],
)
def test_what_cannot_be_crossed_is_refused(axes: dict[str, Any], message: str) -> None:
    """Each impossible axis is a usage error that names it and the value."""
    with pytest.raises(UsageError) as caught:
        cells(made("a"), **axes)
    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        (made("a", "b", "a"), "the same case id is given twice: 'a'"),
        (
            made("a", trials=0),
            "trials of case 'a': expected a whole number from 1 on, got 0",
        ),
    ],
)
def test_faulty_cases_are_refused(cases: list[Case], message: str) -> None:
    """Doubled case ids and impossible trial counts are refused by name."""
    with pytest.raises(UsageError) as caught:
        cells(cases)
    assert message == str(caught.value)


anything = st.text(st.characters(), max_size=80)
near = st.text("ab-_r.12 ", max_size=5)
names = st.one_of(near, anything)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), names
)


@settings(max_examples=120, deadline=None)
@given(
    rows=st.lists(
        st.tuples(names, st.sampled_from([None, 1, 2, 3])), unique_by=lambda row: row[0],
        max_size=40,
    ),
    aliases=st.none() | st.lists(names, min_size=1, max_size=3, unique=True),
    folders=st.none() | st.lists(near, min_size=1, max_size=3, unique=True),
    params=st.dictionaries(
        names.filter(lambda name: name and name not in ("case", "llm", "model", "prompt")),
        st.lists(scalars, min_size=1, max_size=3, unique=True),
        max_size=2,
    ),
    trials=st.integers(1, 2),
)  # fmt: skip
def test_ids_are_unique_clean_and_deterministic(
    rows: list[tuple[str, int | None]],
    aliases: list[str] | None,
    folders: list[str] | None,
    params: dict[str, list[Any]],
    trials: int,
) -> None:
    """Whatever the names: ids are unique, of safe characters, bounded, and the same each time."""
    cases = [Case(id=name, trials=count) for name, count in rows]
    axes: dict[str, Any] = {
        "models": aliases and models(*aliases),
        "prompts": folders and [File("terse", f"{folder}/terse.md") for folder in folders],
        "params": params,
        "trials": trials,
    }
    found = cells(cases, **axes)
    taken = [cell.id for cell in found]
    assert len(set(taken)) == len(taken)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", one) for one in taken)
    longest = 61 * (1 + bool(aliases) + bool(folders) + len(params)) + 3 + 7
    assert all(len(one) <= longest for one in taken)
    assert taken == [cell.id for cell in cells(cases, **axes)]


@settings(max_examples=60, deadline=None)
@given(st.lists(names, unique=True, max_size=30), st.data())
def test_a_case_has_the_same_id_alone_and_among_others(rows: list[str], data: Any) -> None:
    """Which other rows are there does not change an id, unless two rows' ids really meet."""
    if rows:
        together = ids(*rows)
        row = data.draw(st.integers(0, len(rows) - 1))
        (alone,) = ids(rows[row])
        assert together[row] == alone or [ids(one)[0] for one in rows].count(alone) > 1
