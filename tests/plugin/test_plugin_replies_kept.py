"""`ailoop record`: replies that a run paid for become recordings, and no model is asked again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.fakes.openai_server import FakeServer

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="m", trials=2)
async def test_it(case, llm):
    expect(await llm(case.input)).to(contains("echo"))
"""


@pytest.fixture
def server(project) -> Iterator[FakeServer]:
    with FakeServer(numbered=True) as running:
        project.write(
            "pyproject.toml",
            f'[tool.pytest.ini_options]\n[tool.ailoop.models.m]\nbase_url = "{running.url}"\n',
        )
        project.eval(EVAL)
        yield running


def ailoop(project, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest_ailoop", *words]
    return subprocess.run(command, cwd=project.path, capture_output=True, text=True)


def test_kept_replies_become_recordings(project, server, monkeypatch, workers):
    """What `auto` was answered is replayed under CI without another call, reply by reply."""
    result = project.run(*workers)
    result.stdout.fnmatch_lines(["next: *ailoop record *"])
    paid, outputs = server.calls, [row["output"] for row in project.results()]
    done = ailoop(project, "record")
    assert (done.returncode, done.stderr) == (0, "")
    assert "recorded: __recordings__/test_eval.jsonl" in done.stdout
    server.stop()
    monkeypatch.setenv("CI", "true")
    project.run().assert_outcomes(passed=6)
    assert paid == server.calls
    assert outputs == [row["output"] for row in project.results()]


def test_recording_twice_changes_nothing(project, server):
    """A second time, and a run that was replayed, there is nothing new to keep."""
    project.run()
    ailoop(project, "record")
    recordings = project.path / "__recordings__" / "test_eval.jsonl"
    before = recordings.read_bytes()
    project.run("--ailoop-replies=replay")
    done = ailoop(project, "record")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing new" in done.stdout
    assert before == recordings.read_bytes()


def test_a_reply_that_is_gone_is_told(project, server):
    """Without the cache the command says what is lost and which command asks again."""
    project.run()
    for path in (project.path / ".ailoop").glob("cache.db*"):
        path.unlink()
    done = ailoop(project, "record")
    assert done.returncode == 1
    assert "6 calls" in done.stdout
    assert "pytest --ailoop-replies=record asks again" in done.stdout
    assert not (project.path / "__recordings__").exists()


def test_a_client_without_a_key_is_an_error(project):
    """`OpenAI()` without a key measures nothing: no failure of quality."""
    project.eval(
        """
import openai

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    assert openai.OpenAI().chat
"""
    )
    project.run("--ailoop-case=sun").assert_outcomes(errors=1)
    assert [row["outcome"] for row in project.results()] == ["error"]
