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
from math import comb
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.stats.clustered import clustered_mean
from pytest_ailoop.stats.cross_checks import mcnemar
from pytest_ailoop.stats.paired import tango
from tests.test_docs import blocks_of, not_printed

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


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in *folder* as a user does, without this machine's switches."""
    ours = {"COLUMNS": "80", "PYTHONPATH": str(EXAMPLES.parent)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, **ours, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def results(folder: Path) -> list[dict[str, Any]]:
    """Return the item records of the one run that *folder* holds."""
    (found,) = folder.glob(".ailoop/runs/*/results.jsonl")
    return [json.loads(line) for line in found.read_text(encoding="utf-8").splitlines()]


def gates(folder: Path) -> list[dict[str, Any]]:
    """Return the gates' verdicts of the one run that *folder* holds."""
    (found,) = folder.glob(".ailoop/runs/*/run.json")
    verdicts: list[dict[str, Any]] = json.loads(found.read_text(encoding="utf-8"))["gates"]
    return verdicts


def stated(folder: Path) -> list[str]:
    """Return the blocks of output that the README of *folder* shows."""
    return [one.code for one in blocks_of(folder / "README.md") if one.language == "text"]


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


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quickstart after a run as its README says, which took less than a minute."""
    folder = project("quickstart", tmp_path_factory.mktemp("example"))
    start = time.monotonic()
    result = run(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert time.monotonic() - start < 60
    return folder


def test_quickstart_runs_from_its_recordings(quickstart: Path, tmp_path: Path) -> None:
    """72 items in under a minute, each reply a recorded one, nothing changed in the checkout."""
    found = results(quickstart)
    assert 72 == len(found)
    assert {"recording"} == {call["origin"] for record in found for call in record["calls"]}
    assert 72 == sum(len(record["calls"]) for record in found)
    assert committed(project("quickstart", tmp_path)) == committed(quickstart)


def test_quickstart_scores_are_those_of_the_readme(quickstart: Path) -> None:
    """The README's table of right answers is what the recordings give."""
    shown = {
        cells[0].strip("` "): int(cells[1])
        for line in (quickstart / "README.md").read_text(encoding="utf-8").splitlines()
        if len(cells := line.strip("| ").split("|")) == 3 and cells[1].strip().isdecimal()
    }
    assert shown == right(results(quickstart), "prompt")


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
    result = run(folder, "-q", "evals/test_solutions.py")
    assert result.returncode == 0, result.stdout + result.stderr
    found = results(folder)
    assert 4 * 1319 == len(found)
    assert PUBLISHED == right(found, "solver")
    assert all(not record["calls"] for record in found)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` | {count} |" in readme for name, count in PUBLISHED.items())


def test_another_solver_is_worse_than_the_accepted_one(tmp_path: Path) -> None:
    """209 losses, 152 gains: McNemar's p is .00315, the gate's is its one-sided form."""
    folder = project("recorded_solutions", tmp_path)
    result = run(folder, "-v", "evals/test_change.py", SOLVER="175b_finetuning")
    assert result.returncode == 1, result.stdout + result.stderr
    assert [] == [line for one in stated(folder) for line in not_printed(one, result.stdout)]
    (found,) = gates(folder)
    facts = found["facts"]
    assert ("regressed", 1319, 152, 209) == (
        found["status"],
        found["cases"],
        facts["better"],
        facts["worse"],
    )
    assert (515 / 1319, 458 / 1319) == pytest.approx((facts["base"], facts["candidate"]))
    published = (0.00315, 0.01436)
    assert published == pytest.approx((facts["mcnemar"], facts["standard_error"]), abs=5e-6)
    assert -0.0432 == pytest.approx(found["value"], abs=5e-5)
    both, one = mcnemar(152, 209), mcnemar(152, 209, "less")
    assert 0.003150656880360618 == pytest.approx(both.exact, rel=1e-9)
    assert (0.00158, 0.00135) == pytest.approx((one.exact, found["p"]), abs=5e-6)
    interval = tango(152, 209, 1319, 0.90)
    assert interval is not None
    assert (interval.low, interval.high) == (found["low"], found["high"])
    # So far from few cases, Tango's bounds are the difference -+ 1.645 paired standard errors.
    assert 0.01436 == pytest.approx((found["high"] - found["low"]) / 2 / 1.644854, abs=2e-5)


def test_the_accepted_solver_is_unchanged(tmp_path: Path) -> None:
    """As committed, the baseline is the run's, to the byte."""
    folder = project("recorded_solutions", tmp_path)
    before = committed(folder)
    result = run(folder, "-q", "evals/test_change.py", "--snapshot-update")
    assert result.returncode == 0, result.stdout + result.stderr
    assert ["unchanged"] == [one["status"] for one in gates(folder)]
    assert before == committed(folder)


def test_repeated_trials_count_by_task(tmp_path: Path) -> None:
    """pass^1..4 and pass@1..4 as published; the interval is that of 50 tasks, not of 200 runs."""
    folder = project("repeated_trials", tmp_path)
    result = run(folder, "-v")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [] == [line for one in stated(folder) for line in not_printed(one, result.stdout)]
    by_task: dict[str, list[float]] = {}
    for record in results(folder):
        (passed,) = (one["value"] for one in record["scores"] if one["kind"] == "outcome")
        by_task.setdefault(record["key"]["case"], []).append(passed)
    tasks = list(by_task.values())
    published = [(0.42, 0.42), (0.5667, 0.2733), (0.66, 0.22), (0.72, 0.2)]
    for expected, given in zip(published, powers(tasks), strict=True):
        assert expected == pytest.approx(given, abs=5e-5)
    found = clustered_mean(tasks)
    assert found is not None
    assert found.interval is not None
    assert (0.0522, 0.0350) == pytest.approx(
        (found.standard_error, found.iid_standard_error), abs=5e-5
    )
    mean, all_four = gates(folder)
    assert ("inconclusive", "passed") == (mean["status"], all_four["status"])
    # The gate's bounds have pseudo-observations besides, so that they have width without spread.
    by_t = (found.interval.low, found.interval.high)
    assert by_t == pytest.approx((mean["low"], mean["high"]), abs=0.007)


def powers(tasks: list[list[float]]) -> Iterator[tuple[float, float]]:
    """Yield pass@k and pass^k over *tasks* of four trials, for k from 1 to 4."""
    for k in range(1, 5):
        passed = [int(sum(one)) for one in tasks]
        yield (
            sum(1 - comb(4 - c, k) / comb(4, k) for c in passed) / len(tasks),
            sum(comb(c, k) / comb(4, k) for c in passed) / len(tasks),
        )
