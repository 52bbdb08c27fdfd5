"""Why a verdict is what it is, in words a person acts on. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_ailoop.data.verdict import ComparisonVerdict, ThresholdVerdict

__all__ = [
    "INVALID",
    "UNCHANGED",
    "among_many",
    "comparison",
    "invalid",
    "out_of_reach",
    "threshold",
]

INVALID = "nothing was decided; this is an error, not a pass"
UNCHANGED = "every output is the same as in the baseline"


def invalid(
    fault: str,
    changed: Sequence[str],
    pairs: int,
    expected: int,
    unscored: int,
    trials: int,
    present: float,
    most_unscored: float,
) -> str:
    """Return why two runs cannot be compared, the first that holds; empty where they can."""
    if fault:
        return fault
    if changed:
        return f"measured otherwise than the baseline: {', '.join(changed)} changed"
    if not pairs:
        return "no case is in both runs"
    if pairs < present * expected:
        return f"{pairs} of the baseline's {expected} cases were measured, {present:.0%} are needed"
    return too_many_unscored(unscored, trials, most_unscored)


def too_many_unscored(unscored: int, total: int, most: float) -> str:
    """Return that too much was not scored, empty where it was not."""
    if unscored > most * total:
        return f"{unscored} of {total} were not scored, {most:.0%} at most may be"
    return ""


def among_many(p: float | None, adjusted: float | None, m: int, alpha: float) -> str:
    """Return why a drop does not stand among *m* metrics."""
    return (
        f"p = {_p(p)} does not stand among {m} metrics "
        f"(Holm: {_p(adjusted)}, {alpha:g} at most is needed)"
    )


def comparison(found: ComparisonVerdict, status: str, worst: str) -> tuple[str, ...]:
    """Return the reasons of a verdict that was decided by numbers."""
    return tuple(_comparison(found, status, worst))


def _comparison(found: ComparisonVerdict, status: str, worst: str) -> Iterator[str]:
    yield (
        f"difference {found.difference:+.3g} [{found.low:+.3g}, {found.high:+.3g}] "
        f"over {found.n} cases: {found.gains} better, {found.losses} worse"
    )
    if status != worst:
        yield (
            f"{found.unscored} trials were not scored: {status} without them, {worst} if they are "
            "the worst; make them score"
        )
        return
    yield _meaning(found)
    if found.status == "inconclusive":
        yield from _outlook(found)


def _meaning(found: ComparisonVerdict) -> str:
    if found.status == "improved":
        return "better than the baseline"
    if found.status == "same":
        slight = ", though slightly worse" if found.slightly_worse else ""
        return f"not worse than the baseline by more than {found.margin:g}{slight}"
    if found.status == "regressed":
        return f"worse than the baseline (p = {_p(found.p)})"
    if found.n < 2:
        return "one case decides nothing"
    return f"too little data: a loss of {found.margin:g} is neither shown nor ruled out"


def _outlook(found: ComparisonVerdict) -> Iterator[str]:
    if found.detectable is None:
        yield "a run like this sees no drop at all with confidence"
    else:
        yield f"a run like this sees drops of {found.detectable:.2g} or more"
    ways = []
    if found.needed_cases is not None:
        ways.append(f"{found.needed_cases} cases")
    if found.needed_trials is not None:
        ways.append(f"{found.needed_trials} trials a case")
    yield f"about {' or '.join(ways)} would settle it" if ways else "no number would settle it"


def threshold(found: ThresholdVerdict, status: str, worst: str, side: str) -> tuple[str, ...]:
    """Return the reasons of a verdict against a bar; *side*: `at least` or `at most`."""
    return tuple(_threshold(found, status, worst, side))


def _threshold(found: ThresholdVerdict, status: str, worst: str, side: str) -> Iterator[str]:
    yield (
        f"{found.value:.3g} [{found.low:.3g}, {found.high:.3g}] over {found.n} cases, "
        f"{side} {found.bar:g} is asked"
    )
    if status != worst:
        yield (
            f"{found.unscored} were not scored: {status} without them, {worst} if they are the "
            "worst; make them score"
        )
        return
    if found.status != "inconclusive":
        yield f"{side} {found.bar:g} is {'shown' if found.status == 'passed' else 'ruled out'}"
        return
    yield "one case decides nothing" if found.n < 2 else "too little data: the bar lies between"
    if found.needed_cases is None:
        yield "no number of cases like these would settle it"
    else:
        yield f"about {found.needed_cases} cases would settle it"


def out_of_reach(n: int, bar: float, fewest: int | None) -> tuple[str, ...]:
    """Return that *n* cases cannot show *bar*, whatever they give: it takes the *fewest* that all
    pass, or no number of them."""
    if fewest is None:
        return (f"no sample shows {bar:g}: fixed=True decides by its own rate",)
    if n >= fewest:
        return ()
    return (f"so few cannot show {bar:g}, whatever they give: it takes {fewest}",)


def _p(p: float | None) -> str:
    return "none" if p is None else f"{p:.2g}"
