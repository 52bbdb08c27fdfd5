"""What a run like this can see, and what would settle a comparison that is open.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ailoop.frozen import dataclass
from pytest_ailoop.gates.scaled import ScaledPair, mean
from pytest_ailoop.stats.paired import WEIGHT
from pytest_ailoop.stats.planning import Plan, cases_to_settle, detectable_drop, trials_to_settle
from pytest_ailoop.stats.power import cases_for_tie

__all__ = ["Outlook", "outlook_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """On the scale from 0 to 1."""

    drop: float | None
    """The smallest that is called regressed 4 times in 5."""
    cases: int | None = None
    """As many would settle it; None where it is settled, or no number would."""
    trials: int | None = None


def outlook_of(
    scored: Sequence[ScaledPair], margin: float, alpha: float, *, rates: bool, settled: bool
) -> Outlook:
    """Return the outlook of pairs that have scores; *rates*: Tango's interval decides."""
    differences = [one.difference for one in scored]
    trials = mean(len(one.candidate) for one in scored)
    passes = all(value in (0, 1) for one in scored for value in one.candidate)
    plan = Plan(
        n=len(scored),
        difference=mean(differences),
        variance=_variance(differences, len(differences)),
        margin=margin,
        alpha=alpha,
        growth=1 / trials if passes else 0.0,
        weight=0.0 if rates else WEIGHT,
    )
    drop = detectable_drop(plan)
    if settled:
        return Outlook(drop=drop)
    cases = cases_to_settle(plan)
    if rates and not any(differences):
        # Nothing varied, so nothing can be projected: the number for a perfect tie is known.
        cases = cases_for_tie(margin, alpha=alpha)
    more = trials_to_settle(plan, _within(scored), round(trials))
    return Outlook(drop=drop, cases=cases, trials=more)


def _within(scored: Sequence[ScaledPair]) -> float | None:
    """Return the mean variance of the candidate's trials within a case, None for single trials."""
    several = [one.candidate for one in scored if len(one.candidate) > 1]
    return mean(_variance(one, len(one) - 1) for one in several) if several else None


def _variance(values: Sequence[float], parts: int) -> float:
    centre = mean(values)
    return sum((one - centre) ** 2 for one in values) / parts
