"""Checks made of checks: all, any, weighted, negated. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from pytest_ailoop.data.score import Score
from pytest_ailoop.errors import CheckError, UsageError
from pytest_ailoop.scoring.adapt import to_check
from pytest_ailoop.scoring.check import Check, Subject, parts_kind, run_check, run_check_async

__all__ = ["Combined", "all_of", "any_of", "negated", "weighted"]

Merge = Callable[[Sequence[Score]], tuple[float, str]]


class Combined(Check):
    """Runs its parts in their order and merges their scores; async where a part is."""

    def __init__(self, name: str, parts: Iterable[Any], merge: Merge, **options: Any) -> None:
        self.parts = tuple(map(to_check, parts))
        if not self.parts:
            raise UsageError(f"{name}() was given no check")
        digests = [part.digest for part in self.parts]
        super().__init__(name, parts=digests, **options)
        self.kind = parts_kind(self.parts)
        self.is_async = any(part.is_async for part in self.parts)
        self._merge = merge

    def score(self, subject: Subject) -> tuple[float, str] | Awaitable[tuple[float, str]]:
        if self.is_async:
            return self._later(subject)
        return self._merge([run_check(part, subject) for part in self.parts])

    async def _later(self, subject: Subject) -> tuple[float, str]:
        # One after the other: the order of model calls is then the same in each run.
        return self._merge([await run_check_async(part, subject) for part in self.parts])

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(map(repr, self.parts))})"


def all_of(*checks: Any) -> Check:
    """Check that each of *checks* scores 1: 1 or 0, with the reasons of those that do not.

    A part that misses makes it 0; otherwise a part that could not be scored leaves it not scored.

    ```python
    expect("Paris, France").to(all_of(contains("Paris"), matches(r"^[A-Z]")))
    ```
    """
    return Combined("all_of", checks, _all)


def any_of(*checks: Any) -> Check:
    """Check that at least one of *checks* scores 1: 1 or 0.

    Without such a part, one that could not be scored leaves it not scored.

    ```python
    expect("I do not know").to(any_of(contains("Paris"), contains("do not know")))
    ```
    """
    return Combined("any_of", checks, _any)


def weighted(checks: Mapping[Any, float] | Iterable[tuple[Any, float]]) -> Check:
    """Score the mean of *checks* by their weights, 0 to 1; give `at_least=` for a bar below 1.

    A part that could not be scored leaves the whole not scored.

    ```python
    parts = weighted({contains("Paris"): 3, matches(r"[.]$"): 1})
    expect("Paris").to(parts, at_least=0.7)
    ```
    """
    pairs = list(checks.items() if isinstance(checks, Mapping) else checks)
    weights = [float(weight) for _, weight in pairs]
    if not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise UsageError(f"weighted(...): give weights above 0, got {weights}")
    parts = [check for check, _ in pairs]
    return Combined("weighted", parts, partial(_weighted, weights), weights=weights)


def negated(check: Any) -> Check:
    """Score what *check* lacks of 1: what it finds is missed. Not scored stays not scored.

    ```python
    expect("Gladly!").to(all_of(contains("Gladly"), negated(contains("sorry"))))
    ```
    """
    inner = to_check(check)
    return Combined(f"not {inner.name}", [inner], _negated)


def _all(scores: Sequence[Score]) -> tuple[float, str]:
    missed = [one for one in scores if one.not_scored is None and _value(one) < 1.0]
    if missed:
        return 0.0, _reasons(missed)
    _refuse_unscored(scores)
    return 1.0, ""


def _any(scores: Sequence[Score]) -> tuple[float, str]:
    met = [one for one in scores if one.not_scored is None and _value(one) >= 1.0]
    if met:
        return 1.0, met[0].name
    _refuse_unscored(scores)
    return 0.0, _reasons(scores)


def _weighted(weights: Sequence[float], scores: Sequence[Score]) -> tuple[float, str]:
    _refuse_unscored(scores)
    values = [_value(one) for one in scores]
    total = math.fsum(w * v for w, v in zip(weights, values, strict=True))
    return total / math.fsum(weights), _reasons([one for one in scores if _value(one) < 1.0])


def _negated(scores: Sequence[Score]) -> tuple[float, str]:
    _refuse_unscored(scores)
    return 1.0 - _value(scores[0]), scores[0].reason


def _refuse_unscored(scores: Sequence[Score]) -> None:
    for one in scores:
        if one.not_scored is not None:
            raise CheckError(f"{one.name} not scored: {one.not_scored}")


def _value(score: Score) -> float:
    """Return a part's value; raises `CheckError` where it has none that can be combined."""
    if score.value is None:
        raise CheckError(f"{score.name} gave the label {score.label!r}, and the case expects none")
    if not 0.0 <= score.value <= 1.0 or score.direction == "lower":
        raise CheckError(
            f"{score.name} gave {score.value:g}; parts of a combined check score 0 to 1, "
            "higher is better"
        )
    return score.value


def _reasons(scores: Sequence[Score]) -> str:
    return "; ".join(
        f"{one.name} {one.value:g}{one.reason and ': ' + one.reason}" for one in scores
    )
