"""Grade-school word problems: does the reply end with the right number?"""

import pytest

from pytest_ailoop import expect, number


@pytest.mark.ailoop(
    dataset="math.jsonl",
    model="smollm2",
    prompt=["prompts/terse.prompt.md", "prompts/steps.prompt.md"],
)
async def test_word_problem(case, llm, prompt):
    reply = await llm(prompt.render(question=case.input))
    # A bar of 0 measures without failing the item: this model is far too small for the task, and
    # the question here is which prompt does better. Leave the bar out to make every miss a failure.
    expect(reply).to(number(case.expected), at_least=0)
