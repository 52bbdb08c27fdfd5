"""An agent's recorded runs of tau-bench, four of each task: no call is made."""

import pytest

from pytest_ailoop import equals, expect, pass_rate


@pytest.mark.ailoop(
    dataset="tasks.jsonl",
    trials=4,
    gate=[
        pass_rate(0.35),
        pass_rate(0.1, reduce="pass^4"),
    ],
)
def test_task(case, trial):
    # An agent would work on `case.input` here; the reward says whether it reached the goal.
    reward = case["rewards"][trial - 1]
    expect(reward).to(equals(1.0))
