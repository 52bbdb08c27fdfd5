"""What a kind of gate finds, before policy makes a verdict of it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_ailoop.data.gate import GateStatus

__all__ = ["Found"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Fields as in `GateVerdict`."""

    status: GateStatus
    value: float | None = None
    low: float | None = None
    high: float | None = None
    cases: int = 0
    trials: int = 1
    detectable: float | None = None
    needed: int | None = None
    p: float | None = None
    method: str = ""
    reasons: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
