"""Callables that are no Python functions, as checks."""

from __future__ import annotations

import operator

import pytest

from pytest_ailoop.scoring.adapt import to_check
from pytest_ailoop.scoring.check import Subject, run_check


class Loud:
    def __call__(self, text: str) -> bool:
        return text.isupper()


@pytest.mark.parametrize(
    ("thing", "value"),
    [
        (str.isupper, 1.0),
        ("A B".__contains__, 1.0),
        (operator.itemgetter(0), None),
        (Loud(), 1.0),
        (Loud().__call__, 1.0),
    ],
)
def test_any_callable_is_a_check(thing, value):
    """Builtin methods, callable objects and bound methods score like functions."""
    check = to_check(thing)
    assert value == run_check(check, Subject.of("A")).value
    assert check.digest == to_check(thing).digest
