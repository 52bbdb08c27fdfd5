"""Whole data sets: several files, folders of cases, Python objects, what is remembered of them."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import functools
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from pytest_ailoop.data.case import Case
from pytest_ailoop.data.record import plain
from pytest_ailoop.dataset.load import Dataset, load
from pytest_ailoop.errors import AiloopError, DatasetError, UsageError


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(spec: Any, base: Path, **options: Any) -> Dataset:
    return load(spec, base=base, root=options.pop("root", base), **options)


def refused(spec: Any, base: Path, **options: Any) -> str:
    with pytest.raises((DatasetError, UsageError)) as caught:
        read(spec, base, **options)
    return str(caught.value)


def sources(found: Dataset) -> list[tuple[str, str]]:
    return [(case.id, case.source) for case in found.cases]


FILES: dict[str, str | bytes] = {
    "evals/a.jsonl": '{"id": "a1"}\n{"id": "a2"}\n',
    "evals/sub/b.csv": "id\nb1\n",
    "evals/sub/c.json": '[{"id": "c1"}]',
    "other.jsonl": '{"id": "o1"}\n',
}


@pytest.mark.parametrize(
    ("spec", "name", "expected"),
    [
        ("a.jsonl", "a.jsonl", [("a1", "evals/a.jsonl:1"), ("a2", "evals/a.jsonl:2")]),
        (Path("sub/b.csv"), "sub/b.csv", [("b1", "evals/sub/b.csv:2")]),
        (
            ["sub/c.json", Path("a.jsonl"), "sub/*.json"],
            "sub/c.json, a.jsonl, sub/*.json",
            [
                ("c1", "evals/sub/c.json:1"),
                ("a1", "evals/a.jsonl:1"),
                ("a2", "evals/a.jsonl:2"),
            ],
        ),
        ("sub/*", "sub/*", [("b1", "evals/sub/b.csv:2"), ("c1", "evals/sub/c.json:1")]),
        (
            "**/*.[cj]s*",
            "**/*.[cj]s*",
            [
                ("a1", "evals/a.jsonl:1"),
                ("a2", "evals/a.jsonl:2"),
                ("b1", "evals/sub/b.csv:2"),
                ("c1", "evals/sub/c.json:1"),
            ],
        ),
        ("../other.jsonl", "../other.jsonl", [("o1", "other.jsonl:1")]),
    ],
)
def test_paths_and_patterns(
    tmp_path: Path, spec: Any, name: str, expected: list[tuple[str, str]]
) -> None:
    """Paths and patterns are read relative to the base, sorted, each file once."""
    found = read(spec, write(tmp_path, FILES) / "evals", root=tmp_path)
    assert (name, expected) == (found.name, sources(found))


def test_absolute_paths_are_named_without_the_machine(tmp_path: Path) -> None:
    """An absolute path is read; its name in the facts holds no folder of the machine."""
    base = write(tmp_path, FILES) / "evals"
    inside = read(base / "sub" / "b.csv", base, root=tmp_path)
    outside = read(str(tmp_path / "other.jsonl"), base, root=base)
    assert ("sub/b.csv", "other.jsonl") == (inside.name, outside.facts.name)
    assert [("o1", "../other.jsonl:1")] == sources(outside)


def test_a_file_named_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    """A bracket in a file's own name is no pattern."""
    write(tmp_path, {"x[1].jsonl": '{"id": "a"}', "x1.jsonl": '{"id": "b"}'})
    assert [("a", "x[1].jsonl:1")] == sources(read("x[1].jsonl", tmp_path))


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("a.json", "evals/a.json: no such file; did you mean 'a.jsonl'?"),
        ("nope/a.jsonl", "evals/nope/a.jsonl: no such file; there is no folder 'nope'"),
        ("*.yaml", "evals/*.yaml: the pattern matches no file"),
        (
            "notes.jsnl",
            "evals/notes.jsnl: unknown kind of file '.jsnl'; did you mean '.jsonl'?; known: .csv,"
            " .json, .jsonl, .ndjson, .toml, .yaml, .yml; for others give a function that yields"
            " the rows",
        ),
        (["a.jsonl", {"id": 1}], "dataset= mixes paths with rows; give one or the other"),
        (
            ["a.jsonl", "dup.jsonl"],
            "evals/dup.jsonl:1, case 'a2': the id stands at"
            " evals/a.jsonl:2 already; ids are unique",
        ),
        (
            "sub",
            "evals/sub/b.csv: a data file in a folder of case folders; name it by itself, or move"
            " it (a pattern reads several files: sub/*.csv)",
        ),
        ("empty", "evals/empty: the folder holds no case folder"),
        ("pipe.jsonl", "evals/pipe.jsonl: not a regular file"),
    ],
)
def test_paths_that_give_no_data(tmp_path: Path, spec: Any, problem: str) -> None:
    """A path that leads to no data is told with the nearest name or the next step."""
    write(tmp_path, {**FILES, "evals/notes.jsnl": "", "evals/dup.jsonl": '{"id": "a2"}'})
    (tmp_path / "evals/empty").mkdir()
    os.mkfifo(tmp_path / "evals/pipe.jsonl")
    assert problem == refused(spec, tmp_path / "evals", root=tmp_path)


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the system does not give is a fault of the data set, with its name."""

    def denied(*args: Any, **kwargs: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    write(tmp_path, {"a.jsonl": "{}", "b.json": "[]"})
    monkeypatch.setattr(Path, "open", denied)
    monkeypatch.setattr(Path, "read_bytes", denied)
    for name in ("a.jsonl", "b.json"):
        assert f"{name}: cannot be read: Permission denied" == refused(name, tmp_path)


FOLDERS: dict[str, str | bytes] = {
    "set/b/input.txt": "Hello\r\nyou\r\n",
    "set/b/expected.md": "",
    "set/a/case.toml": "tags = ['t']\ntrials = 2\n",
    "set/a/input.txt": "x\n\n",
    "set/a/.hidden": b"\xff",
    "set/c/case.json": '{"id": "c", "input": 1}',
    "set/d/case.yml": "input: {k: [1]}\n",
    "set/README.md": "about",
    "set/.git/x": "",
    "set/__pycache__/x.txt": "",
}


def test_folder_of_case_folders(tmp_path: Path) -> None:
    """Each sub-folder is a case: its name the id, its files the fields, one line end dropped."""
    found = read("set", write(tmp_path, FOLDERS))
    assert [("a", "set/a"), ("b", "set/b"), ("c", "set/c"), ("d", "set/d")] == sources(found)
    a, b, c, d = found.cases
    assert ("x\n", ("t",), 2) == (a.input, a.tags, a.trials)
    assert ("Hello\nyou", "") == (b.input, b.expected)
    assert (1, {"k": [1]}) == (c.input, d.input)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"a/x.png": b"\x89PNG\xff"},
            "set/a/x.png:1: byte 0x89 at offset 0 is not UTF-8; the file may be Latin-1 or"
            " Windows-1252: save it as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8 x.png)",
        ),
        ({"a/x.txt": "ab\0"}, "set/a/x.txt:1: a NUL byte at offset 2; remove it"),
        (
            {"a/input.md": "", "a/input.txt": ""},
            "set/a/input.txt, field 'input': input.md has it already",
        ),
        (
            {"a/case.json": '{"input": 1}', "a/input.txt": ""},
            "set/a/input.txt, field 'input': the case file has it already",
        ),
        (
            {"a/case.json": "{}", "a/case.toml": ""},
            "set/a/case.toml: case.json has the fields already; keep one of the two",
        ),
        ({"a/case.json": "[1]"}, "set/a/case.json:1: expected an object with the fields, got [1]"),
        (
            {"a/case.json": '{"id": "b"}'},
            "set/a, field 'id': the id of a case folder is its name, got 'b'; remove it",
        ),
        (
            {"a/case.json": '{\n"x": }'},
            "set/a/case.json:2: not valid JSON at column 6: Expecting value, got '}'",
        ),
        (
            {"a/case.json": '{"x": NaN}'},
            "set/a, case 'a', field 'x': nan is not a JSON number; use null, or text",
        ),
        (
            {"a/sub/x.txt": ""},
            "set/a/sub: a case folder holds plain files only; move it out of the data set",
        ),
        ({"a/.hidden": ""}, "set/a:1: no case in it; allow_empty=True lets that pass"),
        ({"a/tags.txt": "x"}, "set/a, case 'a', field 'tags': expected a list of texts, got 'x'"),
    ],
)
def test_case_folder_faults(tmp_path: Path, files: dict[str, str | bytes], problem: str) -> None:
    """A fault in a case folder is told with its file."""
    write(tmp_path / "set", files)
    assert problem == refused("set", tmp_path)


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("set/a/input.txt", "a link that leads out of the data set; copy the file here"),
        ("set/b", "a link that leads out of the data set; copy the folder here"),
    ],
)
def test_links_out_of_case_folders(tmp_path: Path, link: str, problem: str) -> None:
    """A link inside a case folder must not lead out of the root folder; inside it may."""
    root = write(tmp_path / "root", {"set/a/case.json": '{"expected": 1}', "shared/input.txt": "s"})
    outside = write(tmp_path, {"secret/input.txt": "s"}) / "secret"
    for target in (outside, root / "shared"):
        path = root / link
        path.unlink(missing_ok=True)
        path.symlink_to(target if path.name == "b" else target / "input.txt")
        if target is outside:
            assert f"{link}: {problem}" == refused("set", root)
        else:
            assert "s" in [case.input for case in read("set", root).cases]


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


async def stream() -> AsyncIterator[Any]:
    yield {}


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


def test_digests_do_not_depend_on_the_process(tmp_path: Path) -> None:
    """Sets have another order in each process; their digest has not."""
    code = (
        "from pathlib import Path\n"
        "from pytest_ailoop.dataset.load import load\n"
        "from pydantic import BaseModel\n"
        "class Row(BaseModel):\n    input: frozenset[str]\n"
        "row = Row(input=frozenset('abcdefgh'))\n"
        "print(load([row], base=Path(), root=Path()).facts.digest)\n"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert 1 == len(told)


@given(st.permutations(range(6)), st.integers(1, 5))
def test_the_digest_has_no_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int
) -> None:
    """The same cases in another order, or over two files, have the same digests."""
    folder = tmp_path_factory.getbasetemp()
    lines = [json.dumps({"id": f"c{at}", "input": at}) + "\n" for at in order]
    (folder / "all.jsonl").write_text("".join(sorted(lines)))
    (folder / "p1.jsonl").write_text("".join(lines[:cut]))
    (folder / "p2.jsonl").write_text("".join(lines[cut:]))
    whole, parts = (read(spec, folder).facts for spec in ("all.jsonl", ["p1.jsonl", "p2.jsonl"]))
    assert (whole.digest, whole.case_digests) == (parts.digest, parts.case_digests)


def test_the_digest_names_every_case(tmp_path: Path) -> None:
    """A case more, another id and another content each change the data set's digest."""
    sets = [[(1, 1)], [(1, 1), (2, 2)], [(1, 2)], [(2, 1)], [(1, 2), (2, 1)]]
    found = [read([{"id": i, "input": v} for i, v in one], tmp_path).facts.digest for one in sets]
    assert (5, {16}) == (len(set(found)), set(map(len, found)))


def test_facts_are_plain(tmp_path: Path) -> None:
    """What is remembered of a data set goes into a run file as it is."""
    write(tmp_path, FILES)
    facts = read("evals/a.jsonl", tmp_path).facts
    assert ("evals/a.jsonl", 2, ["a1", "a2"]) == (facts.name, facts.size, list(facts.case_digests))
    assert facts.case_digests == json.loads(json.dumps(plain(facts)))["case_digests"]


def test_cases_are_a_sequence(tmp_path: Path) -> None:
    """Cases can be counted, indexed, sliced and gone over; equal ones come each time."""
    cases = read("evals/a.jsonl", write(tmp_path, FILES)).cases
    assert (2, "<2 cases>") == (len(cases), repr(cases))
    assert (tuple(cases), cases[1], cases[0]) == (cases[:], cases[-1], next(iter(cases)))
    assert cases[0] in cases
    assert copy.deepcopy(cases)[:] == cases[:]
    with pytest.raises(IndexError):
        cases[2]


def test_the_user_cannot_change_the_data_set(tmp_path: Path) -> None:
    """A test that alters a case's input leaves the data set as it was."""
    write(tmp_path, {"x.jsonl": '{"id": "a", "input": {"k": []}}'})
    cases = read("x.jsonl", tmp_path).cases
    cases[0].input["k"].append(1)
    assert {"k": []} == cases[0].input


def test_rows_are_kept_small(tmp_path: Path) -> None:
    """A short row costs under 400 bytes while it is read: a million fit in 500 MB."""
    count = 20_000
    with (tmp_path / "x.jsonl").open("w") as stream:
        for at in range(count):
            stream.write(
                json.dumps({"id": f"case-{at:07}", "input": "x" * 60, "expected": f"answer {at}"})
                + "\n"
            )
    read("x.jsonl", tmp_path, fields={"input": "input"})  # imports are not counted
    tracemalloc.start()
    try:
        found = read("x.jsonl", tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (count, True) == (len(found.cases), peak / count < 400), peak / count


def test_a_fault_anywhere_refuses_all(tmp_path: Path) -> None:
    """A fault in the last row of the last file leaves no part of the data set."""
    write(tmp_path, {"a.jsonl": '{"id": "a"}', "b.jsonl": '{"id": "b"}\n{"id": '})
    with pytest.raises(AiloopError) as caught:
        read(["a.jsonl", "b.jsonl"], tmp_path)
    assert "b.jsonl:2: not valid JSON at column 8: Expecting value, got the end" == str(
        caught.value
    )
    assert isinstance(caught.value, DatasetError)
    assert ("b.jsonl", 2) == (caught.value.path, caught.value.line)
