"""Why a score moved: what the section and a gate's report say of what changed since."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from pytest_ailoop import cli
from tests.fakes.openai_server import FakeServer
from tests.fakes.right import Evals, told

PROMPT = 'prompt="say.prompt.md"'


@pytest.fixture
def evals(project: Any) -> Evals:
    """Forty cases of which the first so many pass, under a prompt."""
    project.write("say.prompt.md", "Say {{ input }}")
    return Evals(project, cases=40, axes=PROMPT, takes="case, prompt")


def test_a_changed_prompt_is_named_below_the_row(evals: Evals, workers: tuple[str, ...]) -> None:
    """Where a score moved, the row says what changed since the baseline."""
    evals.run(40, "--snapshot-update")
    evals.project.write("say.prompt.md", "Tell {{ input }}")
    result = evals.run(38, *workers)
    words = ". changed since the baseline: prompt say (40 of 40 cases)"
    assert words in told(result)
    assert words not in told(evals.run(40, *workers))


def test_the_gate_says_it_once(evals: Evals, workers: tuple[str, ...]) -> None:
    """Under a comparison the line stands at the gate, with the flipped cases, worst first."""
    evals.write("no_regression(0.05)")
    evals.run(40, "--snapshot-update")
    shown = told(evals.run(20, *workers))
    assert 2 == shown.count("nothing of ours changed since the baseline: same prompts, checks")
    assert ". nothing of ours" not in shown
    assert "fell: c20 1 -> 0, c21 1 -> 0," in shown
    (found,) = evals.project.run_json()["gates"]
    assert 2 == len(found["since"])
    assert ["c20", 1.0, 0.0] == found["facts"]["fell"][0]


def test_what_is_asked_of_a_model_is_named(project: Any) -> None:
    """Name and parameters in the configuration, each by itself; another port would be neither."""
    project.write("say.prompt.md", "Say {{ input }}")
    axes = f'{PROMPT}, model="mini"'
    evals = Evals(project, cases=3, axes=axes, takes="case, prompt, model")
    args: tuple[str, ...] = ("--snapshot-update",)
    both = "name of the model mini (3 of 3 cases); parameters of the model mini (3 of 3 cases)"
    for right, name, temperature, words in (
        (3, "mini-1", 0, ""),
        (2, "mini-1", 1, "parameters of the model mini (3 of 3 cases)"),
        (2, "mini-2", 0, "name of the model mini (3 of 3 cases)"),
        (2, "mini-2", 1, both),
    ):
        config = f'model = "{name}"\nparameters = {{temperature = {temperature}}}\n'
        project.write("ailoop.toml", f"[models.mini]\n{config}")
        result = evals.run(right, *args)
        assert not words or f"changed since the baseline: {words}" in told(result)
        args = ()
    assert '"asked": {"mini": "' in project.baseline().read_text()


JUDGED = """
import pathlib

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_it(case, llm):
    await expect(await llm(case.input)).to(judge("Is it kind?", model="wise"))
    right = int(pathlib.Path(__file__).with_name("right.txt").read_text())
    expect(int(case.id[1:]) < right).to(equals(True))
"""


def test_the_model_that_answered_for_a_judge_is_named(
    project: Any, workers: tuple[str, ...]
) -> None:
    """Where another one answers under the name that is asked, scores may move by it."""
    with FakeServer() as server:
        models = (f'[models.{one}]\nbase_url = "{server.url}"\n' for one in ("m", "wise"))
        project.write("ailoop.toml", "".join(models))
        evals = Evals(project, cases=3)
        project.eval(JUDGED)
        server.serves = {"m": "m-1", "wise": "wise-1"}
        live = ("--ailoop-replies=live", *workers)
        evals.run(3, "--snapshot-update", *live)
        assert '"models": ["m-1"], "judges": ["wise-1"]' in evals.kept()
        server.serves = {"m": "m-1", "wise": "wise-2"}
        words = "changed since the baseline: judge answered by wise-2, was wise-1 (3 of 3 cases)"
        assert words in told(evals.run(2, *live))


def git(project: Any, *arguments: str) -> str:
    name = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", *name, *arguments], cwd=project.path, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


def test_how_far_the_code_went_is_told(
    project: Any,
    workers: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the commit of the baseline's file to that of the run, after what changed of ours."""
    evals = Evals(project, cases=3)
    project.write(".gitignore", "__pycache__\n.ailoop\n")
    evals.run(3, "--snapshot-update")
    git(project, "init", "-q")
    commits = []
    for number in "12":
        project.write("app.py", number)
        git(project, "add", ".")
        git(project, "commit", "-qm", number)
        commits.append(git(project, "rev-parse", "HEAD")[:7])
    way = " -> ".join(commits)
    result = told(evals.run(2, *workers))
    words = f"2 files in git (app.py, right.txt); code: {way}, 1 commit, 1 file not committed"
    assert f"changed since the baseline: {words}" in result
    monkeypatch.chdir(project.path)
    evals.run(3)
    project.write("app.py", "3")
    git(project, "commit", "-qam", "3")
    evals.run(1)
    first, second = project.runs[-2:]
    assert 1 == cli.main(["compare", first.name, second.name])
    now = git(project, "rev-parse", "HEAD")[:7]
    words = f"code: {commits[1]} -> {now}, 1 commit, changes not committed in B"
    assert words in " ".join(capsys.readouterr().out.split())
