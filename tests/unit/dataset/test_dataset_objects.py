"""Data sets of Python objects."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from pytest_ailoop.data.case import Case
from tests.unit.dataset.loading import read, refused, stream


class Row(BaseModel):
    """A row as a pydantic model."""

    input: str
    marks: set[str] = set()
    id: str | None = None


@dataclasses.dataclass
class Point:
    """A row as a dataclass."""

    input: int
    day: datetime.date = datetime.date(2024, 1, 2)


def rows() -> Iterator[Any]:
    yield {"id": "a", "input": (1, 2)}
    yield Case(id="b", input="x", tags=("z", "t"), source="mine", metadata={"k": 1})
    yield Row(input="y", marks={"p", "q"})
    yield Point(3)


def test_python_objects(tmp_path: Path) -> None:
    """A callable's mappings, cases, models and dataclasses become cases, and stay as they are."""
    found = read(rows, tmp_path)
    a, b, c, d = found.cases
    assert ("rows", 4) == (found.name, found.facts.size)
    assert ((1, 2), "rows[0]", {"id": "a", "input": (1, 2)}) == (a.input, a.source, a.row)
    assert (("t", "z"), "mine", {"k": 1}) == (b.tags, b.source, b.metadata)
    assert (Row(input="y", marks={"p", "q"}), {"marks": {"p", "q"}}) == (c.row, c.metadata)
    assert (3, f"case-{d.digest[:12]}", "rows[3]") == (d.input, d.id, d.source)


def test_names_of_python_objects(tmp_path: Path) -> None:
    """Callables, generators and lists are called by their qualified names."""

    def local(count: int = 1) -> list[dict[str, int]]:
        return [{"input": at} for at in range(count)]

    class Maker:
        def __call__(self) -> list[dict[str, int]]:
            return local()

        def method(self) -> list[dict[str, int]]:
            return local(2)

    here = "test_names_of_python_objects.<locals>"
    specs = [local, functools.partial(local, 3), Maker(), Maker().method, rows(), local(2)]
    found = [read(spec, tmp_path) for spec in specs]
    assert [
        (f"{here}.local", 1),
        (f"{here}.local", 3),
        (f"{here}.Maker", 1),
        (f"{here}.Maker.method", 2),
        ("rows", 4),
        ("list", 2),
    ] == [(one.name, len(one.cases)) for one in found]


def test_a_generator_is_consumed_once(tmp_path: Path) -> None:
    """The cases of a generator can be read as often as one likes."""
    found = read(rows(), tmp_path)
    assert list(found.cases) == list(found.cases)
    assert 0 == len(read([], tmp_path, allow_empty=True).cases)


def broken() -> Iterator[Any]:
    yield {"id": "a"}
    raise LookupError("no\nnet")


def broken_at_once() -> list[Any]:
    raise OSError("gone")


def wants_more(count: int) -> list[Any]:
    return []


async def later() -> list[Any]:
    return []


ASYNC = (
    "is async, but cases are read before any test runs; make it a plain function"
    " (asyncio.run(...) inside it), or write its rows to a .jsonl file"
)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (broken, "broken[1]: raised LookupError: no net"),
        (broken_at_once, "broken_at_once: raised OSError: gone"),
        (
            wants_more,
            "wants_more: raised TypeError: wants_more() missing 1 required positional argument:"
            " 'count'",
        ),
        (later, f"dataset=later {ASYNC}"),
        (stream, f"dataset=stream {ASYNC}"),
        (lambda: later(), f"dataset=<lambda> {ASYNC}"),
        (Row, "dataset=Row is a class; give its instances, or say case_type=Row"),
        (lambda: 3, "dataset=<lambda>: expected an iterable of rows, got 3"),
        (lambda: "x.jsonl", "dataset=<lambda>: expected an iterable of rows, got 'x.jsonl'"),
        ({"id": 1}, "dataset=dict: expected an iterable of rows, got {'id': 1}"),
        (3, "dataset=int: expected an iterable of rows, got 3"),
        (
            [{"id": "a"}, 3],
            "list[1]: expected a mapping, a Case, a pydantic model or a dataclass, got 3",
        ),
        (
            [{"id": "a"}, {"id": "a"}],
            "list[1], case 'a': the id stands at list[0] already; ids are unique",
        ),
        ([Case(id="")], "list[0], field 'id': expected text or a whole number, got ''"),
        (
            [{"id": "a", "x": {"y": [{1: 2}]}}],
            "list[0], case 'a', field 'x.y[0]': a key must be text, got 1",
        ),
        (
            [Case(id="a", input=object)],
            "list[0], case 'a', field 'input': <class 'object'> is a type, not a JSON value"
            " (text, number, true, false, null, list, object); convert it",
        ),
        ([], "list: no case in it; allow_empty=True lets that pass"),
    ],
)
def test_python_objects_that_give_no_data(tmp_path: Path, spec: Any, problem: str) -> None:
    """What a callable or iterable does wrong is told with its name, position, type and message."""
    assert problem == refused(spec, tmp_path)


def test_rows_that_contain_themselves(tmp_path: Path) -> None:
    """A row that holds itself is refused, not followed for ever."""
    row: dict[str, Any] = {"id": "a"}
    row["input"] = row
    assert "nested deeper than 100 levels" in refused([row], tmp_path)


def test_case_type_of_python_objects(tmp_path: Path) -> None:
    """Mappings are validated, instances taken as they are, cases refused."""
    found = read([{"input": "x"}, Row(input="y")], tmp_path, case_type=Row)
    assert [Row(input="x"), Row(input="y")] == [case.row for case in found.cases]
    assert ("list[0]: case_type= and fields= are for rows; this is a Case already") == refused(
        [Case(id="a")], tmp_path, case_type=Row
    )
