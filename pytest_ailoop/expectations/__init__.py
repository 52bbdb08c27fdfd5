"""`expect(value).to(check)` and `record(name, value)`: what a test says about what it measured.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from pytest_ailoop.expectations.outcome import ExpectationFailed, Outcome
from pytest_ailoop.expectations.statement import Expect, expect, record

__all__ = ["Expect", "ExpectationFailed", "Outcome", "expect", "record"]
