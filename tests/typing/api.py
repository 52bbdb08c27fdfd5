"""Every public name, used as a user would; checked by mypy and never run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import BaseModel

from pytest_ailoop import (
    LLM,
    AiloopError,
    Call,
    Case,
    Check,
    Model,
    Prompt,
    Rendered,
    Reply,
    Score,
    Subject,
    SyncLLM,
    ToolCall,
    Trace,
    Usage,
    Variant,
    ailoop,
    all_of,
    any_of,
    classifies_as,
    contains,
    contains_any,
    equals,
    expect,
    json_as,
    judge,
    matches,
    negated,
    number,
    one_of,
    record,
    weighted,
    wrap_context,
)


class Ticket(BaseModel):
    topic: str
    urgent: bool = False


def generated() -> Iterator[Mapping[str, Any]]:
    yield {"id": "fr", "input": "France", "expected": "Paris"}


@ailoop(
    "support.jsonl",
    model=["mini", "local"],
    prompt="terse.prompt.md",
    params={"temperature": [0, 1]},
    trials=3,
    stop="settled",
    fields={"input": "question"},
    case_type=Ticket,
    allow_empty=False,
)
async def test_async(
    case: Case, llm: LLM, prompt: Prompt, model: Model, trial: int, trace: Trace
) -> None:
    rendered: Rendered = prompt.render(question=case.input)
    reply: Reply[Any] = await llm(rendered, temperature=0, logprobs=3)
    expect(reply).to(contains(case.expected))
    expect(reply.text).to(number(18, abs_tol=0.5, pick="only"), at_least=1.0, name="answer")
    expect(reply).not_to(matches(r"sorry", flags=re.IGNORECASE))
    expect(reply).to(all_of(contains("a"), negated(contains_any("b", "c"))), hard=True)
    await expect(reply).to(judge("Is the answer polite?"), at_least=0.7)

    parsed = await llm("Sort this.", output=Ticket)
    topic: str | None = parsed.parsed.topic if parsed.parsed else None
    expect(topic).to(classifies_as("refund", labels=["refund", "other"]))

    alias: str = model.alias
    name: str = model
    expect(name).to(one_of("gpt-5-mini", alias))
    calls: tuple[Call, ...] = trace.calls
    usage: Usage = calls[0].usage
    record("output tokens", usage.output_tokens or 0)
    record("trial", trial)


@ailoop(dataset=generated)
def test_sync(case: Case, llm: SyncLLM) -> None:
    reply = llm([{"role": "user", "content": case["input"]}], tools=[Ticket])
    tools: tuple[ToolCall, ...] = reply.tool_calls
    expect(tools[0].name).to(equals("Ticket", ignore_case=True))
    expect(reply).to(json_as(Ticket))
    expect(reply).to(any_of(contains("a"), contains("b")))
    expect(reply).to(weighted({contains("a"): 2, contains("b"): 1}), at_least=0.5)
    expect(reply).to(short)
    expect(reply).to(Shorter(80))
    with ThreadPoolExecutor() as pool:
        text: str = pool.submit(wrap_context(ask), llm, "Hello").result()
    expect(text).to(lambda value: len(value) < 80)


def ask(llm: SyncLLM, question: str) -> str:
    return llm(question).text


def short(text: str) -> bool:
    return len(text) < 80


class Shorter(Check):
    """A check of one's own."""

    def __init__(self, limit: int) -> None:
        super().__init__("shorter", limit=limit)
        self.limit = limit

    def score(self, subject: Subject) -> Score:
        return Score(name=self.name, value=float(len(subject.text) < self.limit))


def described(variant: Variant, fault: AiloopError) -> str:
    return f"{variant.label}: {fault}"
