"""Which files and folders a data set is read from, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.dataset.load import Dataset
from tests.unit.dataset.loading import FILES, read, refused, write


def sources(found: Dataset) -> list[tuple[str, str]]:
    return [(case.id, case.source) for case in found.cases]


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
