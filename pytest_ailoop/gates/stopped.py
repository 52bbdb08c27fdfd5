"""What a verdict says that was settled early. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_ailoop.data.gate import Found, GateSpec, GateStatus
from pytest_ailoop.gates.watches import Counted
from pytest_ailoop.stats.intervals import clopper_pearson_bound

__all__ = ["bet", "curtailed"]


def curtailed(found: Found, watch: Counted, gate: GateSpec, words: str) -> Found:
    """Put the bounds that the full run cannot leave in the place of an ordinary interval."""
    k, best, n = watch.passes, watch.passes + watch.rest, watch.planned - watch.unscored
    if gate.kind != "pass_rate":
        reasons = (*found.reasons[:1], f"{words}, whatever the rest gives")
        status: Any = watch.settled or found.status
        return replace(found, status=status, needed=None, method="curtailed", reasons=reasons)
    first = f"{k} of {watch.seen} passed; {watch.rest} of {watch.planned} not run"
    more = found.needed if watch.settled == "inconclusive" else None
    return replace(
        found,
        status=watch.settled or found.status,
        low=clopper_pearson_bound(k, watch.planned, gate.alpha, "lower"),
        high=clopper_pearson_bound(best, n, gate.alpha, "upper"),
        needed=more if more is not None and more > watch.planned else None,
        detectable=None,
        method="curtailed, Clopper-Pearson bounds of the full run",
        reasons=(first, f"{words}, whatever the rest gives"),
    )


def bet(found: Found, status: GateStatus, words: str) -> Found:
    """Say that betting settled it; an ordinary interval would not hold."""
    reasons = [f"{status} by an e-process, which holds whenever one stops"]
    return replace(
        found,
        status=status,
        low=None,
        high=None,
        needed=None,
        detectable=None,
        method="e-process at half of alpha a side",
        reasons=tuple([*reasons, words] if words else reasons),
    )
