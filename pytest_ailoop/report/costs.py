"""What a run cost, in words: judges apart, and what was paid beside what was stored.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from pytest_ailoop import text
from pytest_ailoop.report.numbers import Money, money
from pytest_ailoop.report.rows import Calls

__all__ = ["differs", "judges_words", "paid", "paid_words"]


def judges_words(calls: Calls) -> str:
    """Return how often judges asked, and what that cost."""
    return f"judges: {text.plural(calls.judge_count, 'call')}, cost {money(calls.judge_cost)}"


def differs(calls: Calls) -> bool:
    """Return whether what was paid is something else than what the application's calls cost."""
    matters = any(one.known or one.unknown for one in (calls.paid, calls.saved))
    return matters and (_any(calls.saved) or calls.judge_count > 0)


def paid(calls: Calls) -> str:
    """Return what was asked live, judges included."""
    return money(calls.paid) if _any(calls.paid) else "$0"


def paid_words(calls: Calls) -> str:
    """Return what this run paid, and what stored replies saved it."""
    saved = f", {money(calls.saved)} saved by recordings and cache" if _any(calls.saved) else ""
    return f"paid in this run: {paid(calls)}{saved}"


def _any(value: Money) -> bool:
    return bool(value.priced or value.unknown)
