"""Several runs of one commit become the baseline together, each draw of the model once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from math import fsum
from typing import Any

import pytest

from pytest_ailoop import cli
from tests.fakes.openai_server import FakeServer
from tests.fakes.right import told

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="m", gate=[pass_rate(0.5)])
async def test_it(case, llm):
    reply = await llm(case.input)
    record("number", int(reply.text.rpartition("#")[2]))
    expect(reply).to(contains("echo"))
"""

LIVE = "--ailoop-replies=live"


@pytest.fixture
def server(project: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A committed project whose model gives another answer to every call."""
    with FakeServer(numbered=True) as running:
        project.write(
            "pyproject.toml",
            f'[tool.pytest.ini_options]\n[tool.ailoop.models.m]\nbase_url = "{running.url}"\n',
        )
        project.write(".gitignore", ".ailoop/\n__pycache__/\n")
        project.eval(EVAL)
        git(project, "init", "-q")
        commit(project)
        monkeypatch.chdir(project.path)
        yield running


def git(project: Any, *arguments: str) -> None:
    name = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *name, *arguments], cwd=project.path, check=True, capture_output=True)


def commit(project: Any) -> None:
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")


def numbers(project: Any) -> dict[str, float]:
    """Return the number in each case's answer in the last run."""
    return {
        row["key"]["case"]: score["value"]
        for row in project.results()
        for score in row["scores"]
        if score["name"] == "number"
    }


def lines(project: Any) -> dict[str, tuple[int, float]]:
    """Return trials and mean number of each accepted case."""
    rows = map(json.loads, project.baseline().read_text().splitlines())
    return {
        one["case"]: (one["trials"], one["scores"]["number"]["mean"])
        for one in rows
        if "case" in one
    }


def test_draws_of_all_runs_are_accepted(
    project: Any, server: FakeServer, workers: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Live runs count each, one from the cache not again, in whatever order they are named."""
    seen = []
    for words in ((), (LIVE, *workers), (LIVE,)):
        project.run(*words)
        seen.append(numbers(project))
    project.run(*workers)
    assert 9 == server.calls
    names = [one.name for one in project.runs]
    capsys.readouterr()
    assert 0 == cli.main(["accept", *names])
    assert capsys.readouterr().out.splitlines() == [
        f"runs {', '.join(names)}",
        "  accepted 3 lines pooled over 4 runs (9 draws; 3 stored replies counted once)",
        "  accepted 3 new",
    ]
    means = {case: (3, round(fsum(one[case] for one in seen) / 3, 6)) for case in seen[0]}
    assert means == lines(project)
    before = project.baseline().read_bytes()
    assert 3 == before.count(b'"trials": 3, "runs": 3, ')
    result = project.run(*workers)
    assert "baseline (pooled over 3 runs): 3 " in told(result)
    assert "trials 3 of 3 runs -> 1 (3 of 3 cases)" in told(result)
    assert 1 == cli.main(["compare", "baseline", "latest"])
    assert "A: baseline (pooled over 3 runs)" in capsys.readouterr().out
    project.baseline().unlink()
    assert 0 == cli.main(["accept", *reversed(names)])
    assert before == project.baseline().read_bytes()


def test_runs_from_the_cache_add_nothing(
    project: Any, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run three times, drawn once: the lines are those of one run."""
    for _ in range(3):
        project.run()
    assert 0 == cli.main(["accept"])
    before = project.baseline().read_bytes()
    project.baseline().unlink()
    capsys.readouterr()
    assert 0 == cli.main(["accept", "--attempts"])
    assert "(3 draws; 6 stored replies counted once)" in capsys.readouterr().out
    assert before == project.baseline().read_bytes()


def test_attempts_find_themselves(
    project: Any, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report names the command; runs of another commit or of a part are none of them."""
    project.run(LIVE)
    project.write("notes.md", "more")
    commit(project)
    project.run(LIVE, "-k", "sun")
    assert "ailoop accept --only new" in told(project.run(LIVE))
    result = project.run(LIVE)
    assert "next: ailoop accept --attempts (accepts all 2 runs pooled, not the luckiest)" in told(
        result
    )
    capsys.readouterr()
    assert 0 == cli.main(["accept", "--attempts"])
    assert "accepted 3 lines pooled over 2 runs (6 draws)" in capsys.readouterr().out
    assert {2} == {trials for trials, _ in lines(project).values()}


def test_a_choice_among_runs_is_told(
    project: Any, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of three runs with answers of their own one or two are accepted; the cached one is none."""
    project.run()
    project.run()
    first, again = (one.name for one in project.runs)
    words = "left out: {} of this commit, changes and plan, with answers of their own; whoever"
    for name in (first, again):
        assert 0 == cli.main(["accept", name])
        assert "left out" not in capsys.readouterr().out
        project.baseline().unlink()
    for _ in range(2):
        project.run(LIVE)
    *_, third, last = (one.name for one in project.runs)
    for names, others in (
        ([last], "2 other runs"),
        ([first, last], "1 other run"),
        ([again, last], "1 other run"),
        ([first, third, last], ""),
        (["--attempts"], ""),
    ):
        assert 0 == cli.main(["accept", *names])
        out = " ".join(capsys.readouterr().out.split())
        assert (words.format(others) in out) if others else ("left out" not in out)
        project.baseline().unlink()


def test_what_does_not_fit_is_refused(
    project: Any, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name, and nothing is written: another commit, another plan, a part."""
    project.run(LIVE, "-k", "sun")
    project.run(LIVE)
    project.write("notes.md", "more")
    commit(project)
    project.run(LIVE, "--ailoop-trials=2")
    project.run(LIVE)
    part, old, more, _ = names = [one.name for one in project.runs]
    capsys.readouterr()
    assert 1 == cli.main(["accept", *names])
    out = capsys.readouterr().out
    assert f"not pooled: run {part} is of a part (" in out
    assert f"not pooled: run {old} is of commit " in out
    assert f"not pooled: run {more} is of another plan than run " in out
    assert "(other trials of test_it); next: leave it out" in out
    assert not project.baseline().exists()
    assert 0 == cli.main(["accept", names[3], old, "--force"])
    assert {2} == {trials for trials, _ in lines(project).values()}


def test_attempts_and_names_are_one_too_many(
    project: Any, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which runs are attempts is not said by hand; and a run named twice counts once."""
    project.run()
    name = project.runs[0].name
    assert 2 == cli.main(["accept", name, "--attempts"])
    assert "--attempts: finds the runs by itself" in capsys.readouterr().err
    assert 0 == cli.main(["accept", name, name])
    assert f"run {name}\n  accepted 3 new\n" == capsys.readouterr().out


def test_what_was_kept_from_a_run_is_no_second_draw(
    project: Any, server: FakeServer, workers: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that could not measure a case, and the one that went on with it, have one draw each."""
    lost = "    if case.id == 'mars' and pathlib.Path('.ailoop/lost').exists():\n"
    lost += "        raise errors.ReplyError('lost')\n    reply ="
    head = "import pathlib\nfrom pytest_ailoop import errors\n"
    project.eval(head + EVAL.replace("    reply =", lost))
    commit(project)
    project.write(".ailoop/lost", "")
    project.run(*workers)
    (project.path / ".ailoop" / "lost").unlink()
    project.run("--ailoop-resume", *workers)
    assert 3 == server.calls
    capsys.readouterr()
    assert 0 == cli.main(["accept", "--attempts"])
    assert "(3 draws; 2 results kept by --ailoop-resume counted once)" in capsys.readouterr().out
    assert {1} == {trials for trials, _ in lines(project).values()}
