"""Data set files: what each format gives, and what is refused in which words."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ailoop.dataset.load import load
from pytest_ailoop.dataset.readers import READERS
from pytest_ailoop.errors import DatasetError

DEEP = "nested deeper than 100 levels; flatten it, or keep it as text"
QUOTED = "Expecting property name enclosed in double quotes"
NO_LIST = "expected a list of objects, or an object with 'cases'"


def cases(folder: Path, name: str, content: str | bytes, **options: Any) -> list[tuple[Any, ...]]:
    raw = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(raw)
    found = load(name, base=folder, root=folder, **options)
    return [(one.id, one.input, one.expected, one.source) for one in found.cases]


def message(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(DatasetError) as caught:
        cases(folder, name, content)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        (
            "x.jsonl",
            '{"id": "a", "input": "one"}\n\n \t\n{"id": "b", "input": "two", "expected": "2"}',
            (1, 4),
        ),
        (
            "x.ndjson",
            '{"id": "a", "input": "one"}\r\n{"id": "b", "input": "two", "expected": "2"}\r\n',
            (1, 2),
        ),
        (
            "x.json",
            '[{"id": "a",\n "input": "one"},\n\n  {"id": "b", "input": "two", "expected": "2"}]\n',
            (1, 4),
        ),
        (
            "x.json",
            '{"about": ["x", {}],\r\n "cases": [\r\n{"id": "a", "input": "one"},\r\n'
            '{"id": "b", "input": "two", "expected": "2"}], "version": 2}',
            (3, 4),
        ),
        (
            "x.yaml",
            "# two\n- id: a\n  input: one\n- &b\n  id: b\n  input: two\n  expected: '2'\n",
            (2, 4),
        ),
        (
            "x.yml",
            "base: &base {input: two, id: c}\n"
            "cases:\n- {id: a, input: one}\n- <<: *base\n  id: b\n  expected: !!str 2\n",
            (3, 4),
        ),
        (
            "x.toml",
            "title = 't'\n[[cases]]\nid = 'a'\ninput = 'one'\n\n"
            "[[ 'cases' ]]\nid = 'b'\ninput = 'two'\nexpected = '2'\n",
            (2, 6),
        ),
    ],
)
def test_each_format_gives_the_same_cases(
    tmp_path: Path, name: str, content: str, lines: tuple[int, int]
) -> None:
    """Every format gives the same cases, each with the line it starts on."""
    expected = [("a", "one", None, f"{name}:{lines[0]}"), ("b", "two", "2", f"{name}:{lines[1]}")]
    assert expected == cases(tmp_path, name, content)


def test_csv_counts_lines_inside_cells(tmp_path: Path) -> None:
    """A cell over two lines moves the line of the next row; CRLF in it is one line feed."""
    content = 'id,input,expected\r\na,"one\r\nmore",\r\n\r\nb,two,2\r\n'
    expected = [("a", "one\nmore", "", "x.csv:2"), ("b", "two", "2", "x.csv:5")]
    assert expected == cases(tmp_path, "x.csv", content)


def test_csv_types_of_reserved_columns(tmp_path: Path) -> None:
    """Cells of tags, trials and metadata have their type; empty ones are as good as none."""
    content = 'id,input,tags,trials,metadata,split\n1,one,"b, a;c",3,"{""k"": 1}",test\n2,two,,,,\n'
    (tmp_path / "x.csv").write_text(content)
    first, second = load("x.csv", base=tmp_path, root=tmp_path).cases
    assert (("a", "b", "c"), 3, {"k": 1}, "test") == (
        first.tags,
        first.trials,
        first.metadata,
        first.split,
    )
    assert ((), None, {}, "dev") == (second.tags, second.trials, second.metadata, second.split)


def test_csv_cells_may_be_long(tmp_path: Path) -> None:
    """A cell beyond the csv module's own limit is read, and that limit stays as it was."""
    import csv

    csv.field_size_limit(1000)
    try:
        [(_, text, _, _)] = cases(tmp_path, "x.csv", "id,input\na," + "x" * 200_000)
        assert (200_000, 1000) == (len(text), csv.field_size_limit())
    finally:
        csv.field_size_limit(131_072)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            '{"id": "a"}\n{"id": "b" "input": 2}',
            "x.jsonl:2: not valid JSON at column 12: Expecting ',' delimiter, got '\"input\": 2}'",
        ),
        (
            "{'id': 1}",
            f"x.jsonl:1: not valid JSON at column 2: {QUOTED}, got \"'id': 1}}\";"
            " JSON text stands in double quotes",
        ),
        (
            '{"id": 1,}',
            f"x.jsonl:1: not valid JSON at column 10: {QUOTED}, got '}}';"
            " remove the comma before it",
        ),
        ('{"id":', "x.jsonl:1: not valid JSON at column 7: Expecting value, got the end"),
        ("[1, 2]", "x.jsonl:1: expected an object, got [1, 2]"),
        (
            '[\n{"id": 1}]',
            "x.jsonl:1: the value goes on over several lines; name the file .json",
        ),
        (
            '{"id": "a", "input": {"x": [1, NaN]}}',
            "x.jsonl:1, case 'a', field 'input.x[1]': nan is not a JSON number; use null, or text",
        ),
        (
            '{"id": "a", "input": -1e999}',
            "x.jsonl:1, case 'a', field 'input': -inf is not a JSON number; use null, or text",
        ),
        (
            '{"id": "a", "input": 1, "input": 2}',
            "x.jsonl:1, case 'a', field 'input': the key stands twice in one object; keep one",
        ),
        (
            '{"id": "a", "input": {"k": 1, "k": 2}}',
            "x.jsonl:1, case 'a', field 'input.k': the key stands twice in one object; keep one",
        ),
        (
            '{"id": "a", "input": "x\\ud800"}',
            "x.jsonl:1, case 'a', field 'input': a lone surrogate (\\ud800) at position 1 is half"
            " a character and cannot be stored or sent; write the whole character",
        ),
        (
            '{"id": "a", "\\udfff": 1}',
            "x.jsonl:1, case 'a', field '\\udfff': a lone surrogate (\\udfff) at position 0 is half"
            " a character and cannot be stored or sent; write the whole character",
        ),
        (
            '{"id": "a", "input": "\\u0000"}',
            "x.jsonl:1, case 'a', field 'input': a NUL character at position 0; remove it",
        ),
        (
            '{"id": "a"}\r{"id": "b"}',
            "x.jsonl:1: a lone carriage return; end lines with \\n or \\r\\n",
        ),
        ('{"id": "a", "input": ' + "[" * 1000 + "]" * 1000 + "}", f"x.jsonl:1: {DEEP}"),
        ('{"id": "a"}\n' + "[" * 100_000, f"x.jsonl:2: {DEEP}"),
        (
            '{"id": "a", "input": ' + "[" * 100 + "]" * 100 + "}",
            "x.jsonl:1, case 'a', field 'input[0][0][0][0][0][0][0][0][0][0][0...': " + DEEP,
        ),
        (
            '{"id": ' + "1" * 5000 + "}",
            "x.jsonl:1: a number that cannot be read (Exceeds the limit (4300 digits) for integer"
            " string conversion: value has 5000 digits); keep it as text",
        ),
        ("", "x.jsonl:1: no case in it; allow_empty=True lets that pass"),
        ("\n \n", "x.jsonl:1: no case in it; allow_empty=True lets that pass"),
    ],
)
def test_jsonl_faults(tmp_path: Path, content: str, expected: str) -> None:
    """Each fault in a JSONL file is told with line, case and field."""
    assert expected == message(tmp_path, "x.jsonl", content)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            b'\xef\xbb\xbf{"id": "a"}\n',
            "1: the file starts with a byte order mark (BOM); save it as UTF-8 without BOM",
        ),
        (
            '{"id": "a"}'.encode("utf-16"),
            "1: the file is UTF-16 (or UTF-32), not UTF-8; save it as UTF-8",
        ),
        (
            b"\xfe\xff" + '{"id": "a"}'.encode("utf-16-be"),
            "1: the file is UTF-16, not UTF-8; save it as UTF-8",
        ),
        (
            '{"id": "a"}'.encode("utf-16-le"),
            "1: the file looks like UTF-16 without a mark; save it as UTF-8",
        ),
        (
            b'[{"id": "a"}\n,{"id": "caf\xe9"}]\n',
            "2: byte 0xe9 at offset 25 is not UTF-8; the file may be Latin-1 or Windows-1252:"
            " save it as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8 {name})",
        ),
        (b'{"id": "\xc3\xa9"}\n{"id\0": 1}', "2: a NUL byte at offset 17; remove it"),
    ],
)
@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.csv", "x.yaml", "x.toml"])
def test_bytes_that_are_not_plain_utf8(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    """Every format refuses marks, other encodings and NUL with line, offset and remedy."""
    # The first line of these is no JSONL row; what is told is the same where it is read whole.
    if name == "x.jsonl" and content.startswith(b"["):
        content = content.replace(b"[", b" ", 1).replace(b",", b" ", 1)
    assert f"{name}:{problem.format(name=name)}" == message(tmp_path, name, content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "x.json:1: no case in it; allow_empty=True lets that pass"),
        ("[]", "x.json:1: no case in it; allow_empty=True lets that pass"),
        ('[{"id": 1},\n 2]', "x.json:2: expected an object, got 2"),
        (
            '[{"id": 1},\n]',
            "x.json:2: not valid JSON at column 1: Expecting value, got ']';"
            " remove the comma before it",
        ),
        (
            '[{"id": 1}',
            "x.json:1: not valid JSON at column 11: Expecting ',' delimiter, got the end",
        ),
        ('[{"id": 1}]\nx', "x.json:2: not valid JSON at column 1: Extra data, got 'x'"),
        ('"x"', f"x.json:1: {NO_LIST}"),
        ('{"case": []}', f"x.json:1: {NO_LIST}; did you mean 'case'?"),
        ('{"a": 1}\n{"b": 2}', "x.json:1: one object a line is JSON lines; name the file .jsonl"),
        ('{\n"cases": 3}', "x.json:2: 'cases' must be a list of objects"),
        (
            '{"cases": [],\n"cases": []}',
            "x.json:2: the key 'cases' stands twice in one object; keep one",
        ),
        ("{x}", f"x.json:1: not valid JSON at column 2: {QUOTED}, got 'x}}'"),
        ('{"a" 1}', "x.json:1: not valid JSON at column 6: Expecting ':' delimiter, got '1}'"),
        ('[\n{"a": ' + "[" * 1000, f"x.json:2: {DEEP}"),
    ],
)
def test_json_faults(tmp_path: Path, content: str, expected: str) -> None:
    """Each fault in a JSON document is told with the line it stands on."""
    assert expected == message(tmp_path, "x.json", content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "x.csv:1: no case in it; allow_empty=True lets that pass"),
        ("id,input\n", "x.csv:1: no case in it; allow_empty=True lets that pass"),
        (
            "id,input\n1,2\n\n3\n",
            "x.csv:4, case '3', field 'input': expected 2 cells, got 1 cell",
        ),
        (
            "id,input\na,Hello, you\n",
            "x.csv:2, case 'a': expected 2 cells, got 3 cells; the first too many is ' you'"
            " (text with a comma stands in double quotes)",
        ),
        ("id;input\n1;2", "x.csv:1: the columns must be separated by commas, got 'id;input'"),
        ("id,id\n", "x.csv:1, field 'id': the column stands twice in the header"),
        ("id, \n1,2", "x.csv:1: column 2 has no name in the header"),
        (
            'id,input\na,b\nc,"d\n',
            "x.csv:3: not valid CSV: unexpected end of data; check the quotes",
        ),
        ('id,input\na,"b"c\n', "x.csv:2: not valid CSV: ',' expected after '\"'; check the quotes"),
        (
            "id,trials\n1,x",
            "x.csv:2, case '1', field 'trials': expected a whole number from 1, got 'x'",
        ),
        (
            'id,metadata\n1,"{"',
            "x.csv:2, case '1', field 'metadata': expected an object, got '{'",
        ),
        (
            'id,metadata\n1,"{""k"":1,""k"":2}"',
            "x.csv:2, case '1', field 'metadata.k': the key stands twice in one object; keep one",
        ),
        ("id\na\rb", "x.csv:2: a lone carriage return; end lines with \\n or \\r\\n"),
    ],
)
def test_csv_faults(tmp_path: Path, content: str, expected: str) -> None:
    """Each fault in a CSV file is told with line, case and field."""
    assert expected == message(tmp_path, "x.csv", content)


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
