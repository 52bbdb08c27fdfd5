"""The example projects run as their READMEs say, and find the numbers stated there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"
#: Right answers of 1,319 as published with the data.
PUBLISHED = {
    "6b_finetuning": 286,
    "6b_verification": 515,
    "175b_finetuning": 458,
    "175b_verification": 742,
}


def project(name: str, into: Path) -> Path:
    """Copy an example as it is committed, without what earlier runs left in it."""
    return Path(
        shutil.copytree(
            EXAMPLES / name,
            into / name,
            ignore=shutil.ignore_patterns(".ailoop", "__pycache__", ".pytest_cache"),
        )
    )


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in *folder* as a user does, without this machine's switches."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", "PYTHONPATH": str(EXAMPLES.parent)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def results(folder: Path) -> list[dict[str, Any]]:
    """Return the item records of the one run that *folder* holds."""
    (found,) = folder.glob(".ailoop/runs/*/results.jsonl")
    return [json.loads(line) for line in found.read_text(encoding="utf-8").splitlines()]


def scores(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an item's scores without that of its outcome."""
    return (score for score in record["scores"] if score["kind"] != "outcome")


def right(records: list[dict[str, Any]], axis: str) -> dict[str, int]:
    """Count items whose score is 1, by the value of an axis."""
    found: Counter[str] = Counter()
    for record in records:
        variant = record["key"]["variant"]
        value = variant.get(axis) or dict(variant.get("params") or ())[axis]
        found[value] += [score["value"] for score in scores(record)] == [1.0]
    return dict(found)


def committed(folder: Path) -> dict[str, bytes]:
    """Return the content of all files that git would see."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".ailoop", "__pycache__"} & set(path.parts)
    }


def test_quickstart_runs_from_its_recordings(tmp_path: Path) -> None:
    """72 items in under a minute, each reply a recorded one, nothing changed in the checkout."""
    folder = project("quickstart", tmp_path)
    before = committed(folder)
    start = time.monotonic()
    result = run(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert time.monotonic() - start < 60
    found = results(folder)
    assert 72 == len(found)
    assert {"recording"} == {call["origin"] for record in found for call in record["calls"]}
    assert 72 == sum(len(record["calls"]) for record in found)
    assert before == committed(folder)


def test_quickstart_scores_are_those_of_the_readme(tmp_path: Path) -> None:
    """The README's table of right answers is what the recordings give."""
    folder = project("quickstart", tmp_path)
    run(folder, "-q")
    stated = {
        cells[0].strip("` "): int(cells[1])
        for line in (folder / "README.md").read_text(encoding="utf-8").splitlines()
        if len(cells := line.strip("| ").split("|")) == 3 and cells[1].strip().isdecimal()
    }
    assert stated == right(results(folder), "prompt")


def test_quickstart_has_a_baseline_that_it_meets(tmp_path: Path) -> None:
    """Accepting the run as committed writes the same bytes."""
    folder = project("quickstart", tmp_path)
    before = committed(folder)
    assert {
        "evals/__snapshots__/test_intent.ailoop",
        "evals/__snapshots__/test_math.ailoop",
    } <= set(before)
    result = run(folder, "--snapshot-update")
    assert result.returncode == 0, result.stdout + result.stderr
    assert before == committed(folder)


def test_quickstart_tour_changes_a_prompt_and_accepts_it(tmp_path: Path) -> None:
    """The other version of the prompt is recorded too; the report names what moved."""
    folder = project("quickstart", tmp_path)
    prompts = folder / "evals" / "prompts"
    shutil.copy(prompts / "next" / "described.prompt.md", prompts)
    result = run(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "improved" in result.stdout
    baseline = folder / "evals" / "__snapshots__" / "test_intent.ailoop"
    before = baseline.read_bytes()
    accepted = run(folder, "--snapshot-update")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert before != baseline.read_bytes()
    again = run(folder)
    assert "improved" not in again.stdout
    assert "regressed" not in again.stdout


def test_quickstart_refuses_a_prompt_that_nobody_recorded(tmp_path: Path) -> None:
    """A changed word is an error that shows the word and the command that records."""
    folder = project("quickstart", tmp_path)
    prompt = folder / "evals" / "prompts" / "terse.prompt.md"
    prompt.write_text(prompt.read_text().replace("final number only", "lucky number only"))
    result = run(folder, "evals/test_math.py", "-k", "terse and gsm8k-0003")
    assert result.returncode != 0
    assert "lucky" in result.stdout
    assert "--ailoop-replies=record" in result.stdout


def test_recorded_solutions_reproduce_the_published_numbers(tmp_path: Path) -> None:
    """286, 515, 458 and 742 of 1,319 right, and no call made."""
    folder = project("recorded_solutions", tmp_path)
    result = run(folder, "-q")
    assert result.returncode == 0, result.stdout + result.stderr
    found = results(folder)
    assert 4 * 1319 == len(found)
    assert PUBLISHED == right(found, "solver")
    assert all(not record["calls"] for record in found)
    stated = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` | {count} |" in stated for name, count in PUBLISHED.items())
