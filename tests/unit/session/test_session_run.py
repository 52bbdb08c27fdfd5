"""A run from records to outcome, files and baselines."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_ailoop import redaction
from pytest_ailoop.baseline.books import Baselines
from pytest_ailoop.data.call import Call, Usage
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.record import Fault, ItemKey, ItemRecord, Plan, PlannedTest
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report import runs
from pytest_ailoop.session import Outcome, Session, settle
from pytest_ailoop.settings import Settings

MODULE = "evals/test_support.py"
MINI, LOCAL = Variant(model="mini"), Variant(model="local")
CASES = ("a", "b", "c")
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ALL = ("new", "improved", "regressed", "prune")


def plan(*cases: str, **changes: object) -> Plan:
    names = cases or CASES
    test = PlannedTest(
        module=MODULE,
        test="test_answers",
        variants=(MINI, LOCAL),
        dataset=DatasetFacts(
            name="x.jsonl", digest="s1", size=len(names), case_digests=dict.fromkeys(names, "d1")
        ),
        selected=names,
        trials=dict.fromkeys(names, 1),
    )
    values = {"tests": (test,), "whole_modules": (MODULE,)}
    return Plan(**{**values, **changes})  # type: ignore[arg-type]


def record(
    case: str, variant: Variant = MINI, *, good: bool = True, **changes: object
) -> ItemRecord:
    standing = "met" if good else "missed"
    values: dict[str, object] = {
        "key": ItemKey(module=MODULE, test="test_answers", variant=variant, case=case),
        "nodeid": f"{MODULE}::test_answers[{case}-{variant.model}]",
        "outcome": "passed" if good else "failed",
        "case_digest": "d1",
        "scores": (
            Score(name="contains", value=float(good), check="c1", reason="has it"),
            Score(name="passed", value=float(good), kind="outcome"),
        ),
        "expectations": (Expectation(name="contains", standing=standing, at_least=1.0),),
        "calls": (
            Call(
                digest="r1",
                path="/chat/completions",
                origin="recording",
                model_asked="mini",
                model_answered="mini-2026",
                usage=Usage(input_tokens=10, output_tokens=5),
                cost=0.001,
                latency=0.5,
                prompt_text="user: hello",
                reply_text="hi",
            ),
        ),
        "output": "hi",
        "output_digest": "o1",
        "duration": random.random(),
    }
    return ItemRecord(**{**values, **changes})  # type: ignore[arg-type]


def both(*, bad: tuple[str, ...] = (), cases: tuple[str, ...] = CASES) -> list[ItemRecord]:
    return [record(one, each, good=one not in bad) for one in cases for each in (MINI, LOCAL)]


def run(
    root: Path,
    records: list[ItemRecord],
    *,
    planned: Plan | None = None,
    status: int = 0,
    **settings: object,
) -> Outcome:
    session = Session(Settings(root=root, **settings))  # type: ignore[arg-type]
    session.plan(planned or plan())
    for one in records:
        session.add(one)
    return session.finish(exit_status=status, started=STARTED, duration=1.5, arguments=["evals"])


def baseline(root: Path) -> Path:
    return root / "evals" / "__snapshots__" / "test_support.ailoop"


def test_the_order_of_records_changes_no_byte(tmp_path: Path) -> None:
    """Results, baseline and rows are the same whatever order the records came in."""
    found = []
    for number in range(3):
        root = tmp_path / str(number)
        root.mkdir()
        records = both(bad=("b",))
        random.Random(number).shuffle(records)
        outcome = run(root, records, accept=ALL)
        assert outcome.folder is not None
        results = (outcome.folder / "results.jsonl").read_bytes()
        shown = replace(outcome.report, run="")
        found.append((results, baseline(root).read_bytes(), repr(shown)))
    assert found[0] == found[1] == found[2]


def test_a_run_is_read_back_equal(tmp_path: Path) -> None:
    """What was kept is the run and its records, in plan order."""
    outcome = run(tmp_path, list(reversed(both())))
    assert outcome.folder is not None
    stored = runs.read(outcome.folder)
    assert stored.run == outcome.run
    assert stored.records == outcome.records
    assert [one.key.case for one in stored.records] == ["a", "b", "c", "a", "b", "c"]
    assert outcome.run.counts == {"missing": 0, "passed": 6}
    assert outcome.run.models == {"mini": ("mini-2026",)}


def test_the_working_folder_hides_itself_from_git(tmp_path: Path) -> None:
    """The run's folder is this user's only, and its parent ignores itself."""
    outcome = run(tmp_path, both())
    assert outcome.folder is not None
    assert (tmp_path / ".ailoop" / ".gitignore").read_text().endswith("*\n")
    assert (outcome.folder.stat().st_mode & 0o777) == 0o700
    assert ((outcome.folder / "run.json").stat().st_mode & 0o777) == 0o600


def test_accept_then_compare_is_unchanged(tmp_path: Path) -> None:
    """A run that was accepted stands unchanged to itself, and does not touch the file again."""
    first = run(tmp_path, both(), accept=ALL)
    assert first.comparison.counts == {"new": 6}
    assert first.accepted == ("accepted 6 new",)
    before = baseline(tmp_path).stat().st_mtime_ns
    second = run(tmp_path, both(), accept=ALL)
    assert second.comparison.counts == {"unchanged": 6}
    assert second.accepted == ("nothing to accept",)
    assert baseline(tmp_path).stat().st_mtime_ns == before
    assert not second.broken


def test_without_accepting_nothing_is_written(tmp_path: Path) -> None:
    """A run that was not asked to accept makes no baseline."""
    assert run(tmp_path, both()).comparison.counts == {"new": 6}
    assert not baseline(tmp_path).exists()


def test_ci_never_accepts_unless_forced(tmp_path: Path) -> None:
    """Under CI accepting is refused in words and red; forced it is done."""
    refused = run(tmp_path, both(), accept=ALL, ci=True)
    assert refused.refused[0].startswith("not accepted: CI is set, and CI never accepts by itself")
    assert refused.broken
    assert not baseline(tmp_path).exists()
    forced = run(tmp_path, both(), accept=ALL, ci=True, force=True)
    assert (forced.accepted, forced.broken) == (("accepted 6 new",), False)


def test_a_damaged_baseline_is_red_and_untouched(tmp_path: Path) -> None:
    """Damage is named with its line, its cases are not new, and accepting leaves the file."""
    run(tmp_path, both(), accept=ALL)
    text = baseline(tmp_path).read_text() + "=======\n"
    baseline(tmp_path).write_text(text)
    outcome = run(tmp_path, both(), accept=ALL)
    assert outcome.broken
    where = "evals/__snapshots__/test_support.ailoop:9: "
    assert outcome.faults[0].startswith(f"baseline unreadable: {where}")
    assert outcome.comparison.counts == {"not compared": 6}
    assert outcome.refused == ("nothing of evals/test_support.py accepted",)
    assert baseline(tmp_path).read_text() == text


def test_lost_items_are_missing_by_name(tmp_path: Path) -> None:
    """Planned items without a record are named, and the comparison says it is incomplete."""
    outcome = run(tmp_path, both()[:-1], planned=plan(narrowed=("worker gw1 crashed",)))
    assert [(one.case, one.variant.model) for one in outcome.missing] == [("c", "local")]
    assert outcome.run.counts["missing"] == 1
    assert outcome.comparison.incomplete == (
        "worker gw1 crashed",
        "1 planned case did not run",
    )


def test_partial_runs_touch_only_what_they_measured(tmp_path: Path) -> None:
    """Accepting a run of one case leaves the lines of all others as they were."""
    run(tmp_path, both(), accept=ALL)
    before = baseline(tmp_path).read_text().splitlines()
    part = run(tmp_path, [record("b", good=False)], accept=ALL, status=1)
    assert part.comparison.counts == {"not run": 5, "regressed": 1}
    after = baseline(tmp_path).read_text().splitlines()
    assert len(before) == len(after)
    changed = [line for line in after if line not in before]
    assert [json.loads(line)["case"] for line in changed] == ["b"]


@pytest.mark.parametrize(
    ("records", "status", "gone"),
    [(both(cases=("a",)), 0, True), (both(cases=("a",)), 1, False), ([record("a")], 0, False)],
)
def test_pruning_needs_a_complete_passing_run(
    tmp_path: Path, records: list[ItemRecord], status: int, gone: bool
) -> None:
    """Lines of cases that left the data set go only where every planned item ran and passed."""
    run(tmp_path, both(), accept=ALL)
    outcome = run(tmp_path, records, planned=plan("a"), status=status, accept=ALL)
    assert gone == ('"case": "b"' not in baseline(tmp_path).read_text())
    told = any("pruning needs a complete run that passes" in one for one in outcome.accepted)
    assert told == (not gone)
    assert not outcome.broken


def test_a_rerun_replaces_its_record(tmp_path: Path) -> None:
    """The last record of an item counts."""
    records = [record("a", good=False), *both()]
    assert run(tmp_path, records).run.counts == {"missing": 0, "passed": 6}


def test_nan_is_unscored(tmp_path: Path) -> None:
    """A score that is no number is kept as not scored, and its case has no entry."""
    odd = record("a", scores=(Score(name="x", value=float("nan")),))
    outcome = run(tmp_path, [odd, *both()[1:]])
    assert outcome.records[0].scores[0].not_scored == "the value nan is no finite number"
    assert outcome.comparison.counts == {"new": 5, "not measured": 1}


def test_an_error_is_no_measurement(tmp_path: Path) -> None:
    """An item that errored stays out of the baseline when all is accepted."""
    broken = record("a", outcome="error", scores=(), fault=Fault(type="Timeout", message="x"))
    outcome = run(tmp_path, [broken, *both()[1:]], accept=ALL)
    assert outcome.comparison.counts == {"new": 5, "not measured": 1}
    assert '"case": "a", ' in baseline(tmp_path).read_text()
    assert len(baseline(tmp_path).read_text().splitlines()) == 2 + 5


def test_secrets_do_not_reach_run_files(tmp_path: Path) -> None:
    """A known secret is masked in texts and names, and numbers stay numbers."""
    redaction.learn("sk-canary-123456")
    redaction.learn("12345678")
    try:
        outcome = run(
            tmp_path,
            [record("a", output="key sk-canary-123456 \n", duration=0.12345678), *both()[1:]],
        )
    finally:
        redaction.forget()
    assert outcome.folder is not None
    for path in outcome.folder.iterdir():
        assert "canary" not in path.read_text()
    assert runs.read(outcome.folder).records[0].output == "key [secret] \n"


def test_no_absolute_path_is_kept(tmp_path: Path) -> None:
    """Arguments below the root become relative, others lose their folders."""
    session = Session(Settings(root=tmp_path))
    session.plan(plan())
    arguments = [f"{tmp_path}/evals", "--junitxml=/home/me/x.xml", "-k", "a"]
    outcome = session.finish(exit_status=0, started=STARTED, duration=0, arguments=arguments)
    assert outcome.run.options["arguments"] == ["evals", "--junitxml=x.xml", "-k", "a"]
    assert outcome.folder is not None
    assert str(tmp_path) not in (outcome.folder / "run.json").read_text()


def test_lineage_names_commit_and_changes(tmp_path: Path) -> None:
    """In a repository the commit is kept, and a digest of uncommitted changes."""

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "x").write_text("1")
    (tmp_path / ".gitignore").write_text(".ailoop/\n")
    git("add", ".")
    git("commit", "-q", "-m", "x")
    clean = run(tmp_path, both()).run
    assert (clean.commit, clean.dirty) == (git("rev-parse", "HEAD"), None)
    (tmp_path / "x").write_text("2")
    first = run(tmp_path, both()).run.dirty
    assert first is not None
    assert run(tmp_path, both()).run.dirty == first
    (tmp_path / "x").write_text("3")
    assert run(tmp_path, both()).run.dirty not in (None, first)


def test_a_kept_run_can_be_accepted_later(tmp_path: Path) -> None:
    """Accepting from files gives the same baseline as accepting at the end of the run."""
    outcome = run(tmp_path, both(bad=("b",)), status=1)
    assert outcome.folder is not None
    stored = runs.read(outcome.folder)
    settle(Baselines.of(tmp_path, stored.run.plan), stored.run, stored.records, kinds=ALL)  # type: ignore[arg-type]
    late = baseline(tmp_path).read_bytes()
    baseline(tmp_path).unlink()
    run(tmp_path, both(bad=("b",)), status=1, accept=ALL)
    assert baseline(tmp_path).read_bytes() == late


def test_runs_of_one_second_stand_in_order(tmp_path: Path) -> None:
    """The latest run is the one that began last, also among runs of the same second."""
    found = []
    for micro in (900_000, 20, 450_000, 60):
        session = Session(Settings(root=tmp_path))
        session.plan(plan())
        started = STARTED.replace(microsecond=micro)
        found.append(session.finish(exit_status=0, started=started, duration=1).run.id)
    assert sorted(found) == [found[1], found[3], found[2], found[0]] == runs.names(tmp_path)
    assert runs.latest(tmp_path).name == found[0]
