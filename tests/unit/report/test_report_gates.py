"""What is shown of a gate's verdict."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ailoop.data.gate import GateSpec, GateVerdict
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.gates.specs import no_regression
from pytest_ailoop.report.gates import gate_lines, headline


def compared(gate: GateSpec, **more: Any) -> GateVerdict:
    """Return a comparison of sixty cases that found no loss."""
    given = {"status": "same", "blocking": False, "value": -0.01, "low": -0.04, "high": 0.02}
    given |= {"cases": 60, "detectable": 0.09, "reasons": ("figures", "not worse")}
    return GateVerdict(gate=gate, module="t.py", test="t", variant=Variant(), **(given | more))


@pytest.mark.parametrize(
    ("gate", "more", "expected"),
    [
        (
            no_regression(),
            {},
            "no_regression(0.05): same, -1 pts [-4 pts, +2 pts] over 60 cases, sees drops of 9 pts",
        ),
        (
            no_regression(score="polite"),
            {},
            "no_regression(polite, 0.05): same, -0.01 [-0.04, +0.02] over 60 cases, sees drops "
            "of 0.09",
        ),
        (
            no_regression(),
            {"detectable": None},
            "no_regression(0.05): same, -1 pts [-4 pts, +2 pts] over 60 cases",
        ),
    ],
)
def test_no_loss_says_what_loss_could_have_been_seen(
    gate: GateSpec, more: dict[str, Any], expected: str
) -> None:
    """`same` is worth as much as the run could see; in units of the score, or in points."""
    assert expected == headline(compared(gate, **more))


@pytest.mark.parametrize(
    ("gate", "facts", "expected"),
    [
        (
            no_regression(),
            {"standard_error": 0.014356, "mcnemar": 0.00315066},
            ["paired standard error 1.436 points; McNemar's exact test, two-sided: p = 0.00315"],
        ),
        (
            no_regression(score="polite"),
            {"standard_error": 0.014356},
            ["paired standard error 0.0144"],
        ),
        (no_regression(), {}, []),
    ],
)
def test_other_methods_stand_beside_on_demand(
    gate: GateSpec, facts: dict[str, Any], expected: list[str]
) -> None:
    """With -v a comparison gives the figures that papers print; without, the verdict is enough."""
    verdict = compared(gate, facts=facts)
    plain = [line for line, _ in gate_lines([verdict])]
    more = [line for line, _ in gate_lines([verdict], verbose=1)]
    assert ["gates:", f"  + {headline(verdict)}"] == plain
    assert [*plain, "    | not worse", *(f"    | {one}" for one in expected)] == more
