"""The verdict over two runs of the same cases; pure. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pytest_ailoop.data.verdict import ComparisonStatus, ComparisonVerdict, Pair
from pytest_ailoop.gates import wording
from pytest_ailoop.gates.evidence import Evidence, of_counts, of_differences, status_of
from pytest_ailoop.gates.outlook import outlook_of
from pytest_ailoop.gates.scaled import Scale, ScaledPair, mean, on_scale
from pytest_ailoop.stats.multiple import holm

__all__ = ["MOST_UNSCORED", "PRESENT", "compare_pairs", "holm_regressed"]

MOST_UNSCORED = 0.02
"""With a larger share of trials not scored, nothing is decided."""

PRESENT = 0.90
"""With a smaller share of the baseline's cases present, nothing is decided."""


def compare_pairs(
    pairs: Sequence[Pair],
    *,
    margin: float,
    alpha: float = 0.05,
    low: float = 0.0,
    high: float = 1.0,
    direction: Literal["higher", "lower"] = "higher",
    metric: str = "",
    baseline_cases: int | None = None,
    fault: str = "",
    changed: Sequence[str] = (),
) -> ComparisonVerdict:
    """Return how the candidate stands to the base over *pairs*, the first that holds:

    - invalid: *fault* (why the baseline cannot be read), *changed* (checks or judges that are no
      longer those of the baseline), no pair, less than 90 % of the *baseline_cases* among the
      pairs, more than 2 % of the candidate's trials not scored
    - unchanged: every output is the same, and every score
    - improved, same, regressed, inconclusive: see `evidence.status_of`

    A score that is NaN, infinite or outside of *low* to *high* was not scored. Where some were not,
    the verdict with the worst score in their place must be the same, or it is inconclusive.
    Passes and misses of one trial each go by Tango's interval, all else by pseudo-pair t over the
    means of cases. *margin* and bounds are in units of the score; with *direction* `lower` a
    smaller score is better, and the difference is positive where it fell.
    A *regressed* stands only after `holm_regressed` where several metrics gate together.
    Raises `ValueError`, unless there is a *fault*, for a margin outside of 0 to high - low,
    low >= high, a case given twice.
    """
    if not fault:
        _refuse(pairs, margin, alpha, low, high)
    scale = Scale(low=low, high=high, direction=direction)
    cases = [on_scale(one, scale) for one in pairs]
    total = sum(len(one.candidate) for one in pairs)
    unscored = sum(one.missing for one in cases)
    expected = max(len(pairs), baseline_cases or 0)
    verdict = ComparisonVerdict(
        status="invalid",
        metric=metric,
        margin=margin,
        alpha=alpha,
        n=0,
        baseline_cases=expected,
        unscored=unscored,
    )
    why = wording.invalid(
        fault, changed, len(pairs), expected, unscored, total, PRESENT, MOST_UNSCORED
    )
    if not why and any(not 0 <= one.base <= 1 for one in cases):
        why = f"the baseline holds a score outside of {low:g} to {high:g}"
    if why:
        return replace(verdict, reasons=(why, wording.INVALID))
    scored = [one for one in cases if one.candidate]
    gains = sum(one.difference > 0 for one in scored)
    losses = sum(one.difference < 0 for one in scored)
    verdict = replace(verdict, n=len(scored), gains=gains, losses=losses)
    if not scored:
        return replace(verdict, reasons=("no pair has a score", wording.INVALID))
    verdict = replace(
        verdict,
        base=scale.measured(mean(one.base for one in scored)),
        candidate=scale.measured(mean(one.value for one in scored)),
        difference=scale.length * mean(one.difference for one in scored),
    )
    same = all(one.same_output for one in pairs)
    if same and not unscored and gains == losses == 0:
        return replace(verdict, status="unchanged", difference=0.0, reasons=(wording.UNCHANGED,))
    return _decided(
        verdict, cases, scored, scale.length, all(one.base_trials == 1 for one in pairs)
    )


def holm_regressed(
    results: Sequence[ComparisonVerdict], alpha: float = 0.05
) -> tuple[ComparisonVerdict, ...]:
    """Return *results*, of metrics that gate together, with *regressed* held to Holm's p-values.

    Only a *regressed* can change: to inconclusive, where it does not stand among so many metrics.
    "No worse" needs no correction, as all metrics must hold (Berger 1982, intersection-union).
    Metrics without a p-value still count among the number asked.
    """
    adjusted = holm([one.p for one in results])
    return tuple(
        _held(one, p, adjusted.m, alpha) for one, p in zip(results, adjusted.values, strict=True)
    )


def _held(one: ComparisonVerdict, p: float | None, m: int, alpha: float) -> ComparisonVerdict:
    one = replace(one, adjusted_p=p)
    if one.status != "regressed" or (p is not None and p <= alpha):
        return one
    reasons = (*one.reasons[:1], wording.among_many(one.p, p, m, alpha))
    return replace(one, status="inconclusive", reasons=reasons)


def _refuse(pairs: Sequence[Pair], margin: float, alpha: float, low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"low lies below high, both finite, got low={low!r}, high={high!r}")
    if not 0 <= margin < high - low:
        raise ValueError(
            f"a margin lies between 0 and the length of the scale, {high - low!r}, got {margin!r}"
        )
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha lies between 0 and 0.5, got {alpha!r}")
    seen = Counter(one.case for one in pairs)
    twice = [case for case, times in seen.items() if times > 1]
    if twice:
        raise ValueError(f"each case is compared once, got {twice[0]!r} {seen[twice[0]]} times")


def _decided(
    verdict: ComparisonVerdict,
    cases: Sequence[ScaledPair],
    scored: Sequence[ScaledPair],
    scale: float,
    one_trial: bool,
) -> ComparisonVerdict:
    rates = one_trial and all(_passes_or_misses(one) for one in cases)
    margin, alpha = verdict.margin / scale, verdict.alpha
    found = _evidence([one.difference for one in scored], rates, alpha)
    status: ComparisonStatus = status_of(found, len(scored), margin, alpha)
    worst: ComparisonStatus = status
    if verdict.unscored:
        filled = _evidence([one.worst for one in cases], rates, alpha)
        worst = status_of(filled, len(cases), margin, alpha)
    outlook = outlook_of(scored, margin, alpha, rates=rates, settled=status != "inconclusive")
    verdict = replace(
        verdict,
        status=status if status == worst else "inconclusive",
        low=scale * found.low,
        high=scale * found.high,
        p=found.p,
        method=found.method,
        slightly_worse=status == worst == "same" and found.high < 0,
        detectable=None if outlook.drop is None else scale * outlook.drop,
        needed_cases=outlook.cases,
        needed_trials=outlook.trials,
    )
    return replace(verdict, reasons=wording.comparison(verdict, status, worst))


def _passes_or_misses(case: ScaledPair) -> bool:
    values = (case.base, *case.candidate)
    return len(case.candidate) + case.missing == 1 and all(one in (0, 1) for one in values)


def _evidence(differences: Sequence[float], rates: bool, alpha: float) -> Evidence:
    if not rates:
        return of_differences(differences, alpha)
    gains = sum(one > 0 for one in differences)
    losses = sum(one < 0 for one in differences)
    return of_counts(gains, losses, len(differences), alpha)
