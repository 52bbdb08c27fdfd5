"""Several trials of one case: pass@k, pass^k, and the one value that a case counts with.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb, fsum

from pytest_ailoop.stats import guards

__all__ = [
    "CaseValue",
    "Reducer",
    "at_least",
    "majority",
    "mean_of_trials",
    "pass_at",
    "pass_at_k",
    "pass_hat",
    "pass_hat_k",
    "reduce_trials",
    "reducer",
]


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the chance that one or more of *k* trials pass, given that *c* of *n* did: pass@k.

    `1 - C(n-c, k)/C(n, k)`, unbiased (Chen et al., "Evaluating Large Language Models Trained on
    Code", 2021, eq. 1); `1 - (1 - c/n)^k` is not. Raises `ValueError` unless 0 <= c <= n and
    1 <= k <= n: of fewer than k trials it is unknown.
    """
    _refuse_trials(n, c, k)
    return (comb(n, k) - comb(n - c, k)) / comb(n, k)


def pass_hat_k(n: int, c: int, k: int) -> float:
    """Return the chance that all of *k* trials pass, given that *c* of *n* did: pass^k.

    `C(c, k)/C(n, k)`, unbiased (Yao et al., "τ-bench", 2024, section 4). Raises `ValueError` unless
    0 <= c <= n and 1 <= k <= n.
    """
    _refuse_trials(n, c, k)
    return comb(c, k) / comb(n, k)


@dataclass(frozen=True, slots=True)
class Reducer:
    """How the trials of a case become one value."""

    name: str
    """As `reducer` reads it."""
    of: Callable[[Sequence[float]], float]
    """Takes the values of all trials, in any order, one or more; never falls as one of them rises.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseValue:
    """What a case counts with."""

    value: float | None
    """None where the trials that were not scored could still change it: never a pass."""
    lowest: float
    """The value if every trial that was not scored had the lowest score."""
    highest: float
    trials: int
    unscored: int


def reduce_trials(
    values: Sequence[float | None],
    how: Reducer,
    *,
    low: float = 0.0,
    high: float = 1.0,
) -> CaseValue | None:
    """Return what a case counts with, None where it has no trials.

    A trial without a value (None, NaN, infinite, or outside of low to high) was not scored. The
    case then has a value only where it is the same whatever those trials would have given: two
    passes and one trial not scored are a pass by majority, and no mean at all.
    Raises `ValueError` where the reducer cannot work with the values (see there).
    """
    if not values:
        return None
    scored = [
        one for one in values if one is not None and math.isfinite(one) and low <= one <= high
    ]
    missing = len(values) - len(scored)
    lowest = how.of([*scored, *[low] * missing])
    highest = how.of([*scored, *[high] * missing])
    return CaseValue(
        value=lowest if lowest == highest else None,
        lowest=lowest,
        highest=highest,
        trials=len(values),
        unscored=missing,
    )


def mean_of_trials() -> Reducer:
    """Return the reducer that takes the mean."""
    return Reducer("mean", lambda values: fsum(values) / len(values))


def majority() -> Reducer:
    """Return the reducer that is 1 where more than half of the trials pass; a tie is none."""
    return Reducer("majority", lambda values: float(2 * _passes("majority", values) > len(values)))


def at_least(k: int) -> Reducer:
    """Return the reducer that is 1 where *k* trials or more pass (k of n)."""
    guards.whole("k", k, 1)
    name = f"at_least:{k}"

    def of(values: Sequence[float]) -> float:
        passed = _passes(name, values)
        if k > len(values):
            raise ValueError(f"{name} takes {k} trials or more, got {len(values)}")
        return float(passed >= k)

    return Reducer(name, of)


def pass_at(k: int) -> Reducer:
    """Return the reducer to pass@k; see `pass_at_k`."""
    guards.whole("k", k, 1)
    name = f"pass@{k}"
    return Reducer(name, lambda values: pass_at_k(len(values), _passes(name, values), k))


def pass_hat(k: int) -> Reducer:
    """Return the reducer to pass^k; see `pass_hat_k`."""
    guards.whole("k", k, 1)
    name = f"pass^{k}"
    return Reducer(name, lambda values: pass_hat_k(len(values), _passes(name, values), k))


def reducer(text: str) -> Reducer:
    """Return the reducer that *text* names: `mean`, `majority`, `at_least:2`, `pass@3`, `pass^3`.

    Raises `ValueError` for any other.
    """
    plain = {"mean": mean_of_trials, "majority": majority}
    if text in plain:
        return plain[text]()
    for mark, make in (("at_least:", at_least), ("pass@", pass_at), ("pass^", pass_hat)):
        digits = text.removeprefix(mark)
        if digits != text and digits.isascii() and digits.isdigit() and int(digits):
            return make(int(digits))
    raise ValueError(
        f"a reducer is mean, majority, at_least:K, pass@K or pass^K, K from 1 up, got {text!r}"
    )


def _passes(name: str, values: Sequence[float]) -> int:
    guards.binary(name, values)
    return sum(value == 1 for value in values)


def _refuse_trials(n: int, c: int, k: int) -> None:
    guards.whole("n", n)
    guards.whole("c", c)
    guards.whole("k", k, 1)
    if c > n:
        raise ValueError(f"passes c lie between 0 and n, got c={c!r}, n={n!r}")
    if k > n:
        raise ValueError(f"k of pass@k and pass^k is n at most, got k={k!r}, n={n!r} trials")
