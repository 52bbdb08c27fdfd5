"""What the calls of many items took together, summed up item by item. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field
from math import fsum

from pytest_ailoop import stats
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.report.numbers import Money

__all__ = ["CallSums", "Calls", "calls_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Calls:
    """The application's calls of some items; judges' calls are counted apart."""

    count: int = 0
    p50: float | None = None
    """Seconds that an item waited for models, as measured when the calls were made live."""
    p95: float | None = None
    tokens: int = 0
    """Input and output tokens, of the calls that say."""
    uncounted: int = 0
    """Calls that do not say how many tokens they took."""
    cost: Money = field(default_factory=Money)
    origins: Mapping[str, int] = field(default_factory=dict)
    """Calls by where the reply came from: `recording`, `cache`, `live`."""
    judge_count: int = 0
    judge_cost: Money = field(default_factory=Money)
    paid: Money = field(default_factory=Money)
    """What was asked live, judges included. Of a run as a whole all that its session paid."""
    saved: Money = field(default_factory=Money)
    """What recordings and cache answered, at the price of asking it."""
    earlier: Money = field(default_factory=Money)
    """Of a run as a whole: what kept items had cost before."""
    kept: int = 0
    """Of a run as a whole: items kept from interrupted runs."""


class _Sum:
    """Costs, by themselves: their sum shall not depend on the order they came in."""

    def __init__(self) -> None:
        self.costs, self.unknown = array("d"), 0

    def add(self, call: Call) -> None:
        if call.cost is None:
            self.unknown += 1
        else:
            self.costs.append(call.cost)

    def join(self, other: _Sum) -> None:
        self.costs += other.costs
        self.unknown += other.unknown

    @property
    def count(self) -> int:
        return len(self.costs) + self.unknown

    @property
    def money(self) -> Money:
        return Money(known=fsum(self.costs), priced=len(self.costs), unknown=self.unknown)


class CallSums:
    """Takes the calls of item after item."""

    def __init__(self) -> None:
        self._waits = array("d")
        self._tokens = self._uncounted = 0
        self._origins: Counter[str] = Counter()
        self._cost, self._judge_cost, self._paid, self._saved = _Sum(), _Sum(), _Sum(), _Sum()

    def add(self, calls: Iterable[Call]) -> None:
        """Add the calls of one item."""
        waits = []
        for call in calls:
            self._add(call)
            if call.purpose == "app" and call.latency is not None:
                waits.append(call.latency)
        if waits:
            self._waits.append(fsum(waits))

    def _add(self, call: Call) -> None:
        (self._paid if call.origin == "live" else self._saved).add(call)
        if call.error is None:
            # A call that brought no reply has no origin.
            self._origins[str(call.origin)] += 1
        if call.purpose == "judge":
            self._judge_cost.add(call)
            return
        self._cost.add(call)
        tokens = _tokens(call)
        self._tokens += tokens or 0
        self._uncounted += tokens is None

    def join(self, other: CallSums) -> None:
        """Add all that *other* took."""
        self._waits += other._waits
        self._tokens += other._tokens
        self._uncounted += other._uncounted
        self._origins += other._origins
        for name in ("_cost", "_judge_cost", "_paid", "_saved"):
            getattr(self, name).join(getattr(other, name))

    @property
    def found(self) -> Calls:
        """What they took together."""
        return Calls(
            count=self._cost.count,
            p50=stats.percentile(self._waits, 50),
            p95=stats.percentile(self._waits, 95),
            tokens=self._tokens,
            uncounted=self._uncounted,
            cost=self._cost.money,
            origins=dict(sorted(self._origins.items())),
            judge_count=self._judge_cost.count,
            judge_cost=self._judge_cost.money,
            paid=self._paid.money,
            saved=self._saved.money,
        )


def calls_of(records: Iterable[ItemRecord]) -> Calls:
    """Return what the calls of *records* took together."""
    sums = CallSums()
    for one in records:
        sums.add(one.calls)
    return sums.found


def _tokens(call: Call) -> int | None:
    usage = call.usage
    if call.error is not None and call.cost == 0.0:
        return 0  # Refused, and so not worked on.
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    return (usage.input_tokens or 0) + (usage.output_tokens or 0)
