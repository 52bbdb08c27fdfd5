"""What a data set is once it was read: its digest, its facts, its cases."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ailoop.data.record import plain
from pytest_ailoop.errors import AiloopError, DatasetError
from tests.unit.dataset.loading import FILES, read, write


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
