"""Refusals that all formulas share: what was got, and what is allowed. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["binary", "finite", "inner", "share", "whole"]


def finite(name: str, values: Sequence[float]) -> None:
    """Raise `ValueError` where one of *values* is NaN or infinite."""
    for place, value in enumerate(values):
        if not math.isfinite(value):
            raise ValueError(
                f"{name} takes finite numbers, got {value!r} at place {place}; "
                "count it as not scored instead"
            )


def binary(name: str, values: Sequence[float]) -> None:
    """Raise `ValueError` where one of *values* is neither 0 nor 1."""
    for place, value in enumerate(values):
        if value not in (0, 1):
            raise ValueError(
                f"{name} takes 0 (missed) and 1 (passed), got {value!r} at place {place}; "
                "hold the score against a bar first"
            )


def inner(name: str, value: float) -> None:
    """Raise `ValueError` unless *value* lies between 0 and 1, both left out."""
    if not 0 < value < 1:
        raise ValueError(f"{name} lies between 0 and 1, both left out, got {value!r}")


def share(name: str, value: float) -> None:
    """Raise `ValueError` unless *value* lies between 0 and 1, both allowed."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} lies between 0 and 1, got {value!r}")


def whole(name: str, value: int, least: int = 0) -> None:
    """Raise `ValueError` unless *value* is a whole number, *least* or more."""
    if value != int(value) or value < least:
        raise ValueError(f"{name} is a whole number from {least} up, got {value!r}")
