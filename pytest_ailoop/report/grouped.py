"""A run's records, changes and missing items, summed by test and variant. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from pytest_ailoop.data.baseline import Comparison, EntryKey, entry_key
from pytest_ailoop.data.record import ItemKey, ItemRecord
from pytest_ailoop.report.since import GroupKey
from pytest_ailoop.report.sums import Sums
from pytest_ailoop.report.worst import CaseRows

__all__ = ["Grouped"]


class Grouped:
    """Sums of records, changes and missing items by test and variant, gone through once."""

    def __init__(
        self,
        records: Iterable[ItemRecord],
        comparison: Comparison,
        missing: Iterable[ItemKey],
        *,
        only_worst: bool,
    ) -> None:
        self.sums: dict[EntryKey, Sums] = {}
        self.cases = CaseRows(comparison, only_worst=only_worst)
        self.changes: dict[EntryKey, Counter[str]] = {}
        self.missing: Counter[EntryKey] = Counter()
        self.statuses: Counter[str] = Counter(comparison.counts)
        self.causes: Mapping[GroupKey, str] = {}
        for record in records:
            group = _group(entry_key(record.key))
            if group not in self.sums:
                self.sums[group] = Sums()
            self.sums[group].add(record)
            if record.outcome != "settled":
                self.cases.add(record)
        for change in comparison.changes:
            self.changes.setdefault(_group(change.key), Counter())[change.status] += 1
        for one in comparison.unmeasured:
            self.changes.setdefault(_group(one.key), Counter())["not measured"] += 1
        for key in missing:
            self.missing[_group(entry_key(key))] += 1

    @property
    def all(self) -> Sums:
        """The sums over all records."""
        found = Sums()
        for one in self.sums.values():
            found.join(one)
        return found


def _group(key: EntryKey) -> EntryKey:
    return EntryKey(module=key.module, test=key.test, variant=key.variant, case="")
