"""What a row says of many items, summed up item by item. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from math import fsum
from typing import TYPE_CHECKING

from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.report.calls import CallSums
from pytest_ailoop.report.measures import MeasureSums

if TYPE_CHECKING:
    from pytest_ailoop.stats.clustered import ClusteredMean

__all__ = ["Sums"]


class Sums:
    """Takes the items of one test under one variant; none of their records is held."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.trials = 1
        """Most trials of any case."""
        self.calls, self.measures = CallSums(), MeasureSums()
        #: By case, whether its trials passed: one value, or several.
        self._passed: dict[str, float | list[float]] = {}
        self._others = array("d")

    def add(self, record: ItemRecord) -> None:
        """Add an item."""
        self.outcomes[str(record.outcome)] += 1
        if record.outcome == "settled":
            return
        self.trials = max(self.trials, record.key.trial)
        self.calls.add(record.calls)
        self.measures.add(record)
        for score in record.scores:
            if score.kind == "outcome" and score.value is not None:
                self._note(record.key.case, score.value)

    def _note(self, case: str, value: float) -> None:
        known = self._passed.get(case)
        if known is None:
            self._passed[case] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            self._passed[case] = [known, value]

    def join(self, other: Sums) -> None:
        """Add all that *other*, of another test or variant, took."""
        self.outcomes += other.outcomes
        self.trials = max(self.trials, other.trials)
        self.calls.join(other.calls)
        self.measures.join(other.measures)
        self._others.extend(other.means)

    @property
    def reliability(self) -> tuple[tuple[float, float], ...]:
        """pass@k and pass^k for k = 1, 2, ... as far as every scored case has k scored trials.

        Means over cases of the unbiased estimates (`stats.trials`); empty where one trial is all.
        """
        several = self._trials_by_case
        if self._others or len(several) < max(1, len(self._passed)):
            return ()
        from pytest_ailoop.stats.trials import pass_at_k, pass_hat_k

        counts = Counter((len(one), sum(value == 1.0 for value in one)) for one in several)

        def mean(of: Callable[[int, int, int], float], k: int) -> float:
            return fsum(times * of(n, c, k) for (n, c), times in counts.items()) / len(several)

        most = min(n for n, _ in counts)
        return tuple((mean(pass_at_k, k), mean(pass_hat_k, k)) for k in range(1, most + 1))

    @property
    def _trials_by_case(self) -> list[list[float]]:
        several = [one for one in self._passed.values() if isinstance(one, list)]
        uneven = len({len(one) for one in several}) > 1
        # Where its first trials settled a case the others are lacking: no fair sample of trials.
        return [] if uneven and self.outcomes["settled"] else several

    @property
    def clustered(self) -> ClusteredMean | None:
        """The mean over trials with its standard error by case; None where `reliability` is empty.

        And where all cases have one mean: nothing varied.
        """
        groups = self._trials_by_case
        if self._others or len(groups) < max(2, len(self._passed)):
            return None
        from pytest_ailoop.stats.clustered import clustered_mean

        found = clustered_mean(groups)
        return found if found and found.interval else None

    @property
    def means(self) -> Sequence[float]:
        """The share of passed trials of each case that has a scored one."""
        found = array("d", self._others)
        for one in self._passed.values():
            found.append(fsum(one) / len(one) if isinstance(one, list) else one)
        return found
