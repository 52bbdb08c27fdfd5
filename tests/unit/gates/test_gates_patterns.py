"""Which tests a gate of the configuration and an accepted failure speak of."""

from __future__ import annotations

import pytest

from pytest_ailoop.data.gate import AcceptedFailure, GateSpec, gates_over

MODULE, TEST = "evals/test_a.py", "test_it"


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("evals/test_a.py::test_it", True),
        ("test_it", True),
        ("test_*", True),
        ("evals/*", True),
        ("*::test_it", True),
        ("test_a.py::test_it", False),
        ("evals/test_a.py", False),
        ("TEST_IT", False),
    ],
)
def test_a_pattern_is_over_the_whole_name_or_the_function(pattern: str, named: bool) -> None:
    """`module::test` or `test`, upper and lower case told apart; the same for both."""
    gate = GateSpec(kind="every_case", tests=("nothing", pattern))
    entry = AcceptedFailure(
        case="c", tests=("nothing", pattern), reason="r", owner="o", expires="2026-01-01"
    )
    assert (named, named) == (gate.covers(MODULE, TEST), entry.covers(MODULE, TEST))


def test_the_tests_own_gates_come_first() -> None:
    """A gate of the marker names no test and counts all the same."""
    own = GateSpec(kind="mean", name="own")
    wide = GateSpec(kind="mean", name="wide", tests=("test_it",))
    other = GateSpec(kind="mean", name="other", tests=("test_else",))
    assert (own, wide) == gates_over(MODULE, TEST, [own], [other, wide])
