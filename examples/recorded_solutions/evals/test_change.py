"""Another model's solutions against those that were accepted: is it worse, or is it chance?"""

import os

import pytest

from pytest_ailoop import expect, no_regression, number

# Stands for the model that an application is set to; the baseline beside this file is that of
# `6b_verification`.
SOLVER = os.environ.get("SOLVER", "6b_verification")
ANSWER = r"A:\s*\$?(-?[\d,.]+)"


@pytest.mark.ailoop(
    dataset="solutions.jsonl",
    fields={"input": "question", "expected": "ground_truth"},
    gate=[no_regression(0.02)],
)
def test_change(case):
    solution = case[SOLVER]["solution"]
    right = case.expected.rpartition("A: ")[2]
    expect(solution).to(number(right, pattern=ANSWER))
