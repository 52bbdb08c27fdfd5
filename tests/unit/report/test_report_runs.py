"""Run files: damage is named, names are found, the published schemas are current."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from pytest_ailoop import redaction
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.record import (
    Fault,
    ItemKey,
    ItemRecord,
    Plan,
    PlannedTest,
    RunRecord,
)
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.errors import RunError
from pytest_ailoop.report import runs, schemas

VARIANT = Variant(model="mini", params=(("temperature", 0.5), ("stop", ["a"])))


def stored(root: Path, name: str = "20260102-030405-abcd") -> Path:
    test = PlannedTest(
        module="t.py",
        test="test_x",
        variants=(VARIANT,),
        dataset=DatasetFacts(name="x", digest="d", size=1, case_digests={"a": "d1"}),
        selected=("a",),
        trials={"a": 1},
    )
    run = RunRecord(
        id=name, started="2026-01-02T03:04:05+00:00", duration=1.0, plan=Plan(tests=(test,))
    )
    record = ItemRecord(
        key=ItemKey(module="t.py", test="test_x", variant=VARIANT, case="a"),
        nodeid="t.py::test_x[a]",
        outcome="failed",
        case_digest="d1",
        scores=(Score(name="x", value=0.5),),
        expectations=(Expectation(name="x", standing="missed"),),
        fault=Fault(type="Missed", message="x \ud800"),
        duration=0.25,
    )
    return runs.write(root, run, [record])


def test_what_is_written_fits_the_published_types(tmp_path: Path) -> None:
    """The files validate strictly against the nouns that the schemas are made from."""
    folder = stored(tmp_path)
    for name, noun in (("run.json", RunRecord), ("results.jsonl", ItemRecord)):
        text = (folder / name).read_text().strip()
        TypeAdapter(noun).validate_json(text, strict=True)
        schema = schemas.published()[f"{name.split('.')[0]}.schema.json"]
        assert set(schema["required"]) <= set(json.loads(text)) <= set(schema["properties"])


def test_published_schemas_are_current() -> None:
    """The schema files are what the nouns give (python -m pytest_ailoop.report.schemas)."""
    kept = {path.name: path.read_text() for path in schemas.folder().iterdir()}
    assert kept == schemas.texts()


def test_axes_and_durations_come_back(tmp_path: Path) -> None:
    """A variant with a list on an axis and a body's duration are read back equal."""
    found = runs.read(stored(tmp_path))
    assert found.records[0].key.variant == VARIANT
    assert found.records[0].duration == 0.25
    assert found.run.plan.tests[0].variants == (VARIANT,)


DAMAGE = [
    ("run.json", "{", "run.json: is not JSON"),
    ("run.json", "[]", "run.json: is no run record"),
    ("run.json", '{"schema": 2}', "has schema 2, this pytest-ailoop reads up to 1"),
    ("run.json", None, "run.json: cannot be read"),
    ("results.jsonl", '{"key": 1}\n', "results.jsonl:1: is no item record"),
    ("results.jsonl", "[" * 9000, "results.jsonl:1: is no item record"),
    ("results.jsonl", None, "results.jsonl: cannot be read"),
    ("timings.json", "3", "timings.json: expected an object, got int"),
]


@pytest.mark.parametrize(("name", "text", "message"), DAMAGE)
def test_damage_is_named_with_its_file(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    """A run that cannot be read whole is refused, with file and line."""
    folder = stored(tmp_path)
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    with pytest.raises(RunError) as caught:
        runs.read(folder)
    assert f".ailoop/runs/{folder.name}/" in str(caught.value)
    assert message in str(caught.value)


def test_runs_are_found_by_any_clear_name(tmp_path: Path) -> None:
    """The newest, a whole id, its beginning or its end name a run."""
    one, two = stored(tmp_path, "20260101-000000-aaaa"), stored(tmp_path, "20260102-000000-bbbb")
    for name, expected in (
        (None, two),
        ("latest", two),
        (one.name, one),
        ("20260101", one),
        ("aaaa", one),
    ):
        assert runs.find(tmp_path, name) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2026", "is not one run: 20260101-000000-aaaa, 20260102-000000-bbbb"),
        ("../../etc", "no run '../../etc' under .ailoop/runs; the newest are"),
        ("", "no run ''"),
    ],
)
def test_an_unclear_name_is_refused(tmp_path: Path, name: str, message: str) -> None:
    """A name that fits several runs or none is an error; it is never a path."""
    stored(tmp_path, "20260101-000000-aaaa")
    stored(tmp_path, "20260102-000000-bbbb")
    with pytest.raises(RunError) as caught:
        runs.find(tmp_path, name)
    assert message in str(caught.value)


def test_a_half_written_run_does_not_count(tmp_path: Path) -> None:
    """Without its run.json a folder is no run, and without runs the message says what to do."""
    (stored(tmp_path) / "run.json").unlink()
    with pytest.raises(RunError, match="run pytest with evals first"):
        runs.latest(tmp_path)


@pytest.mark.parametrize("place", [0, 1999, 3999])
def test_a_secret_is_masked_wherever_it_stands(tmp_path: Path, place: int) -> None:
    """A long plan is looked through part by part, to its end."""
    redaction.learn("sk-canary-654321")
    names = [f"case-{number}" for number in range(4000)]
    names[place] = "about sk-canary-654321"
    facts = DatasetFacts(name="x", digest="d", size=4000, case_digests=dict.fromkeys(names, "d1"))
    test = PlannedTest(
        module="t.py", test="t", variants=(Variant(),), dataset=facts, selected=(), trials={}
    )
    plan = Plan(tests=(test,))
    run = RunRecord(id="r", started="2026-01-02T03:04:05+00:00", duration=1.0, plan=plan)
    text = (runs.write(tmp_path, run, []) / "run.json").read_text()
    assert "canary" not in text
    kept = json.loads(text)["plan"]["tests"][0]["dataset"]["case_digests"]
    assert [name for name in names if name not in kept] == [names[place]]
    assert len(kept) == 4000
