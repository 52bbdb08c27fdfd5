"""Pairs for tests of comparisons."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_ailoop.data.verdict import Pair

__all__ = ["counted", "pairs"]


def pairs(found: Iterable[tuple[float, float | None]]) -> list[Pair]:
    """One trial each: (base, candidate)."""
    return [
        Pair(case=f"case-{place}", base=base, candidate=(candidate,))
        for place, (base, candidate) in enumerate(found)
    ]


def counted(gains: int, losses: int, n: int) -> list[Pair]:
    """Passes and misses with so many discordant pairs."""
    ties = [(1.0, 1.0)] * (n - gains - losses)
    return pairs([(0.0, 1.0)] * gains + [(1.0, 0.0)] * losses + ties)
