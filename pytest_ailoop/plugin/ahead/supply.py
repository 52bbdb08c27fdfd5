"""How many items xdist's controller gives a worker before their turn.

xdist is sparing: a test that runs cannot be moved to a worker that idles. By `load` a worker whose
tests take longer than 0.1 s is given two at a time, by `loadscope`, `loadfile` and `loadgroup` new
ones once it holds no more than two. Evals wait for models side by side, and a worker can only start
what it was given. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

from pytest_ailoop.plugin.ahead.reach import reach_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from pytest_ailoop.data.record import Plan

__all__ = ["supplying"]


def supplying(scheduler: Any, config: pytest.Config, log: Any) -> Any:
    """Return a scheduler that does as *scheduler*, and gives a worker more where evals come next.

    *scheduler* itself where it is none of those that xdist makes, or not as it is known here.
    """
    kind = type(scheduler)
    if kind.__module__.partition(".")[0] != "xdist":
        return scheduler
    kinds = sys.modules.get("xdist.scheduler")
    known = (("LoadScopeScheduling", _ByUnits, _UNITS), ("LoadScheduling", _ByChunks, _CHUNKS))
    for name, mixin, parts in known:
        base = getattr(kinds, name, ())
        if isinstance(scheduler, base) and all(hasattr(scheduler, part) for part in parts):
            made = type(kind.__name__, (mixin, kind), {})(config, log)
            made.supply = Supply(config, made.numnodes)
            return made
    return scheduler


_UNITS = (
    "numnodes",
    "workqueue",
    "assigned_work",
    "_reschedule",
    "_assign_work_unit",
    "_pending_of",
)
_CHUNKS = ("numnodes", "collection", "pending", "node2pending", "check_schedule", "_send_tests")


class _ByUnits:
    """Keeps units whole, as ever, and gives a worker more of them."""

    supply: Supply

    def _reschedule(self: Any, node: Any) -> None:
        super()._reschedule(node)  # type: ignore[misc]
        if node.shutting_down or not self.workqueue or not self.supply.knows_evals:
            return
        wants = self.supply.wants(map(len, self.workqueue.values()))
        holds = self._pending_of(self.assigned_work[node])
        while self.workqueue and holds < wants:
            unit = next(iter(self.workqueue.values()))
            if not self.supply.is_eval(next(iter(unit))):
                break
            holds += list(unit.values()).count(False)
            self._assign_work_unit(node)


class _ByChunks:
    """Gives a worker the next items in a row, before it has worked off those it holds."""

    supply: Supply

    def check_schedule(self: Any, node: Any, duration: float = 0) -> None:
        super().check_schedule(node, duration)  # type: ignore[misc]
        asked_for = self.config.getoption("maxschedchunk", None)
        if node.shutting_down or asked_for is not None or not self.supply.knows_evals:
            return
        wants = self.supply.wants([len(self.pending)])
        holds = len(self.node2pending[node])
        # In a row, so that fixtures serve several of them.
        if holds < max(self.supply.least, wants // 2):
            names = (self.collection[one] for one in self.pending[: wants - holds])
            self._send_tests(node, sum(1 for _ in itertools.takewhile(self.supply.is_eval, names)))


class Supply:
    """Knows which items are evals, and how many of them a worker can use."""

    def __init__(self, config: pytest.Config, workers: int) -> None:
        self._config, self._workers = config, max(1, workers)
        self._plan: Plan | None = None
        self._names: frozenset[str] = frozenset()
        #: Items that a worker is to hold at the least, and at the most; 0 before that is known.
        self.least = self.most = 0

    @property
    def knows_evals(self) -> bool:
        """Whether a worker has told of evals, with the first that it was through with."""
        if not self._config.pluginmanager.hasplugin("ailoop-evaluation"):
            return False
        from pytest_ailoop.plugin.evaluation import EVALUATION

        evaluation = self._config.stash[EVALUATION]
        plan = evaluation.session.planned
        if plan is not self._plan:
            tests = {(one.module, one.test.partition("[")[0]) for one in plan.tests}
            self._plan, self._names = plan, frozenset("::".join(one) for one in tests)
            reach = reach_of(evaluation, self._workers)
            # One more than run at once: that which pytest is about to report.
            self.least = min(reach.share, reach.lookahead) + 1
            self.most = max(self.least, reach.lookahead)
        return evaluation.may_run_ahead and bool(self._names)

    def wants(self, queued: Iterable[int]) -> int:
        """Return how many items a worker is to hold; *queued* are the sizes of all units left.

        Towards the end fewer, so that workers end together.
        """
        left, enough = 0, self.most * self._workers
        for size in queued:
            left += size
            if left >= enough:
                break
        return max(self.least, min(self.most, left // self._workers))

    def is_eval(self, nodeid: str) -> bool:
        """Return whether the item with *nodeid* is one."""
        return nodeid.partition("[")[0] in self._names
