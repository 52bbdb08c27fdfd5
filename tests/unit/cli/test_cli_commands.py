"""The command `ailoop` on kept runs, without running anything."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_ailoop.cli import main
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, PlannedTest
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.session import Session
from pytest_ailoop.settings import Settings

MODULE = "evals/test_support.py"
MINI = Variant(model="mini")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "evals").mkdir()
    (tmp_path / MODULE).touch()
    return tmp_path


def record(case: str, good: bool) -> ItemRecord:
    return ItemRecord(
        key=ItemKey(module=MODULE, test="test_answers", variant=MINI, case=case),
        nodeid=f"{MODULE}::test_answers[{case}]",
        outcome="passed" if good else "failed",
        case_digest="d1",
        scores=(Score(name="passed", value=float(good), kind="outcome"),),
        expectations=(
            Expectation(name="contains", standing="met" if good else "missed", reason="no 'x'"),
        ),
        output="hi",
    )


def keep(root: Path, *, day: int = 1, bad: tuple[str, ...] = (), lost: tuple[str, ...] = ()) -> str:
    cases = ("a", "b", "c")
    test = PlannedTest(
        module=MODULE,
        test="test_answers",
        variants=(MINI,),
        dataset=DatasetFacts(
            name="x.jsonl", digest="s", size=3, case_digests=dict.fromkeys(cases, "d1")
        ),
        selected=cases,
        trials=dict.fromkeys(cases, 1),
    )
    session = Session(Settings(root=root))
    session.plan(Plan(tests=(test,), whole_modules=(MODULE,)))
    for case in cases:
        if case not in lost:
            session.add(record(case, case not in bad))
    status = 1 if bad or lost else 0
    started = datetime(2026, 1, day, tzinfo=UTC)
    return session.finish(exit_status=status, started=started, duration=1).run.id


def baseline(root: Path) -> Path:
    return root / "evals" / "__snapshots__" / "test_support.ailoop"


def test_accept_makes_a_kept_run_the_baseline(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The newest run is accepted without running anything, and then nothing is left to accept."""
    name = keep(project)
    assert main(["accept"]) == 0
    assert capsys.readouterr().out == f"run {name}\n  accepted 3 new\n"
    assert len(baseline(project).read_text().splitlines()) == 5
    assert main(["accept"]) == 0
    assert "nothing to accept" in capsys.readouterr().out


@pytest.mark.parametrize("module", ["../../evil.py", "evals/gone.py", "evals/notes.md"])
def test_a_run_of_other_modules_is_not_accepted(
    project: Path, module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run folder may come from elsewhere: it cannot make files beside what is no module here."""
    name = keep(project)
    (project / "evals" / "notes.md").touch()
    for path in (project / ".ailoop" / "runs" / name).iterdir():
        path.write_text(path.read_text("utf-8").replace(MODULE, module), "utf-8")
    before = sorted(project.parent.rglob("*"))
    assert main(["accept"]) == 2
    assert f"evaluated '{module}', which is not in this project" in capsys.readouterr().err
    assert before == sorted(project.parent.rglob("*"))


def test_a_row_that_stands_twice_is_damage(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counted twice, it would change what is accepted."""
    name = keep(project)
    path = project / ".ailoop" / "runs" / name / "results.jsonl"
    path.write_text(path.read_text("utf-8") * 2, "utf-8")
    assert main(["accept"]) == 2
    assert (
        "results.jsonl:4: evals/test_support.py::test_answers[a] stands twice, first on line 1"
        in (capsys.readouterr().err)
    )


def test_accept_is_refused_under_ci(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With CI set nothing is written and the exit code says so; --force does it."""
    keep(project)
    monkeypatch.setenv("CI", "true")
    assert main(["accept"]) == 1
    assert "CI never accepts by itself" in capsys.readouterr().out
    assert not baseline(project).exists()
    assert main(["accept", "--force"]) == 0
    assert baseline(project).exists()


def test_accept_only_some_kinds(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--only accepts its kinds and says what is left."""
    keep(project)
    main(["accept"])
    before = baseline(project).read_text()
    keep(project, day=2, bad=("b",))
    assert main(["accept", "--only", "new,improved"]) == 0
    assert baseline(project).read_text() == before
    assert "left 1 regressed (accepted by regressed)" in capsys.readouterr().out
    assert main(["accept", "--only", "regressed"]) == 0
    assert baseline(project).read_text() != before


def test_a_damaged_baseline_is_not_accepted_over(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Damage is named and left alone."""
    keep(project)
    baseline(project).parent.mkdir(parents=True, exist_ok=True)
    baseline(project).write_text("<<<<<<< HEAD\n")
    assert main(["accept"]) == 1
    assert "test_support.ailoop:1: has git conflict markers" in capsys.readouterr().out
    assert baseline(project).read_text() == "<<<<<<< HEAD\n"


def test_show_tells_a_run_again(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The section of the run is shown, with what is missing, from a folder below too."""
    name = keep(project, bad=("b",), lost=("c",))
    assert main(["show"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"run {name}, 2026-01-01T00:00:00+00:00\n")
    assert "without a result: 1 of 3 items" in shown
    assert "incomplete: 1 planned case did not run" in shown
    assert "\x1b" not in shown


def test_show_one_case(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A case is told in full; one that is not there is a clear error."""
    name = keep(project, bad=("b",))
    assert main(["show", name[:8], "--case", "b"]) == 0
    assert "  MISS contains: no 'x'" in capsys.readouterr().out
    assert main(["show", "--case", "bb"]) == 2
    assert capsys.readouterr().err == (f"ailoop: run {name} has no case 'bb'; did you mean 'b'?\n")


def test_compare_two_runs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two runs are compared case by case; the exit code says whether they differ."""
    first, second = keep(project), keep(project, day=2, bad=("b",))
    assert main(["compare", first, second]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"A: run {first}",
        f"B: run {second}",
        "  passed, cases in both  n     A    B  B against A",
        "  test_answers mini      3  100%  67%           -1",
        "test_answers mini: nothing of ours changed since A: same checks, data -> the model or "
        "the code moved",
        "changed cases:",
        "  - test_answers[b, mini]  regressed; passed 1 -> 0",
    ]
    assert main(["compare", first, first]) == 0


def test_compare_with_the_baseline(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run can stand against the baseline, on either side; what did not run is incomplete."""
    keep(project)
    main(["accept"])
    name = keep(project, day=2, lost=("c",))
    capsys.readouterr()
    assert main(["compare", "baseline", name]) == 1
    assert "incomplete: 1 planned case did not run\n" in capsys.readouterr().out
    assert main(["compare", name, "baseline"]) == 1
    assert main(["compare", "baseline", "baseline"]) == 2


FAULTS = [
    (["show"], "ailoop: no .ailoop/runs here or above: run pytest with evals first"),
    (["accept", "--only", "improve"], "ailoop: --only: expected some of new, improved"),
    (["accept", "--only", ","], "ailoop: --only: expected some of new, improved"),
]


@pytest.mark.parametrize(("arguments", "message"), FAULTS)
def test_faults_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be carried out is one line on standard error, and exit code 2."""
    assert main(arguments) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.startswith(message)
    assert found.err.count("\n") == 1


def test_an_unknown_run_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that is not kept is an error that lists the newest ones."""
    name = keep(project)
    assert main(["show", "\x1b[31m../x"]) == 2
    found = capsys.readouterr().err
    assert f"the newest are {name}" in found
    assert "\x1b" not in found


def test_usage_faults_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """No command prints the help, an unknown one is argparse's error."""
    assert main([]) == 2
    assert "accept" in capsys.readouterr().out
    assert main(["nonsense"]) == 2
    assert main(["--version"]) == 0


def test_init_writes_a_first_eval_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The files are valid, and a second time nothing is overwritten."""
    assert main(["init"]) == 0
    ast.parse((project / "evals" / "test_first.py").read_text())
    for line in (project / "evals" / "first.jsonl").read_text().splitlines():
        assert {"id", "input", "expected"} == set(json.loads(line))
    (project / "evals" / "first.jsonl").write_text("mine")
    (project / "evals" / "test_first.py").unlink()
    capsys.readouterr()
    assert main(["init"]) == 2
    assert capsys.readouterr().err == (
        "ailoop: evals/first.jsonl is there already; nothing was written. "
        "Another folder: ailoop init FOLDER\n"
    )
    assert (project / "evals" / "first.jsonl").read_text() == "mine"
    assert not (project / "evals" / "test_first.py").exists()


def test_the_command_is_a_module_too() -> None:
    """`python -m pytest_ailoop` is the same command."""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "pytest_ailoop", "--version"],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert (done.returncode, done.stdout.startswith("pytest-ailoop ")) == (0, True), done.stderr
