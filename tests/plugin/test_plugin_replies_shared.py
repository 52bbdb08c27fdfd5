"""Items that ask the very same at once: one of them pays, with and without xdist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.openai_server import FakeServer

ASYNC = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="m", trials=2)
async def test_it(case, llm):
    assert (await llm("What do all ask?", max_tokens=8)).text
"""
SYNC = """
import openai

client = openai.OpenAI(base_url="URL", api_key="any")

@pytest.mark.ailoop(dataset="cases.jsonl", model="m", trials=2)
def test_it(case, model):
    messages = [{"role": "user", "content": "What do all ask?"}]
    assert client.chat.completions.create(model=model, messages=messages)
"""
INLINE = """
@pytest.fixture
def own():
    return "own"

@pytest.mark.ailoop(dataset="cases.jsonl", model="m", trials=2)
def test_it(case, llm, own):
    assert llm("What do all ask?", max_tokens=8).text
"""


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(latency=0.3, numbered=True) as server:
        yield server


@pytest.mark.parametrize("code", [ASYNC, SYNC, INLINE], ids=["async", "sync", "inline"])
def test_each_reply_is_paid_once(
    code: str, workers: tuple[str, ...], server: FakeServer, project: Any
) -> None:
    """Six items of two trials: two calls, whoever makes them."""
    table = f'[tool.ailoop.models.m]\nmodel = "fake"\nbase_url = "{server.url}"\n'
    project.write("pyproject.toml", table)
    project.eval(code.replace("URL", server.url))
    project.run(*workers).assert_outcomes(passed=6)
    assert server.calls == 2
    calls = [call for row in project.results() for call in row["calls"]]
    assert Counter(call["origin"] for call in calls) == {"live": 2, "cache": 4}
