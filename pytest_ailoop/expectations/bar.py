"""The bar that a score is held against. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from typing import Any

from pytest_ailoop.data.score import Expectation, Score, Standing
from pytest_ailoop.errors import UsageError
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.scoring.values import as_number
from pytest_ailoop.text import cut

__all__ = ["Bar"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """What a score must reach; negated, what it must not."""

    at_least: float | None
    at_most: float | None
    negated: bool
    given: bool
    """Whether the test named it."""

    @classmethod
    def of(cls, at_least: Any, at_most: Any, *, negated: bool = False) -> Bar:
        __tracebackhide__ = True
        given = at_least is not None or at_most is not None
        low, high = _limit("at_least", at_least), _limit("at_most", at_most)
        if low is not None and high is not None and low > high:
            raise UsageError(f"at_least={low:g} is above at_most={high:g}: nothing is within")
        return cls(at_least=low if given else 1.0, at_most=high, negated=negated, given=given)

    @property
    def prefix(self) -> str:
        return "not " if self.negated else ""

    @property
    def words(self) -> str:
        """The bar as a person says it: `at least 0.7`, `not at most 3`."""
        ends = (("at least", self.at_least), ("at most", self.at_most))
        return self.prefix + " and ".join(
            f"{word} {end:g}" for word, end in ends if end is not None
        )

    def held_against(self, score: Score, *, hard: bool) -> Expectation:
        standing, cause = self._standing(score)
        return Expectation(
            name=self.prefix + score.name,
            standing=standing,
            at_least=self.at_least,
            at_most=self.at_most,
            reason=cause or score.reason,
            hard=hard,
            negated=self.negated,
        )

    def _standing(self, score: Score) -> tuple[Standing, str]:
        if score.not_scored is not None:
            return "unknown", "\n".join(filter(None, (score.not_scored, score.reason)))
        if score.value is None:
            return "unknown", (
                f"the label {score.label!r} has nothing to be compared with: the case's expected "
                "is no single label; keep it with record(...), or return a bool"
            )
        within = (self.at_least is None or score.value >= self.at_least) and (
            self.at_most is None or score.value <= self.at_most
        )
        return ("met" if within != self.negated else "missed"), ""


def _limit(name: str, value: Any) -> float | None:
    __tracebackhide__ = True
    if value is None:
        return None
    number = as_number(value)
    if number is None or not math.isfinite(number):
        raise UsageError(f"{name}={cut(repr(value), 40)}: give a finite number")
    return number
