"""Each format gives the same cases; CSV, JSON lines and JSON, and what is wrong in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ailoop.dataset.load import load
from tests.unit.dataset.formats import DEEP, cases, message

QUOTED = "Expecting property name enclosed in double quotes"


NO_LIST = "expected a list of objects, or an object with 'cases'"


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
