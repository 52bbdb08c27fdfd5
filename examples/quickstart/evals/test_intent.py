"""Messages to a bank, sorted into six topics; the reply is held to a schema."""

from typing import Literal

import pytest
from pydantic import BaseModel

from pytest_ailoop import classifies_as, expect

TOPICS = (
    "card_arrival",
    "change_pin",
    "exchange_rate",
    "lost_or_stolen_card",
    "terminate_account",
    "top_up_failed",
)


class Sorted(BaseModel):
    topic: Literal[TOPICS]


# A miss is expected of so small a model; see test_math.py.
@pytest.mark.xfail(raises=pytest.fail.Exception, reason="a model of 135M parameters")
@pytest.mark.ailoop(
    dataset="intent.jsonl",
    model="smollm2",
    prompt=["prompts/bare.prompt.md", "prompts/described.prompt.md"],
)
async def test_topic(case, llm, prompt):
    reply = await llm(prompt.render(message=case.input), output=Sorted)
    # Accuracy, F1 and the confusion matrix come from the pairs of labels.
    expect(reply.parsed.topic).to(classifies_as(case.expected, labels=TOPICS))
