"""Beside pytest-recording: its cassettes for ordinary tests, our recordings for evals."""

from __future__ import annotations

import openai  # noqa: F401  (both stay imported between the runs in this process)
import pytest
import vcr.patch  # noqa: F401

EVALS = """
import openai
import vcr
client = openai.OpenAI(max_retries=0)

def answer(question):
    asked = [{"role": "user", "content": question}]
    reply = client.chat.completions.create(model="m", messages=asked)
    return reply.choices[0].message.content

@pytest.mark.vcr
def test_ordinary():
    assert answer("hello") == "echo: hello"

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_cases(case):
    expect(answer(case.input)).to(contains(case.input))
"""
BOTH = """
@pytest.mark.vcr
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_both(case):
    expect(answer(case.input)).to(contains(case.input))
"""


def test_each_keeps_what_it_recorded(project, known_server):
    """A cassette for the ordinary test, a recording for the eval; both replay without a call."""
    project.eval(EVALS)
    result = project.run("--record-mode=once", "--ailoop-replies=record", on=["recording"])
    result.assert_outcomes(passed=4)
    assert known_server.calls == 4
    cassettes = [path.name for path in project.path.glob("cassettes/**/*.yaml")]
    assert cassettes == ["test_ordinary.yaml"]
    recordings = project.path / "__recordings__" / "test_eval.jsonl"
    assert recordings.read_text("utf-8").count('"address"') == 3
    result = project.run("--record-mode=none", "--ailoop-replies=replay", on=["recording"])
    result.assert_outcomes(passed=4)
    assert known_server.calls == 4


def test_blocked_network_is_no_matter_in_replay(project, known_server):
    """`--block-network` bars live calls; recorded replies need no network."""
    project.eval(EVALS)
    project.run("--ailoop-replies=record", "-k", "test_cases", on=["recording"])
    # Apart: pytest-recording keeps the sockets that it found for good, our guard on them included.
    result = project.run_apart(
        "--block-network", "--ailoop-replies=replay", "-k", "test_cases", on=["recording"]
    )
    result.assert_outcomes(passed=3, deselected=1)
    result = project.run_apart(
        "--block-network", "--ailoop-replies=live", "-k", "test_cases", on=["recording"]
    )
    result.assert_outcomes(errors=3, deselected=1)
    assert {row["outcome"] for row in project.results()} == {"error"}


def test_the_vcr_marker_on_an_eval(project, known_server):
    """On an eval the cassette serves as the network: what it plays is kept like a live reply."""
    project.eval(EVALS + BOTH)
    select = ("-k", "test_both")
    result = project.run(*select, "--record-mode=once", "--ailoop-replies=record", on=["recording"])
    result.assert_outcomes(passed=3, deselected=4)
    assert known_server.calls == 3
    for replies, origin in (("live", "live"), ("replay", "recording")):
        result = project.run(
            *select, "--record-mode=none", f"--ailoop-replies={replies}", on=["recording"]
        )
        result.assert_outcomes(passed=3, deselected=4)
        assert [row["calls"][0]["origin"] for row in project.results()] == [origin] * 3
    assert known_server.calls == 3


LLM = """
@pytest.mark.vcr
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
{kind}def test_llm(case, llm):
    expect({wait}llm(case.input)).to(contains(case.input))
"""


@pytest.mark.parametrize("kind", ["", "async "])
def test_the_vcr_marker_on_an_eval_of_llm(project, known_server, kind):
    """`llm`, which has connections of its own, is played the cassette all the same."""
    project.eval(LLM.format(kind=kind, wait="await " if kind else ""))
    result = project.run("--record-mode=once", "--ailoop-replies=live", on=["recording"])
    result.assert_outcomes(passed=3)
    assert known_server.calls == 3
    result = project.run("--record-mode=none", "--ailoop-replies=live", on=["recording"])
    result.assert_outcomes(passed=3)
    assert [row["calls"][0]["origin"] for row in project.results()] == ["live"] * 3
    assert known_server.calls == 3
