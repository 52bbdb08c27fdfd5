"""How many items xdist's schedulers give a worker, with workers that only take note of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from xdist.scheduler import (
    LoadGroupScheduling,
    LoadScheduling,
    LoadScopeScheduling,
    WorkStealingScheduling,
)

from pytest_ailoop.data.record import Plan
from pytest_ailoop.plugin.ahead.supply import supplying
from pytest_ailoop.plugin.evaluation import EVALUATION

WORKERS = 2


class Worker:
    """Keeps what it is given."""

    def __init__(self, number: int) -> None:
        self.gateway = SimpleNamespace(id=f"gw{number}")
        self.shutting_down = False
        self.given: list[int] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += indices

    def shutdown(self) -> None:
        self.shutting_down = True


class Controller:
    """The configuration of a session in which workers may each run *share* evals at once."""

    def __init__(self, share: int = 4, **options: Any) -> None:
        self._options = {"tx": ["popen"] * WORKERS, "maxschedchunk": None, "maxfail": 0, **options}
        self.option = SimpleNamespace(loadscopereorder=False)
        self.pluginmanager = SimpleNamespace(hasplugin=lambda name: True)
        self.evaluation = SimpleNamespace(
            config=self,
            settings=SimpleNamespace(concurrency=share * WORKERS, lookahead=None),
            session=SimpleNamespace(planned=Plan()),
            may_run_ahead=True,
        )
        self.stash = {EVALUATION: self.evaluation}

    def getvalue(self, name: str) -> Any:
        return self._options[name]

    def getoption(self, name: str, default: Any = None) -> Any:
        return self._options.get(name, default)

    def hears_of_evals(self) -> None:
        """Let the first report of an eval come in, which bears the plan."""
        tests = (SimpleNamespace(module="test_eval.py", test="test_it"),)
        self.evaluation.session.planned = SimpleNamespace(tests=tests)


def started(kind: Any, controller: Controller, names: list[str]) -> tuple[Any, list[Worker]]:
    """Return a scheduler that has shared out what it does at first, and its workers."""
    silent = SimpleNamespace()
    for name in ("loadsched", "loadscopesched", "loadgroupsched"):
        setattr(silent, name, lambda *_: None)
    scheduler = supplying(kind(controller, silent), controller, silent)
    workers = [Worker(number) for number in range(WORKERS)]
    for worker in workers:
        scheduler.add_node(worker)
        scheduler.add_node_collection(worker, names)
    scheduler.schedule()
    return scheduler, workers


EVALS = [f"test_eval.py::test_it[c{number}]" for number in range(200)]
PLAIN = [f"test_plain.py::test_it[{number}]" for number in range(200)]


@pytest.mark.parametrize("kind", [LoadScheduling, LoadGroupScheduling])
def test_a_worker_is_given_what_it_can_run_ahead(kind: Any) -> None:
    """From the first eval that is reported on, a worker has twice to four times its share."""
    controller = Controller()
    scheduler, (one, other) = started(kind, controller, EVALS)
    before = len(other.given)
    controller.hears_of_evals()
    scheduler.mark_test_complete(one, one.given[0], duration=1.0)
    assert (before, True) == (len(other.given), before <= 25)
    for number in range(1, 30):
        assert 5 <= len(one.given) - number
        scheduler.mark_test_complete(one, one.given[number], duration=1.0)
    assert 9 <= len(one.given) - 30


def test_workers_end_together() -> None:
    """When few are left, a worker is given no more than it runs at once, and one."""
    controller = Controller()
    scheduler, (one, _) = started(LoadGroupScheduling, controller, EVALS[:24])
    controller.hears_of_evals()
    scheduler.mark_test_complete(one, one.given[0])
    assert 9 == len(one.given) - 1
    for number in range(1, 9):
        scheduler.mark_test_complete(one, one.given[number])
    assert 5 == len(one.given) - 9


@pytest.mark.parametrize("kind", [LoadScheduling, LoadGroupScheduling])
@pytest.mark.parametrize("why", ["ordinary tests", "not known", "nothing runs ahead"])
def test_ordinary_tests_are_shared_out_as_ever(kind: Any, why: str) -> None:
    """Where no evals come next, or none may run ahead, a worker is given what xdist gives it."""
    names = PLAIN if why == "ordinary tests" else EVALS
    found = []
    for known in (False, True):
        controller = Controller()
        controller.evaluation.may_run_ahead = why != "nothing runs ahead"
        scheduler, (one, other) = started(kind, controller, names)
        if known and why != "not known":
            controller.hears_of_evals()
        for number in range(20):
            scheduler.mark_test_complete(one, one.given[number], duration=1.0)
        found.append((one.given, other.given))
    assert found[0] == found[1]


def test_a_group_stays_on_one_worker() -> None:
    """A group is given whole, and not before the tests that stand before it."""
    controller = Controller()
    grouped = [f"test_eval.py::test_it[g{number}]@group" for number in range(12)]
    names = [*EVALS[:6], *PLAIN[:2], *grouped, *EVALS[6:20]]
    scheduler, (one, other) = started(LoadGroupScheduling, controller, names)
    controller.hears_of_evals()
    done = {one: 0, other: 0}
    while any(len(worker.given) > number for worker, number in done.items()):
        for worker, number in done.items():
            if len(worker.given) > number:
                scheduler.mark_test_complete(worker, worker.given[number])
                done[worker] += 1
    assert sorted(one.given + other.given) == list(range(len(names)))
    group = set(range(8, 20))
    assert sorted([len(group & set(one.given)), len(group & set(other.given))]) == [0, 12]


def test_chunks_that_were_asked_for_are_kept() -> None:
    """With `--maxschedchunk`, a worker is given no more than that says."""
    controller = Controller(maxschedchunk=1)
    scheduler, (one, _) = started(LoadScheduling, controller, EVALS)
    controller.hears_of_evals()
    for number in range(5):
        scheduler.mark_test_complete(one, one.given[number], duration=1.0)
    assert len(one.given) - 5 <= 2


@pytest.mark.parametrize("kind", [WorkStealingScheduling, SimpleNamespace])
def test_other_schedulers_stay_as_they_are(kind: Any) -> None:
    """That which gives all out at once needs no more, and that of a project is its own."""
    controller = Controller()
    made = kind() if kind is SimpleNamespace else kind(controller)
    assert made is supplying(made, controller, None)


def test_an_xdist_that_is_built_otherwise_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the parts that are known here, xdist's scheduler is used as it is."""
    monkeypatch.delattr(LoadScopeScheduling, "_assign_work_unit")
    made = LoadScopeScheduling(Controller())
    assert made is supplying(made, Controller(), None)
