"""YAML and TOML, and what any reader does with any bytes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ailoop.dataset.readers import READERS
from pytest_ailoop.errors import DatasetError
from tests.unit.dataset.formats import DEEP, cases, message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "x.yaml:1: no case in it; allow_empty=True lets that pass"),
        ("x", "x.yaml:1: expected a list of mappings, got 'x'"),
        (
            "case: []",
            "x.yaml:1: expected a list of mappings, or a mapping with 'cases';"
            " did you mean 'case'?",
        ),
        ("- 1\n", "x.yaml:1: expected an object, got 1"),
        (
            "- id: a\n  input: 2024-01-01\n",
            "x.yaml:2, case 'a', field 'input': 2024-01-01 reads as a date in YAML;"
            " quote it to keep text",
        ),
        (
            "cases:\n- id: a\n  x: {y: [1, 012]}\n",
            "x.yaml:3, case 'a', field 'x.y[1]': 012 reads as the number 12; quote it to keep"
            " text, or write the number in that form",
        ),
        (
            "- input: 1.10\n",
            "x.yaml:1, field 'input': 1.10 reads as the number 1.1; quote it to keep text,"
            " or write the number in that form",
        ),
        ("- x: .inf", "x.yaml:1, field 'x': .inf reads as a number in YAML; quote it to keep text"),
        ("- x: 0o14", "x.yaml:1, field 'x': 0o14 reads as a number in YAML; quote it to keep text"),
        (
            "- x: !!python/object/apply:os.system [id]",
            "x.yaml:1, field 'x': tags are not read, got !!python/object/apply:os.system;"
            " remove it",
        ),
        ("- 1: x", "x.yaml:1: a key must be text, got 1; quote it"),
        ("- ? [a]\n  : x", "x.yaml:1: a key must be text, got a list or mapping"),
        (
            "- id: a\n  id: b\n",
            "x.yaml:2, case 'a', field 'id': the key stands twice in one mapping; keep one",
        ),
        ("- id: a\n---\n- id: b", "x.yaml:2: one document a file; join them, or split the file"),
        ("%YAML 1.1\n---\n- id: a", "x.yaml:2: data sets are YAML 1.2; remove the %YAML line"),
        ("- *x", "x.yaml:1: the alias *x has no anchor before it"),
        ("- a: &a [*a]", "x.yaml:1, field 'a[0]': the alias *a has no anchor before it"),
        ("- <<: 3", "x.yaml:1: << takes a mapping or a list of mappings"),
        (
            "- a: [1\n  b: 2",
            "x.yaml:2: not valid YAML at column 4: expected ',' or ']', but got ':'",
        ),
        (
            "- a: \x07",
            "x.yaml:1: not valid YAML: unacceptable character #x0007:"
            " special characters are not allowed",
        ),
        ('- "\\UFFFFFFFF"', "x.yaml:1: not valid YAML: Python int too large to convert to C int"),
        (
            "- id: a\n  input: " + "[" * 20_000,
            "x.yaml:2, case 'a', field 'input[0][0][0][0][0][0][0][0][0][0][0...': " + DEEP,
        ),
    ],
)
def test_yaml_faults(tmp_path: Path, content: str, expected: str) -> None:
    """Each fault in a YAML file, silent changes of text included, is told with its field."""
    assert expected == message(tmp_path, "x.yaml", content)


def test_yaml_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    """Aliases that would grow to 10^12 values are refused in under a second."""
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)]
    start = time.process_time()
    told = message(tmp_path, "x.yaml", "a0: &a0 [x, x]\n" + "".join(levels) + "cases: [*a11]\n")
    assert "x.yaml:6, field 'a5[2]': aliases stand for more than 100,000 values" == told
    assert time.process_time() - start < 1


def test_yaml_words_stay_text(tmp_path: Path) -> None:
    """`no`, `on` and times are text in YAML 1.2; numbers, true and null are not."""
    content = "- {id: a, input: [no, on, 12:30, 1, -2.5, true, null, ~]}"
    [(_, found, _, _)] = cases(tmp_path, "x.yaml", content)
    assert ["no", "on", "12:30", 1, -2.5, True, None, None] == found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "x.toml:1: no case in it; allow_empty=True lets that pass"),
        (
            "[[case]]\nid='a'",
            "x.toml:1: expected [[cases]] tables, found none; did you mean 'case'?",
        ),
        ("[cases]\nid=1", "x.toml:1: 'cases' must be [[cases]] tables, with double brackets"),
        ("[[cases]]\nid=", "x.toml:2: not valid TOML: Invalid value (at end of document)"),
        (
            "[[cases]]\nid='a'\nid='b'\n",
            "x.toml:3: not valid TOML: Cannot overwrite a value, at column 7",
        ),
        (
            "[[cases]]\ninput=1\n[[cases]]\nid='b'\ninput=2024-01-01\n",
            "x.toml:3, case 'b', field 'input': a date ('2024-01-01') is not a JSON value;"
            " quote it to keep it as text",
        ),
        (
            "[[cases]]\nid='a'\ninput=nan\n",
            "x.toml:1, case 'a', field 'input': nan is not a JSON number; use null, or text",
        ),
        ("[[cases]]\nx=" + "[" * 1000 + "]" * 1000, f"x.toml: {DEEP}"),
        (
            "[[cases]]\nid='a'\n" + ".".join("a" * 300) + "=1",
            "x.toml:1, case 'a', field 'a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a...': " + DEEP,
        ),
    ],
)
def test_toml_faults(tmp_path: Path, content: str, expected: str) -> None:
    """Each fault in a TOML file is told with the line of its table or of the fault."""
    assert expected == message(tmp_path, "x.toml", content)


def test_toml_lines_are_not_fooled_by_text(tmp_path: Path) -> None:
    """A header inside a text over several lines is not counted; inline cases have no line."""
    fooled = "[[cases]]\nid='a'\ninput='''\n[[cases]]\n'''\n[[cases]]\nid='b'\ninput=''\n"
    assert ["x.toml:1", "x.toml:6"] == [one[3] for one in cases(tmp_path, "x.toml", fooled)]
    inline = "cases = [{id='a'}, {id='b'}]"
    assert ["x.toml", "x.toml"] == [one[3] for one in cases(tmp_path, "x.toml", inline)]


@pytest.mark.parametrize("suffix", sorted(READERS))
def test_allow_empty(tmp_path: Path, suffix: str) -> None:
    """An empty file of any format is a data set of no case where that is allowed."""
    assert [] == cases(tmp_path, f"x{suffix}", "", allow_empty=True)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.lists(JSON, min_size=1, max_size=5), st.booleans(), st.sampled_from([None, 1]))
def test_any_json_value_comes_back(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], ascii_: bool, indent: int | None
) -> None:
    """What json writes is read back equal, from JSONL and from JSON, and kept equal."""
    import json

    folder = tmp_path_factory.getbasetemp()
    rows = [{"id": at, "input": value} for at, value in enumerate(values)]
    lines = "\n".join(json.dumps(row, ensure_ascii=ascii_) for row in rows)
    document = json.dumps(rows, ensure_ascii=ascii_, indent=indent)
    for name, content in (("any.jsonl", lines), ("any.json", document)):
        assert values == [one[1] for one in cases(folder, name, content)]


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=60) | st.text(max_size=60))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes | str
) -> None:
    """Whatever stands in a file, the outcome is a data set or a DatasetError that names it."""
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    try:
        cases(tmp_path_factory.getbasetemp(), f"fuzz{suffix}", raw)
    except DatasetError as error:
        caught = error
    else:
        return
    assert f"fuzz{suffix}" == caught.path
