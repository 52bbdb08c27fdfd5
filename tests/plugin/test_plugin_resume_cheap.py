"""What --ailoop-resume does not keep, because to run it again costs nothing."""

from __future__ import annotations

import pytest

ALONE = ("-p", "no:randomly", "-W", "default")

STOPS = """
import os, time

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_it(case, llm):
    with open("ran.log", "a") as log:
        log.write(case.id + " ")
    reply = await llm(case.input)
    time.sleep(float(os.environ.get("SLOW", "0")))
    if case.id == os.environ.get("STOPS_AT"):
        raise KeyboardInterrupt
    expect(reply).to(contains("echo"))
"""


@pytest.mark.parametrize(
    ("option", "slow", "paid", "kept"),
    [
        ("", "0", False, 0),
        ("", "0", True, 2),
        ("", "0.06", False, 2),
        ("--ailoop-resume", "0", False, 2),
    ],
)
def test_items_that_cost_nothing_run_again(project, server, monkeypatch, option, slow, paid, kept):
    """Kept is what was paid for or waited for, and all of a run that itself resumes; what the
    cache gave at once is run again elsewhere."""
    project.write("ailoop.toml", f'[models.m]\nbase_url = "{server.url}"\n')
    project.eval(STOPS)
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    if not paid:
        project.run_apart(*ALONE, "--ailoop-lookahead=0")
    monkeypatch.setenv("STOPS_AT", "mars")
    monkeypatch.setenv("SLOW", slow)
    project.run_apart(*ALONE, *filter(None, [option]), "--ailoop-lookahead=0")
    monkeypatch.delenv("STOPS_AT")
    (project.path / "ran.log").unlink()
    calls = server.calls
    result = project.run_apart(*ALONE, "--ailoop-resume", "--ailoop-lookahead=0")
    result.assert_outcomes(passed=3)
    assert 3 - kept == len((project.path / "ran.log").read_text().split())
    assert calls == server.calls
    assert ["passed"] * 3 == [row["outcome"] for row in project.results()]
