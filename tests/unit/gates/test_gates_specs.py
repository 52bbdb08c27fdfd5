"""Gates as they are asked for, in a test and in the configuration."""

from __future__ import annotations

import pytest

from pytest_ailoop.data.gate import GateSpec, spec_from
from pytest_ailoop.data.record import plain
from pytest_ailoop.errors import ConfigError
from pytest_ailoop.gates import specs
from pytest_ailoop.gates.tables import configured

MADE = [
    (specs.pass_rate(0.9), "pass_rate(0.9)"),
    (specs.pass_rate(0.9, reduce="pass^3", tag="must"), "pass_rate(0.9, must, pass^3)"),
    (specs.mean("polite", 0.8), "mean(polite, 0.8)"),
    (specs.metric("f1_macro", 0.8, score="intent"), "metric(f1_macro, 0.8, intent)"),
    (specs.no_regression(), "no_regression(0.05)"),
    (specs.no_regression(0.1, score="polite"), "no_regression(polite, 0.1)"),
    (specs.no_regression(2, score="words", range=(0, 50)), "no_regression(words, 2, 0 to 50)"),
    (specs.every_case(tag="must"), "every_case(must)"),
    (specs.max_cost(2), "max_cost(2)"),
    (specs.p95_latency(1.5), "p95_latency(1.5)"),
]


@pytest.mark.parametrize(("gate", "name"), MADE)
def test_a_gate_is_named_as_it_is_written(gate: GateSpec, name: str) -> None:
    """A gate's name says what was asked, in the words of the test."""
    assert name == str(gate)


@pytest.mark.parametrize("gate", [gate for gate, _ in MADE])
def test_a_gate_comes_back_from_its_plain_form(gate: GateSpec) -> None:
    """What travels from a worker and lies in run.json is the gate that was asked for."""
    assert gate == spec_from(plain(gate))


def test_confidence_is_kept_as_an_error_rate() -> None:
    """A confidence of 0.99 allows one wrong decision in a hundred."""
    assert specs.pass_rate(0.9, confidence=0.99).alpha == 0.01


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: specs.pass_rate(90), "bar lies above 0 and not above 1, got 90; 90 % is 0.9"),
        (lambda: specs.pass_rate(0), "bar lies above 0 and not above 1, got 0"),
        (lambda: specs.pass_rate(True), "bar is a finite number, got True"),
        (lambda: specs.pass_rate(0.9, confidence=95), "between 0.5 and 1, got 95; 95 % is 0.95"),
        (lambda: specs.pass_rate(0.9, fixed="yes"), "fixed is True or False, got 'yes'"),  # type: ignore[arg-type]
        (lambda: specs.pass_rate(0.9, reduce="pass@0"), "K from 1 up, got 'pass@0'"),
        (lambda: specs.pass_rate(0.9, reduce="median"), "a reducer is mean, majority, at_least:K"),
        (lambda: specs.pass_rate(0.9, tag=""), "tag is the name of a tag, got ''"),
        (lambda: specs.pass_rate(0.9, inconclusive="most"), "one of warn, fail, more, got 'most'"),
        (lambda: specs.mean("", 0.9), "score is the name of a score, got ''"),
        (lambda: specs.mean("polite", float("nan")), "bar is a finite number, got nan"),
        (lambda: specs.metric("f1_makro", 0.9), "'f1_makro'; did you mean 'f1_macro'?"),
        (lambda: specs.no_regression(-0.1), "margin is a loss from 0 on, got -0.1"),
        (lambda: specs.no_regression(5), "lies below 1 (5 points: 0.05), got 5"),
        (
            lambda: specs.no_regression(0.1, range=(0, 1)),
            "a pass rate goes from 0 to 1, got (0, 1)",
        ),
        (lambda: specs.no_regression(2, score="a", range=50), "as (0, 50), got 50"),  # type: ignore[arg-type]
        (lambda: specs.no_regression(2, score="a", range=(0, 2)), "the margin, 2, got (0, 2)"),
        (
            lambda: specs.no_regression(2, score="a", range=(0, float("inf"))),
            "an end of range is a finite number, got inf",
        ),
        (lambda: specs.max_cost(-1), "dollars are counted from 0 on, got -1"),
        (lambda: specs.p95_latency(0), "seconds are above 0, got 0"),
    ],
)
def test_what_no_gate_can_hold_is_refused(make, words) -> None:  # type: ignore[no-untyped-def]
    """A bar out of its range is refused where it is written, with what was got."""
    with pytest.raises(ValueError) as caught:
        make()
    assert words in str(caught.value)


def test_a_table_gives_each_gate_that_it_names() -> None:
    """One table asks for several gates over the same tests, each named after the table."""
    found = configured(
        {
            "release": {
                "tests": ["evals/*"],
                "tag": "must",
                "pass_rate": 0.9,
                "mean": {"polite": 0.8},
                "no_regression": {"polite": 0.1},
                "every_case": True,
                "inconclusive": "fail",
            }
        }
    )
    assert [
        "release: pass_rate(0.9, must)",
        "release: mean(polite, 0.8, must)",
        "release: no_regression(polite, 0.1, must)",
        "release: every_case(must)",
    ] == [one.name for one in found]
    assert {("evals/*",)} == {one.tests for one in found}
    assert ["fail", "fail", "fail", None] == [one.inconclusive for one in found]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"tests": ["*"]}, "gates.release: it asks for nothing; give it one of pass_rate,"),
        ({"every_case": False}, "gates.release: it asks for nothing"),
        ({"every_case": True, "tests": []}, "gates.release: 'tests' names none"),
        ({"pass_rate": 90.0}, "gates.release: 'pass_rate': bar lies above 0 and not above 1"),
        ({"metric": {"f1": 0.8}}, "gates.release: 'metric': unknown metric 'f1'"),
        ({"every_case": True, "reduce": "majority"}, "'reduce' means nothing to every_case"),
    ],
)
def test_a_table_that_no_gate_can_hold_is_refused(table, words) -> None:  # type: ignore[no-untyped-def]
    """A fault in a gate's table names the table and the key."""
    with pytest.raises(ConfigError) as caught:
        configured({"release": table})
    assert words in str(caught.value)
