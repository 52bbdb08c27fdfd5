"""Which cases broke, by their own trials: beyond what chance does to one of so many.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pytest_ailoop.data.verdict import Pair
from pytest_ailoop.stats.flips import fisher_one_sided, trials_to_name_a_flip
from pytest_ailoop.stats.multiple import holm

__all__ = ["broken"]

_NOISE = 1e-4
"""What six decimals leave of a mean over up to fifty trials."""


def broken(pairs: Sequence[Pair], up: Literal[1, -1], alpha: float) -> dict[str, Any]:
    """Return `broke`, the cases that pass less often than they did, worst first, and
    `trials_to_name`, of each case on both sides, that it takes to tell it of one of so many.

    Fisher's exact test over the trials of a case, Holm over all of them. Empty where trials do not
    just pass or miss.
    """
    counts = [_counts(one, up) for one in pairs]
    if None in counts:
        return {}
    # Where nothing fell, p is 1/2 or more and never among the small ones.
    p_values = [
        fisher_one_sided(*one) if one and one[0] * one[3] > one[2] * one[1] else 1.0
        for one in counts
    ]
    adjusted = holm(p_values).values
    found = sorted(
        (p, one.case)
        for one, p in zip(pairs, adjusted, strict=True)
        if p is not None and p <= alpha
    )
    return {
        "broke": [case for _, case in found],
        "trials_to_name": trials_to_name_a_flip(len(pairs), alpha),
    }


def _counts(pair: Pair, up: int) -> tuple[int, int, int, int] | None:
    """Return passes and trials before, passes and trials now."""
    now = [one for one in pair.candidate if one is not None]
    before = pair.base * pair.base_trials
    if any(one not in (0, 1) for one in now) or abs(before - round(before)) > _NOISE:
        return None
    if not 0 <= round(before) <= pair.base_trials:
        return None
    passed, whole = sum(one == 1 for one in now), round(before)
    if up == 1:
        return whole, pair.base_trials, passed, len(now)
    return pair.base_trials - whole, pair.base_trials, len(now) - passed, len(now)
