"""A slice: the cases with a tag, or with a value of metadata, held against the rest.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from pytest_ailoop.data.variant import Variant
from pytest_ailoop.frozen import dataclass

__all__ = ["Slice"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """How a part of a group's cases stands to the rest of them; a hint, never a verdict."""

    module: str
    test: str
    variant: Variant
    name: str
    """`tag hard`, `lang=de`; several where they are the same cases."""
    gate: str = ""
    """The comparison whose differences are looked at; empty for the pass rate."""
    cases: int
    rest: int
    value: float
    """Mean over the slice's cases: of passes, or of differences, positive where better."""
    rest_value: float
    whole: bool
    """Whether each case passed or missed as a whole: then the pass rate is a count."""
    p: float
    q: float
    """Adjusted over all slices of the run (Benjamini and Hochberg)."""
    stands_out: bool
