"""A system under test that answers right with a known probability."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

__all__ = ["System", "answer", "score", "use"]


@dataclass(frozen=True, kw_only=True)
class System:
    """What a system does is told by its two seeds alone, so that any run can be had again."""

    seed: str
    """Of the answers: with another one it answers anew."""
    cases: str
    """Of how hard each case is."""
    rate: float
    """The chance of a right answer, on average over cases."""
    spread: float = 0.0
    """The share of the variance of answers that lies between cases: their rates are Beta."""
    factor: float = 1.0
    """What the chance of each case is multiplied by."""
    drops: frozenset[str] = frozenset()
    """Names of systems or scores that the factor is for; empty for all."""

    def chance(self, case: str, which: str) -> float:
        """Return the chance that *which* system, or score, is right on *case*."""
        rate = self.rate
        if self.spread:
            weight = (1 - self.spread) / self.spread
            how_hard = Random(f"{self.cases}/{which}/{case}")
            rate = how_hard.betavariate(rate * weight, (1 - rate) * weight)
        return rate * (self.factor if not self.drops or which in self.drops else 1.0)

    def draw(self, case: str, trial: int, which: str) -> tuple[bool, int]:
        """Return whether it is right this time, and a number that no other answer has."""
        dice = Random(f"{self.seed}/{which}/{case}/{trial}")
        return dice.random() < self.chance(case, which), dice.getrandbits(32)


_used: list[System] = []


def use(system: System) -> None:
    """Let *system* answer from now on."""
    _used[:] = [system]


def answer(case: str, trial: int, which: str) -> str:
    """Return an answer that says `right` or `wrong`, in words that are new each time."""
    right, number = _used[0].draw(case, trial, which)
    return f"{'right' if right else 'wrong'}, {number:x}"


def score(case: str, trial: int, which: str) -> float:
    """Return 1.0 where the answer is right, else 0.0."""
    return float(_used[0].draw(case, trial, which)[0])
