"""What a run cost, in words: judges apart, and what was paid beside what was stored.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from pytest_ailoop.report.calls import Calls
from pytest_ailoop.report.numbers import Money, money
from pytest_ailoop.text import plural

__all__ = ["differs", "judges_words", "paid", "paid_words"]


def judges_words(calls: Calls) -> str:
    """Return how often judges asked, and what that cost."""
    return f"judges: {plural(calls.judge_count, 'call')}, cost {money(calls.judge_cost)}"


def differs(calls: Calls) -> bool:
    """Return whether what was paid is something else than what the application's calls cost."""
    sums = calls.paid, calls.saved, calls.earlier
    if not any(one.known or one.unknown for one in sums):
        return False
    others = _any(calls.saved) or calls.judge_count > 0 or calls.kept > 0
    return others or money(calls.paid) != money(calls.cost)


def paid(calls: Calls) -> str:
    """Return what was asked live, judges included."""
    return money(calls.paid) if _any(calls.paid) else "$0"


def paid_words(calls: Calls) -> str:
    """Return what this run paid, what stored replies saved it, and what kept items cost before."""
    parts = [f"paid in this run: {paid(calls)}"]
    if _any(calls.saved):
        parts.append(f"{money(calls.saved)} saved by recordings and cache")
    if calls.kept:
        parts.append(f"kept {plural(calls.kept, 'item')}, paid earlier {_earlier(calls)}")
    return ", ".join(parts)


def _earlier(calls: Calls) -> str:
    return money(calls.earlier) if _any(calls.earlier) else "$0"


def _any(value: Money) -> bool:
    return bool(value.priced or value.unknown)
