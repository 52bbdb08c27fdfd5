"""Sums of US dollars that say what they do not know. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from dataclasses import field

from pytest_ailoop.frozen import dataclass

__all__ = ["Bill", "Money"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """A sum that says what it does not know."""

    known: float = 0.0
    """US dollars of the calls whose price is known."""
    priced: int = 0
    unknown: int = 0
    """Calls without a known price."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What one session paid and what it did not have to; what items cost is in their records."""

    paid: Money = field(default_factory=Money)
    """All its live calls: of every attempt, also of items that have no result in the end."""
    saved: Money = field(default_factory=Money)
    """What recordings and cache answered in it, at the price of asking."""
    earlier: Money = field(default_factory=Money)
    """What the live calls of kept items cost, in the runs in which those ran."""
    kept: int = 0
    """Items that were kept from interrupted runs."""
