"""Items that nobody needs any more: asked for before each runs, told as settled where it does not.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import text
from pytest_ailoop.data.baseline import EntryKey, entry_key
from pytest_ailoop.data.record import SETTLED, ItemKey, ItemRecord, item_from
from pytest_ailoop.plugin.naming import cell_of, key_of, test_of
from pytest_ailoop.plugin.resume import is_kept, may_tell, torn_down
from pytest_ailoop.plugin.sending import send
from pytest_ailoop.plugin.shared_results import SharedResults

if TYPE_CHECKING:
    from pytest_ailoop.data.gate import StopRule
    from pytest_ailoop.gates.settling import Settling
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.plugin.resume import SendPlan

__all__ = ["STATUS", "Settler", "arrange", "begin", "is_settled", "narrowed", "note", "settler_of"]

STATUS = ("settled", "-", "SETTLED")
"""Category, letter and word of an item that was not needed."""


def arrange(evaluation: Evaluation, items: list[pytest.Item]) -> None:
    """Put the items of tests that may stop early into the order in which they are looked at.

    Each test keeps its places among the others. By rounds, each trial comes after all cases of
    the one before.
    """
    rules = _rules(evaluation)
    if not rules:
        return
    places: dict[tuple[str, str], list[int]] = {}
    for at, item in enumerate(items):
        cell = cell_of(item)
        if cell is not None and (where := test_of(evaluation, item, cell.id)) in rules:
            places.setdefault(where, []).append(at)
    for where, found in places.items():
        rank = _ranks(rules[where], [items[at] for at in found])
        chosen = sorted((items[at] for at in found), key=lambda item: rank[item])
        for at, item in zip(found, chosen, strict=True):
            items[at] = item


def _rules(evaluation: Evaluation) -> dict[tuple[str, str], StopRule]:
    tests = evaluation.session.planned.tests
    return {(one.module, one.test): one.stopping for one in tests if one.stopping is not None}


def _ranks(rule: StopRule, items: list[pytest.Item]) -> dict[pytest.Item, int]:
    from pytest_ailoop.gates.stopping import order

    cells = [(item, cell) for item in items if (cell := cell_of(item)) is not None]
    if rule.by == "rounds":
        # Rounds before the first look are one.
        return {item: max(0, cell.trial - rule.first) for item, cell in cells}
    place = {case: at for at, case in enumerate(order(rule.seed, {c.case_id for _, c in cells}))}
    return {item: place[cell.case_id] for item, cell in cells}


_SETTLER = pytest.StashKey["Settler"]()


def settler_of(evaluation: Evaluation) -> Settler | None:
    """Return what knows which items are settled; None where none may be."""
    return evaluation.config.stash.get(_SETTLER, None)


def begin(evaluation: Evaluation, session: pytest.Session, send_plan: SendPlan) -> None:
    """Watch the results, where a test may stop early and an eval is to run."""
    if not evaluation.kept or not _rules(evaluation):
        return
    if may_tell(session):
        found = evaluation.config.stash[_SETTLER] = Settler(evaluation, session, send_plan)
        evaluation.config.pluginmanager.register(found, "ailoop-settling")
        evaluation.on_close.append(found.close)
    else:
        evaluation.warnings.append("this pytest is not known: nothing stops early")


class Settler:
    """Knows the results of this process and of the other workers', and what they settle."""

    def __init__(
        self, evaluation: Evaluation, session: pytest.Session, send_plan: SendPlan
    ) -> None:
        self._evaluation, self._send_plan = evaluation, send_plan
        self._items = session.items
        self._groups: dict[EntryKey, Settling] | None = None
        #: Whether the body of an item was started before its turn.
        self.has_begun: Callable[[pytest.Item], bool] = lambda item: False
        settings = evaluation.settings
        self._shared = SharedResults.of(evaluation) if settings.workers > 1 else None

    @property
    def groups(self) -> dict[EntryKey, Settling]:
        """The groups that may stop early: of a part nothing is decided, and nothing settled."""
        if self._groups is None:
            from pytest_ailoop.gates.decide import settlings

            session = self._evaluation.session
            found = settlings(session.planned, session.context(session.planned))
            there = Counter(filter(None, map(self._group_key_of, self._items)))
            self._groups = {key: one for key, one in found.items() if one.size <= there[key]}
        return self._groups

    def _group_key_of(self, item: pytest.Item) -> EntryKey | None:
        cell = cell_of(item)
        return None if cell is None else _group_key(key_of(self._evaluation, item, cell))

    def close(self) -> None:
        """Let go of the files."""
        if self._shared is not None:
            self._shared.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Learn a result; an attempt that another one follows (pytest-rerunfailures) is none."""
        data = getattr(report, "ailoop", None)
        outcome: str = report.outcome
        if outcome != "rerun" and isinstance(data, dict) and data["outcome"] != "settled":
            record = item_from(data)
            if self._learn(record) and self._shared is not None:
                self._shared.tell(data)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Tell an item that nobody needs as settled, and do not run it."""
        words = "" if is_kept(item) or self.has_begun(item) else self.words(item)
        if not words:
            return None
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        report = _report(self._evaluation, item, words)
        self._send_plan(self._evaluation, item, report)
        hook.pytest_runtest_logreport(report=report)
        last = torn_down(item, nextitem) or _phase(item, "teardown", "passed", None)
        hook.pytest_runtest_logreport(report=last)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def words(self, item: pytest.Item) -> str:
        """Return what settled *item*; empty where its result is needed, or may be."""
        found = self._of(item)
        if found is None:
            return ""
        key, group = found
        self._hear()
        return group.why(key.case, key.trial)

    def may_be_spared(self, item: pytest.Item) -> bool:
        """Return whether trials of its case that are under way may make *item* needless."""
        found = self._of(item)
        if found is None:
            return False
        key, group = found
        self._hear()
        return group.may_be_spared(key.case, key.trial)

    def may_pass(self, item: pytest.Item, begun: Iterable[pytest.Item]) -> bool:
        """Return whether *item* may be gone past, beside *begun* that gave no result yet.

        Once the group is settled it makes no difference, as the item will not run; nor does it for
        a trial that may be spared, which waits for its turn.
        """
        found = self._of(item)
        if found is None:
            return True
        key, group = found
        self._hear()
        if group.is_settled or group.may_be_spared(key.case, key.trial):
            return True
        share = -(-group.side_by_side // self._evaluation.settings.workers)
        return sum(self._group_of(one) is group for one in begun) < share

    def _of(self, item: pytest.Item) -> tuple[ItemKey, Settling] | None:
        cell = cell_of(item)
        if cell is None:
            return None
        key = key_of(self._evaluation, item, cell)
        group = self.groups.get(_group_key(key))
        return None if group is None else (key, group)

    def _group_of(self, item: pytest.Item) -> Settling | None:
        found = self._of(item)
        return None if found is None else found[1]

    def _learn(self, record: ItemRecord) -> bool:
        from pytest_ailoop.gates.groups import trial_of

        group = self.groups.get(_group_key(record.key))
        if group is not None:
            group.add(record.key.case, trial_of(record))
        return group is not None

    def _hear(self) -> None:
        if self._shared is not None:
            for data in self._shared.heard():
                self._learn(item_from(data))


def _group_key(key: ItemKey) -> EntryKey:
    found = entry_key(key)
    return EntryKey(module=found.module, test=found.test, variant=found.variant, case="")


def _report(evaluation: Evaluation, item: pytest.Item, words: str) -> pytest.TestReport:
    path, line, _ = item.location
    report = _phase(item, "setup", "skipped", (path, (line or 0) + 1, f"Skipped: {words}"))
    cell = cell_of(item)
    assert cell is not None
    record = ItemRecord(
        key=key_of(evaluation, item, cell),
        nodeid=item.nodeid,
        outcome="settled",
        case_digest=cell.case_digest,
        tags=cell.case.tags,
    )
    send(evaluation, record, report)
    return report


def _phase(item: pytest.Item, when: Any, outcome: Any, longrepr: Any) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords=dict.fromkeys(item.keywords, 1),
        outcome=outcome,
        longrepr=longrepr,
        when=when,
    )


def is_settled(report: Any) -> bool:
    """Return whether *report* is that of an item that was not needed."""
    record = getattr(report, "ailoop", None)
    return isinstance(record, dict) and record.get("outcome") == "settled"


def note(evaluation: Evaluation, record: ItemRecord) -> None:
    """Count a settled item, on the controller."""
    if record.outcome == "settled":
        key = _group_key(record.key)
        evaluation.settled[key] = evaluation.settled.get(key, 0) + 1


def narrowed(evaluation: Evaluation) -> list[str]:
    """Return why the run is a part, where it stopped early because all was settled."""
    settled = evaluation.settled
    if not settled:
        return []
    planned = 0
    for test in evaluation.session.planned.tests:
        for variant in test.variants:
            key = ItemKey(module=test.module, test=test.test, variant=variant, case="")
            if _group_key(key) in settled:
                planned += sum(test.trials.values())
    items = text.plural(planned, "item")
    return [f"{SETTLED} after {planned - sum(settled.values())} of {items}"]
