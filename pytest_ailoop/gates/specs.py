"""The gates a test may ask for, as functions that check what they are given.

Each returns a plain `GateSpec`; nothing is measured or decided here. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import get_args

from pytest_ailoop.data.gate import GateKind, GateSpec, Policy
from pytest_ailoop.stats.trials import reducer
from pytest_ailoop.text import suggestion

__all__ = [
    "KINDS",
    "METRICS",
    "every_case",
    "max_cost",
    "mean",
    "metric",
    "no_regression",
    "p95_latency",
    "pass_rate",
]

KINDS: tuple[str, ...] = get_args(GateKind)

METRICS = (
    "accuracy",
    "f1_macro",
    "f1_weighted",
    "precision_macro",
    "precision_weighted",
    "recall_macro",
    "recall_weighted",
)
"""Metrics over a group's labels, as `classifies_as` and `record` give them."""


def pass_rate(
    bar: float,
    *,
    reduce: str = "mean",
    tag: str | None = None,
    fixed: bool = False,
    confidence: float = 0.95,
    inconclusive: Policy | None = None,
) -> GateSpec:
    """Ask that the share of passing cases be at least *bar* (0 to 1).

    The data set is taken for a sample of what the system will meet: the gate passes where the
    lower bound of the rate reaches the bar, fails where the upper one stays below it, and is
    inconclusive in between (`docs/statistics.md`). With *fixed* the data set is all there is, and
    its own rate decides.

    *reduce*: what a case with several trials counts: `mean` (the share that passed), `majority`,
    `at_least:2`, `pass@3` (the chance that one of three passes) or `pass^3` (that all three do).
    *tag*: cases with this tag alone. *confidence*: of each bound, by itself. *inconclusive*:
    `warn`, `fail`, or `more` trials of all cases; by default what `--ailoop-inconclusive` says.

    Raises `ValueError` for what is none of these.
    """
    spec = f"pass_rate({_shown(_share('bar', bar))}{_if(tag)}{_if(reduce, 'mean')})"
    return GateSpec(
        kind="pass_rate",
        bar=float(bar),
        reduce=reducer(reduce).name,
        tag=_tag(tag),
        fixed=_flag("fixed", fixed),
        alpha=_alpha(confidence),
        inconclusive=_policy(inconclusive),
        name=spec,
    )


def mean(
    score: str,
    bar: float,
    *,
    tag: str | None = None,
    fixed: bool = False,
    confidence: float = 0.95,
    inconclusive: Policy | None = None,
) -> GateSpec:
    """Ask that the mean of *score* over cases be at least *bar*; at most, where lower is better.

    The score has values from 0 to 1, as those of checks and judges; of a score in any other unit
    (`record("seconds", 3.2)`) only a *fixed* data set's own mean can decide. A case counts once,
    with the mean of its trials. Other arguments as for `pass_rate`.
    """
    return GateSpec(
        kind="mean",
        score=_name("score", score),
        bar=_number("bar", bar),
        tag=_tag(tag),
        fixed=_flag("fixed", fixed),
        alpha=_alpha(confidence),
        inconclusive=_policy(inconclusive),
        name=f"mean({score}, {_shown(bar)}{_if(tag)})",
    )


def metric(
    name: str,
    bar: float,
    *,
    score: str | None = None,
    tag: str | None = None,
    fixed: bool = False,
    confidence: float = 0.95,
    inconclusive: Policy | None = None,
) -> GateSpec:
    """Ask that a metric over the whole group, such as `f1_macro`, be at least *bar* (0 to 1).

    *score* names the check that gives the labels; needed where there are several. Known metrics:
    accuracy, and precision, recall and F1 as `_macro` and `_weighted`. Other arguments as for
    `pass_rate`.
    """
    if name not in METRICS:
        hint = suggestion(str(name), list(METRICS))
        raise ValueError(f"unknown metric {name!r}{hint} (known: {', '.join(METRICS)})")
    return GateSpec(
        kind="metric",
        metric=name,
        score=None if score is None else _name("score", score),
        bar=_share("bar", bar),
        tag=_tag(tag),
        fixed=_flag("fixed", fixed),
        alpha=_alpha(confidence),
        inconclusive=_policy(inconclusive),
        name=f"metric({name}, {_shown(bar)}{_if(score)}{_if(tag)})",
    )


def no_regression(
    margin: float = 0.05,
    *,
    score: str | None = None,
    range: tuple[float, float] | None = None,
    tag: str | None = None,
    confidence: float = 0.95,
    inconclusive: Policy | None = None,
) -> GateSpec:
    """Ask that *score*, or the pass rate, not be worse than what was accepted.

    Cases are compared in pairs with the committed baseline, and with the pinned one where there
    is one (`ailoop pin`). *margin* is the loss, in units of the score, that is tolerated: the gate
    says *same* where a larger one is ruled out, *regressed* where a loss is proven and a larger one
    than the margin is not ruled out. Other arguments as for `pass_rate`.

    *range* is the lowest and the highest that the score can be; what lies outside is not scored.
    Without it that is 0 to 1, or as far as the scores of both runs go: then the error rates hold
    only if none can lie beyond.
    """
    loss = _number("margin", margin)
    if loss < 0:
        raise ValueError(f"margin is a loss from 0 on, got {margin!r}")
    if score is None and loss >= 1:
        raise ValueError(f"margin of the pass rate lies below 1 (5 points: 0.05), got {margin!r}")
    what = "" if score is None else f"{_name('score', score)}, "
    ends = None if range is None else _range(range, loss, score)
    over = "" if ends is None else f", {_shown(ends[0])} to {_shown(ends[1])}"
    return GateSpec(
        kind="no_regression",
        score=score,
        margin=loss,
        range=ends,
        tag=_tag(tag),
        alpha=_alpha(confidence),
        inconclusive=_policy(inconclusive),
        name=f"no_regression({what}{_shown(loss)}{over}{_if(tag)})",
    )


def every_case(*, tag: str | None = None) -> GateSpec:
    """Ask that every case, or every one with *tag*, pass in all its trials.

    For cases that must never break. Those on the list of accepted failures are left out while
    their entry is valid.
    """
    return GateSpec(
        kind="every_case",
        tag=_tag(tag),
        fixed=True,
        name=f"every_case({'' if tag is None else tag})",
    )


def max_cost(dollars: float, *, inconclusive: Policy | None = None) -> GateSpec:
    """Ask that the replies of the group cost at most *dollars*, judges included.

    Replies from the cache count like live ones. Where a price is not known, the gate is
    inconclusive as long as the known part stays below.
    """
    most = _number("dollars", dollars)
    if most < 0:
        raise ValueError(f"dollars are counted from 0 on, got {dollars!r}")
    return GateSpec(
        kind="max_cost",
        bar=most,
        fixed=True,
        inconclusive=_policy(inconclusive),
        name=f"max_cost({_shown(most)})",
    )


def p95_latency(
    seconds: float,
    *,
    tag: str | None = None,
    fixed: bool = False,
    confidence: float = 0.95,
    inconclusive: Policy | None = None,
) -> GateSpec:
    """Ask that 95 of 100 cases wait at most *seconds* for the application's models.

    Latencies are those of the live calls, also where the reply came from a recording or the
    cache. Other arguments as for `pass_rate`.
    """
    most = _number("seconds", seconds)
    if most <= 0:
        raise ValueError(f"seconds are above 0, got {seconds!r}")
    return GateSpec(
        kind="p95_latency",
        bar=most,
        tag=_tag(tag),
        fixed=_flag("fixed", fixed),
        alpha=_alpha(confidence),
        inconclusive=_policy(inconclusive),
        name=f"p95_latency({_shown(most)}{_if(tag)})",
    )


def _shown(value: float) -> str:
    return f"{value:g}"


def _if(value: str | None, usual: str | None = None) -> str:
    return "" if value in (None, usual) else f", {value}"


def _number(what: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{what} is a finite number, got {value!r}")
    return float(value)


def _share(what: str, value: float) -> float:
    if not 0 < _number(what, value) <= 1:
        words = f"; {value:g} % is {value / 100:g}" if 1 < value <= 100 else ""
        raise ValueError(f"{what} lies above 0 and not above 1, got {value!r}{words}")
    return float(value)


def _range(value: tuple[float, float], margin: float, score: str | None) -> tuple[float, float]:
    if score is None:
        raise ValueError(f"range is that of a score; a pass rate goes from 0 to 1, got {value!r}")
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"range is the lowest and the highest, as (0, 50), got {value!r}")
    low, high = (_number("an end of range", one) for one in value)
    if not margin < high - low:
        raise ValueError(f"range goes up by more than the margin, {margin:g}, got {value!r}")
    return low, high


def _alpha(confidence: float) -> float:
    if not 0.5 < _number("confidence", confidence) < 1:
        words = f"; {confidence:g} % is {confidence / 100:g}" if 50 < confidence < 100 else ""
        raise ValueError(f"confidence lies between 0.5 and 1, got {confidence!r}{words}")
    return round(1 - confidence, 12)


def _flag(what: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{what} is True or False, got {value!r}")
    return value


def _name(what: str, value: str, of: str = "score") -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{what} is the name of a {of}, got {value!r}")
    return value


def _tag(value: str | None) -> str | None:
    return None if value is None else _name("tag", value, "tag")


def _policy(value: Policy | None) -> Policy | None:
    allowed: Iterable[str] = get_args(Policy)
    if value is not None and value not in allowed:
        raise ValueError(f"inconclusive is one of {', '.join(allowed)}, got {value!r}")
    return value
