"""pytest-timeout beside sync bodies that ask by a stock client."""

from __future__ import annotations

from tests.fakes.crowd import SIGNAL, MeetingServer, evals, outcomes


def test_a_sync_body_hangs_in_a_call(project, monkeypatch):
    """A call of a stock client that never ends: the item is red, and shows the line that asked."""
    evals(
        project,
        """
import openai

@pytest.mark.ailoop("cases.jsonl")
def test_it(case):
    client = openai.OpenAI()
    if case.id == "c01":
        asked = [{"role": "user", "content": "x"}]
        assert client.chat.completions.create(model="fake", messages=asked)  # here
    assert case
""",
    )
    with MeetingServer(wanted=2, patience=2.0) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        result = project.run("--timeout=1", *SIGNAL)
        server.most = 2
    assert "PFPPP" == outcomes(project)
    result.stdout.fnmatch_lines(["*>*client.chat.completions.create*# here*", "*Failed: Timeout*"])


def test_work_of_others_takes_no_time_from_an_item(project, monkeypatch):
    """Sync bodies that compute before and after a call each have their own time."""
    evals(
        project,
        """
import openai

client = openai.OpenAI()

@pytest.mark.ailoop("cases.jsonl")
def test_it(case):
    time.sleep(0.15)
    asked = [{"role": "user", "content": case.input}]
    client.chat.completions.create(model="fake", messages=asked)
    time.sleep(0.15)
    assert case
""",
        count=8,
    )
    with MeetingServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        project.run("--timeout=1.8", *SIGNAL)
    assert "PPPPPPPP" == outcomes(project)
