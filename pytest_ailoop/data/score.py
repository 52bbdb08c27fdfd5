"""Scores and expectations: what was measured, and how it stands to a bar. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import Literal

from pytest_ailoop.frozen import dataclass

__all__ = ["Direction", "Expectation", "Kind", "Score", "Standing"]

Kind = Literal["code", "judge", "human", "outcome", "recorded"]
Direction = Literal["higher", "lower"]
Standing = Literal["met", "missed", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One measurement on one item. Exactly one of *value*, *label*, *not_scored* speaks;
    a label may carry a value beside it (1.0 where it equals *expected_label*)."""

    name: str
    value: float | None = None
    """A finite number; 0 to 1 for checks, any unit for the user's own numbers."""
    label: str | None = None
    """The class found, for classification metrics."""
    expected_label: str | None = None
    """The class that the case expects."""
    not_scored: str | None = None
    """Why there is no value. Never counted as 0, never left out unseen."""
    reason: str = ""
    """One or two sentences a person understands."""
    kind: Kind = "code"
    direction: Direction = "higher"
    """`lower` where a smaller value is better (latency, cost, edits)."""
    weight: float = 1.0
    """Share in a weighted combination."""
    check: str = ""
    """Digest of the check that measured: its name, options, source or judge prompt and model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """A score held against a bar."""

    name: str
    """The score's name, with `not ` before it where the check is negated."""
    standing: Standing
    """`unknown` where the check could not score: red, but not a quality failure."""
    at_least: float | None = None
    at_most: float | None = None
    reason: str = ""
    hard: bool = False
    negated: bool = False
    """Whether the opposite was expected, by `not_to`."""

    @property
    def score(self) -> str:
        """Name of the score that is held against the bar.

        Not to be told from the name alone: the check `negated(contains(...))` is called
        `not contains`, too.
        """
        return self.name.removeprefix("not ") if self.negated else self.name
