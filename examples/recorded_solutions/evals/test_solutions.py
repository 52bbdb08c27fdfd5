"""Four models' published solutions to GSM8K, scored anew: no call is made."""

import pytest

from pytest_ailoop import expect, number

SOLVERS = ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"]
# The data marks the final answer this way; a price may stand with a dollar sign.
ANSWER = r"A:\s*\$?(-?[\d,.]+)"


@pytest.mark.ailoop(
    dataset="solutions.jsonl",
    fields={"input": "question", "expected": "ground_truth"},
    params={"solver": SOLVERS},
)
def test_solution(case, solver):
    # The column of a solver holds what it answered; an application would be called here instead.
    solution = case[solver]["solution"]
    right = case.expected.rpartition("A: ")[2]
    # A bar of 0 measures without failing the item: the question is how many are right.
    expect(solution).to(number(right, pattern=ANSWER), at_least=0)
