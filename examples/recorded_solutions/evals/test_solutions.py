"""Four models' published solutions to GSM8K, scored anew: no call is made."""

import pytest

from pytest_ailoop import expect, number

SOLVERS = ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"]
# The data marks the final answer this way; a price may stand with a dollar sign.
ANSWER = r"A:\s*\$?(-?[\d,.]+)"


# The question is how many are right, so a miss is no failure here; `raises=` keeps that to missed
# expectations.
@pytest.mark.xfail(raises=pytest.fail.Exception, reason="published answers, right and wrong")
@pytest.mark.ailoop(
    dataset="solutions.jsonl",
    fields={"input": "question", "expected": "ground_truth"},
    params={"solver": SOLVERS},
)
def test_solution(case, solver):
    # The column of a solver holds what it answered; an application would be called here instead.
    solution = case[solver]["solution"]
    right = case.expected.rpartition("A: ")[2]
    expect(solution).to(number(right, pattern=ANSWER))
