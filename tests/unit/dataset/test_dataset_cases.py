"""From rows to cases: reserved columns, mapping, ids, digests, the user's own types."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, computed_field, field_validator
from typing_extensions import TypedDict

from pytest_ailoop.data.case import Case
from pytest_ailoop.dataset.load import Dataset, load
from pytest_ailoop.errors import DatasetError, UsageError


def read(folder: Path, *rows: Any, **options: Any) -> Dataset:
    (folder / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load("x.jsonl", base=folder, root=folder, **options)


def one(folder: Path, row: Any, **options: Any) -> Case:
    return read(folder, row, **options).cases[0]


def refused(folder: Path, *rows: Any, **options: Any) -> str:
    with pytest.raises((DatasetError, UsageError)) as caught:
        read(folder, *rows, **options)
    return str(caught.value)


def test_reserved_columns(tmp_path: Path) -> None:
    """Each reserved column has its place; the others go to the metadata, and stay in the row."""
    row = {
        "id": 7,
        "input": {"q": [1]},
        "expected": None,
        "tags": ["b", "a", "b"],
        "split": "test",
        "trials": 3,
        "metadata": {"k": 1},
        "source": "forum",
        "lang": "de",
    }
    case = one(tmp_path, row)
    expected = Case(
        id="7",
        input={"q": [1]},
        expected=None,
        metadata={"source": "forum", "lang": "de", "k": 1},
        tags=("a", "b"),
        split="test",
        trials=3,
        source="x.jsonl:1",
        digest=case.digest,
        row=row,
    )
    assert expected == case
    assert "de" == case["lang"]


def test_without_input_the_fields_are_the_input(tmp_path: Path) -> None:
    """A row without `input` is asked by its own fields; they are not metadata as well."""
    case = one(tmp_path, {"id": "a", "question": "?", "choices": [1], "expected": 1, "source": "s"})
    assert ({"question": "?", "choices": [1]}, {"source": "s"}) == (case.input, case.metadata)


def test_null_is_as_good_as_none(tmp_path: Path) -> None:
    """null in a bookkeeping column is the same as no such column."""
    row = dict.fromkeys(("id", "tags", "split", "trials", "metadata"))
    case = one(tmp_path, {**row, "input": 1})
    plain = one(tmp_path, {"input": 1})
    assert dataclasses.replace(case, row=None) == dataclasses.replace(plain, row=None)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"id": True}, "x.jsonl:1, field 'id': expected text or a whole number, got True"),
        ({"id": " "}, "x.jsonl:1, field 'id': expected text or a whole number, got ' '"),
        ({"id": 1.5}, "x.jsonl:1, field 'id': expected text or a whole number, got 1.5"),
        (
            {"id": "a", "tags": "x"},
            "x.jsonl:1, case 'a', field 'tags': expected a list of texts, got 'x'",
        ),
        (
            {"id": "a", "tags": ["x", 1]},
            "x.jsonl:1, case 'a', field 'tags': expected a list of texts, got ['x', 1]",
        ),
        (
            {"id": "a", "tags": ["!x"]},
            "x.jsonl:1, case 'a', field 'tags': a tag is neither empty nor begins with '!',"
            " got '!x'",
        ),
        (
            {"id": "a", "split": "tset"},
            "x.jsonl:1, case 'a', field 'split': expected 'dev' or 'test', got 'tset';"
            " did you mean 'test'?",
        ),
        (
            {"id": "a", "split": 1},
            "x.jsonl:1, case 'a', field 'split': expected 'dev' or 'test', got 1",
        ),
        (
            {"id": "a", "trials": 0},
            "x.jsonl:1, case 'a', field 'trials': expected a whole number from 1, got 0",
        ),
        (
            {"id": "a", "trials": True},
            "x.jsonl:1, case 'a', field 'trials': expected a whole number from 1, got True",
        ),
        (
            {"id": "a", "trials": 2.0},
            "x.jsonl:1, case 'a', field 'trials': expected a whole number from 1, got 2.0",
        ),
        (
            {"id": "a", "metadata": "x" * 99},
            "x.jsonl:1, case 'a', field 'metadata': expected an object, got '" + "x" * 56 + "...",
        ),
        (
            {"id": "a", "metadata": {"lang": 1}, "lang": 2, "input": 3},
            "x.jsonl:1, case 'a', field 'metadata': 'lang' is a column as well; keep one",
        ),
    ],
)
def test_wrong_types(tmp_path: Path, row: Any, problem: str) -> None:
    """A reserved column of the wrong type is told with case, field, and what was got."""
    assert problem == refused(tmp_path, row)


def test_rows_agree_on_having_an_input(tmp_path: Path) -> None:
    """A row that misspells `input` is not taken for one that is asked by its fields."""
    assert (
        "x.jsonl:2, case 'b', field 'input': no such column, but rows before it have one;"
        " did you mean 'inputs'? (null says: no input)"
    ) == refused(tmp_path, {"id": "a", "input": 1}, {"id": "b", "inputs": 1})
    assert (
        "x.jsonl:2, case 'b', field 'input': rows before it have no such column;"
        " give all rows one, or none"
    ) == refused(tmp_path, {"id": "a", "q": 1}, {"id": "b", "input": 1})


def test_ids(tmp_path: Path) -> None:
    """A row without id is named by its content; the name outlives order, tags and file."""
    first = {"input": "x", "expected": 1}
    again = {"trials": 2, "expected": 1, "tags": ["t"], "input": "x", "split": "test"}
    name = one(tmp_path, first).id
    other = read(tmp_path, {"input": "y"}, again).cases[1]
    assert name == other.id == f"case-{other.digest[:12]}"


def test_digest_names_what_a_test_sees(tmp_path: Path) -> None:
    """The digest moves with input, expected and metadata, with nothing else."""
    base = {"id": "a", "input": "x", "expected": 1, "metadata": {"k": 1}}
    digest = one(tmp_path, base).digest
    same = [{"id": "b"}, {"tags": ["t"]}, {"split": "test"}, {"trials": 2}]
    differ = [{"input": "X"}, {"expected": 2}, {"metadata": {}}, {"source": "s"}, {"lang": "de"}]
    assert [digest] * 4 == [one(tmp_path, base | change).digest for change in same]
    assert digest not in [one(tmp_path, base | change).digest for change in differ]


def test_duplicates(tmp_path: Path) -> None:
    """Two rows of one id, or of one content and no id, are refused naming both lines."""
    assert ("x.jsonl:3, case '1': the id stands at x.jsonl:1 already; ids are unique") == refused(
        tmp_path, {"id": 1}, {"id": "2"}, {"id": "1", "q": 1}
    )
    assert (
        "x.jsonl:2: the same content as x.jsonl:1, and no id; give them ids,"
        " or write the case once and set its trials"
    ) == refused(tmp_path, {"input": 1}, {"input": 1, "tags": ["t"]})


def test_mapping(tmp_path: Path) -> None:
    """`fields` reads words from other columns, dotted paths and list positions included."""
    row = {
        "idx": 3,
        "question": "?",
        "a.b": "dots",
        "ref": {"turns": [{"text": "yes"}], "other": 1},
        "category": "refund",
    }
    fields = {"id": "idx", "input": "question", "expected": "ref.turns.0.text", "tags": "category"}
    case = one(tmp_path, row, fields=fields)
    found = (case.id, case.input, case.expected, case.tags, case.metadata, case.row)
    rest = {"a.b": "dots", "ref": row["ref"]}
    assert ("3", "?", "yes", ("refund",), rest, row) == found
    assert "dots" == one(tmp_path, row, fields={"input": "a.b"}).input


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"input": "qestion"},
            "x.jsonl:1, case 'a', field 'qestion': no column 'qestion' for"
            " fields={'input': 'qestion'}; did you mean 'question'?; there are id, question, ref",
        ),
        (
            {"expected": "ref.txt"},
            "x.jsonl:1, case 'a', field 'ref.txt': no column 'txt' for"
            " fields={'expected': 'ref.txt'}; did you mean 'text'?; there are text",
        ),
        (
            {"expected": "question.x"},
            "x.jsonl:1, case 'a', field 'question.x': no column 'x' for"
            " fields={'expected': 'question.x'}; nothing is below it",
        ),
        (
            {"inptu": "question"},
            "fields= names 'inptu'; did you mean 'input'?; known: expected, id, input, metadata,"
            " split, tags, trials",
        ),
        ({"input": ""}, "fields= maps 'input' to ''; expected a column name"),
        (
            {"trials": "question"},
            "x.jsonl:1, case 'a', field 'question': expected a whole number from 1, got '?'",
        ),
    ],
)
def test_bad_mapping(tmp_path: Path, fields: Any, problem: str) -> None:
    """A mapping to what the row has not, and of an unknown word, is refused with a hint."""
    row = {"id": "a", "question": "?", "ref": {"text": 1}}
    assert problem == refused(tmp_path, row, fields=fields)


class Ticket(BaseModel):
    """A row as a user types it."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(alias="input")
    age: int = 0
    seen: set[str] = set()
    day: datetime.date | None = None

    @field_validator("age")
    @classmethod
    def not_negative(cls, value: int) -> int:
        if value < 0:
            raise ValueError("must not be negative")
        if value == 99:
            raise KeyError("ninety-nine")
        return value

    @computed_field  # type: ignore[prop-decorator]
    @property
    def expected(self) -> str:
        return self.question.upper()


def test_case_type(tmp_path: Path) -> None:
    """A typed row is the instance; bookkeeping columns need no field in the type."""
    row = {
        "id": "a",
        "tags": ["t"],
        "split": "test",
        "input": "hi",
        "age": "3",
        "day": "2024-01-02",
    }
    case = one(tmp_path, row, case_type=Ticket)
    assert isinstance(case.row, Ticket)
    assert ("a", ("t",), "test", "hi", "HI") == (
        case.id,
        case.tags,
        case.split,
        case.input,
        case.expected,
    )
    assert {"age": 3, "seen": set(), "day": datetime.date(2024, 1, 2)} == case.metadata
    assert 3 == case["age"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            {"id": "a", "input": "x", "age": "old"},
            "x.jsonl:1, case 'a', field 'age': Input should be a valid integer, unable to parse"
            " string as an integer, got 'old' (case_type=Ticket)",
        ),
        (
            {"id": "a", "input": "x", "age": -1, "seen": [1], "day": "x"},
            "x.jsonl:1, case 'a', field 'age': Value error, must not be negative, got -1"
            " (case_type=Ticket); also wrong: day, seen[0]",
        ),
        (
            {"id": "a"},
            "x.jsonl:1, case 'a', field 'input': Field required (case_type=Ticket)",
        ),
        (
            {"id": "a", "input": "x", "aeg": 1},
            "x.jsonl:1, case 'a', field 'aeg': Extra inputs are not permitted, got 1"
            " (case_type=Ticket)",
        ),
        (
            {"id": "a", "input": "x", "age": 99},
            "x.jsonl:1, case 'a': case_type=Ticket raised KeyError: 'ninety-nine'",
        ),
        (
            {"id": "a", "input": float("nan")},
            "x.jsonl:1, case 'a', field 'input': nan is not a JSON number; use null, or text",
        ),
    ],
)
def test_case_type_faults(tmp_path: Path, row: Any, problem: str) -> None:
    """A row that does not fit its type is told with case, field path, expected and got."""
    assert problem == refused(tmp_path, row, case_type=Ticket)


class Plain(TypedDict):
    """A row without behaviour."""

    input: str
    n: int


@dataclasses.dataclass
class Point:
    """A row as a dataclass."""

    input: str
    n: int = 0


class Keyed(BaseModel):
    """A row whose id has other names."""

    key: int = Field(validation_alias=AliasChoices("id", "nr"))
    text: str


def test_case_type_may_be_other_than_a_model(tmp_path: Path) -> None:
    """Dataclasses and typed dicts validate too; a name that a type takes itself is its own."""
    row = {"id": "a", "input": "x", "n": "2"}
    plain, point = (one(tmp_path, row, case_type=kind) for kind in (Plain, Point))
    assert {"id": "a", "input": "x", "n": 2} == plain.row
    assert (Point("x", 2), "a", {"n": 2}) == (point.row, point.id, point.metadata)
    keyed = one(tmp_path, {"id": 5, "text": "t"}, case_type=Keyed, fields={"id": "key"})
    assert ("5", {"text": "t"}) == (keyed.id, keyed.input)


def test_case_type_that_types_nothing(tmp_path: Path) -> None:
    """What is no type of rows is refused as the usage fault that it is."""
    told = refused(tmp_path, {"id": "a"}, case_type=object())
    assert told.startswith("case_type=<object object at")
    assert "expected a pydantic model, dataclass or TypedDict" in told
