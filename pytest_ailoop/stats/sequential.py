"""Stopping early without spoiling the error rates: curtailment, SPRT, e-process, planned looks.

All but curtailment want cases in random order. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import dataclass
from typing import Literal

from pytest_ailoop.stats import guards

__all__ = [
    "BETS",
    "Characteristics",
    "EProcess",
    "Sprt",
    "curtailed",
    "not_worse",
    "planned_looks",
    "sprt_characteristics",
    "worse_by",
]

BETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""Shares of the stake that the e-process bets, side by side."""


def curtailed(
    passes: int, seen: int, planned: int, needed: int
) -> Literal["passed", "failed"] | None:
    """Return what the whole run will say, where it can say nothing else any more; None before.

    Passed once *needed* of the *planned* cases have passed, failed once more than planned - needed
    have not (Alling 1966). The verdict is that of the full run, always.
    Raises `ValueError` unless 0 <= passes <= seen <= planned.
    """
    if not 0 <= passes <= seen <= planned:
        raise ValueError(
            f"passes, seen and planned rise from 0, got {passes!r}, {seen!r}, {planned!r}"
        )
    if passes >= needed:
        return "passed"
    return "failed" if seen - passes > planned - needed else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sprt:
    """Wald's sequential probability ratio test of a pass rate, good against bad.

    After each case it says `good` where log LR <= log(beta/(1-alpha)), `bad` where
    log LR >= log((1-beta)/alpha), LR the likelihood at *bad* over that at *good* (Wald 1947, 3.2).
    Raises `ValueError` unless 0 < bad < good < 1, and for alpha, beta outside of 0 to one half.
    """

    good: float
    bad: float
    alpha: float = 0.05
    """Chance to call a rate of *good* bad, at most about."""
    beta: float = 0.05
    """Chance to call a rate of *bad* good, at most about."""

    def __post_init__(self) -> None:
        if not 0 < self.bad < self.good < 1:
            raise ValueError(f"0 < bad < good < 1, got bad={self.bad!r}, good={self.good!r}")
        for name, value in (("alpha", self.alpha), ("beta", self.beta)):
            if not 0 < value < 0.5:
                raise ValueError(f"{name} lies between 0 and 0.5, got {value!r}")

    def log_ratio(self, passes: int, seen: int) -> float:
        """Return the logarithm of the likelihood at *bad* over that at *good*."""
        missed = seen - passes
        gain = math.log(self.bad / self.good)
        return passes * gain + missed * math.log((1 - self.bad) / (1 - self.good))

    def verdict(self, passes: int, seen: int) -> Literal["good", "bad"] | None:
        """Return what *passes* of *seen* cases say, None while it is open."""
        ratio = self.log_ratio(passes, seen)
        if ratio >= math.log((1 - self.beta) / self.alpha):
            return "bad"
        return "good" if ratio <= math.log(self.beta / (1 - self.alpha)) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Characteristics:
    """What a test does at one true pass rate."""

    good: float
    """Probability to say `good`."""
    bad: float
    inconclusive: float
    """Probability to be open still when the planned cases are used up."""
    mean_cases: float


def sprt_characteristics(test: Sprt, rate: float, planned: int | None = None) -> Characteristics:
    """Return what *test* does at the true pass *rate*, by going through all ways it can end.

    Cut after *planned* cases; without that, followed until less than 1e-12 is open. Exact, where
    Wald's formulas leave out by how much the last case overshoots. Raises `ValueError` for a rate
    outside of 0 to 1.
    """
    guards.share("rate", rate)
    open_ways = {0: 1.0}
    ended = {"good": 0.0, "bad": 0.0}
    cases = left = 0.0
    seen = 0
    while open_ways and (left := math.fsum(open_ways.values())) > 1e-12 and seen != planned:
        seen += 1
        cases += left
        following: dict[int, float] = {}
        for passes, chance in open_ways.items():
            for more, share in ((1, rate), (0, 1 - rate)):
                following[passes + more] = following.get(passes + more, 0.0) + chance * share
        open_ways = {}
        for passes, chance in following.items():
            verdict = test.verdict(passes, seen)
            if verdict is None:
                open_ways[passes] = chance
            else:
                ended[verdict] += chance
    rest = math.fsum(open_ways.values())
    return Characteristics(
        good=ended["good"], bad=ended["bad"], inconclusive=rest, mean_cases=cases
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class EProcess:
    """Evidence against a hypothesis on the mean difference of bounded scores, case by case.

    The stake of a bettor who starts with 1 and wins nothing on average where the hypothesis holds:
    the mean over the bets λ of `Π (1 + s λ (x - m)/w)`, x = (d/R + 1)/2 (Waudby-Smith and Ramdas,
    "Estimating means of bounded random variables by betting", 2024, section 4). It reaches 1/alpha
    with probability alpha at most, however often one looks (Ville 1939): `rejects` may be asked
    after each case. Start with `not_worse()` or `worse_by(margin)`.
    """

    sign: int
    middle: float
    width: float
    spread: float
    seen: int = 0
    logs: tuple[float, ...] = (0.0,) * len(BETS)
    """Logarithm of the stake of each bet."""
    highest: float = 0.0
    """Logarithm of the highest value so far."""

    def after(self, difference: float) -> EProcess:
        """Return the process after one more case, *difference* being candidate less base.

        Raises `ValueError` for NaN and for a difference beyond ±spread.
        """
        if not abs(difference) <= self.spread * (1 + 1e-9):
            raise ValueError(
                f"a difference lies between ±spread = ±{self.spread!r}, got {difference!r}"
            )
        x = min(1.0, max(0.0, (difference / self.spread + 1) / 2))
        steps = _log_steps(self.sign * (x - self.middle) / self.width)
        logs = tuple(map(operator.add, self.logs, steps))
        # Not dataclasses.replace: this runs once for each case of many simulated runs.
        return EProcess(
            sign=self.sign,
            middle=self.middle,
            width=self.width,
            spread=self.spread,
            seen=self.seen + 1,
            logs=logs,
            highest=max(self.highest, _log_mean(logs)),
        )

    @property
    def value(self) -> float:
        """The e-value now, 0 or more; infinite where it is too large for a float."""
        log = _log_mean(self.logs)
        return math.exp(log) if log < 709 else math.inf

    def rejects(self, alpha: float = 0.05) -> bool:
        """Tell whether the hypothesis was rejected at any time: the value has reached 1/alpha."""
        guards.inner("alpha", alpha)
        return self.highest >= -math.log(alpha)


def not_worse(spread: float = 1.0) -> EProcess:
    """Return the process against "the candidate is not worse"; rejected, it is worse.

    *spread*: highest less lowest possible score. Ties leave it as it is. Raises `ValueError` for a
    spread of 0 or below.
    """
    _refuse_spread(spread)
    return EProcess(sign=-1, middle=0.5, width=0.5, spread=spread)


def worse_by(margin: float, spread: float = 1.0) -> EProcess:
    """Return the process against "worse by *margin* or more"; rejected, the candidate holds up.

    Raises `ValueError` unless 0 <= margin < spread.
    """
    _refuse_spread(spread)
    if not 0 <= margin < spread:
        raise ValueError(f"margin lies between 0 and the spread {spread!r}, got {margin!r}")
    middle = (1 - margin / spread) / 2
    return EProcess(sign=1, middle=middle, width=middle, spread=spread)


_LOOKS = {
    "pocock": (2.178, 2.289, 2.361, 2.413),
    "obrien-fleming": (1.977, 2.004, 2.024, 2.040),
}


def planned_looks(
    looks: int, shape: Literal["pocock", "obrien-fleming"] = "obrien-fleming"
) -> tuple[float, ...]:
    """Return by how many standard errors a difference must stand out at each planned look.

    Two-sided level 0.05 over all 2 to 5 equally spaced looks: Pocock's constant, or O'Brien and
    Fleming's `c sqrt(J/j)`, stern at first and nearly 1.96 at last (Jennison and Turnbull, "Group
    Sequential Methods", 2000, tables 2.1 and 2.3). Raises `ValueError` for another number.
    """
    if shape not in _LOOKS:
        raise ValueError(f"shape is one of {', '.join(_LOOKS)}, got {shape!r}")
    if not 2 <= looks <= 5:
        raise ValueError(f"looks are 2 to 5, got {looks!r}; for any number take the e-process")
    constant = _LOOKS[shape][looks - 2]
    if shape == "pocock":
        return (constant,) * looks
    return tuple(constant * math.sqrt(looks / look) for look in range(1, looks + 1))


def _refuse_spread(spread: float) -> None:
    if not 0 < spread < math.inf:
        raise ValueError(f"spread is finite and above 0, got {spread!r}")


@functools.lru_cache(maxsize=4096)
def _log_steps(gain: float) -> tuple[float, ...]:
    return tuple(math.log1p(bet * gain) for bet in BETS)


def _log_mean(logs: tuple[float, ...]) -> float:
    top = max(logs)
    if -600 < top < 600:
        return math.log(sum(map(math.exp, logs)) / len(logs))
    return top + math.log(sum(math.exp(log - top) for log in logs) / len(logs))
