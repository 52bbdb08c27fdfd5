"""What `--lf` runs after a red gate: the items that made it red. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop.data.baseline import EntryKey, entry_key, sorted_axes

if TYPE_CHECKING:
    from pytest_ailoop.data.gate import GateVerdict
    from pytest_ailoop.data.record import ItemRecord
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.session import Outcome

__all__ = ["ITEMS_ONLY", "note"]

ITEMS_ONLY = ("lfplugin", "stepwiseplugin")
"""Plugins of pytest that look for what failed among the items: a gate is none."""

_BELOW = ("missed", "failed", "error")


def note(evaluation: Evaluation, outcome: Outcome) -> None:
    """Let pytest remember the items that made a gate red, until it is green.

    To pytest an item that missed is no failure, so it has forgotten those that it knew. Where a
    gate could not decide, because a part ran, they stay; a green gate lets them go.
    """
    known = getattr(evaluation.config.pluginmanager.get_plugin("lfplugin"), "lastfailed", None)
    cache = getattr(evaluation.config, "cache", None)
    if cache is None or not isinstance(known, dict) or not any(map(_is_open, outcome.gates)):
        return
    before = cache.get("cache/lastfailed", {})
    for nodeid in _guilty(outcome, before if isinstance(before, dict) else {}):
        known[_key(nodeid)] = True


def _is_open(verdict: GateVerdict) -> bool:
    return _is_red(verdict) or _is_part(verdict)


def _is_red(verdict: GateVerdict) -> bool:
    # One that could not be decided for other reasons is not the items' fault.
    told = ("failed", "regressed", "inconclusive")
    return verdict.blocking and verdict.status in told and not _is_part(verdict)


def _is_part(verdict: GateVerdict) -> bool:
    return "partial" in verdict.facts


def _key(nodeid: str) -> Any:
    """Return what pytest knows an item by."""
    report = pytest.TestReport(nodeid, ("", None, ""), {}, "passed", None, "call")
    return getattr(report, "id", nodeid)


def _guilty(outcome: Outcome, before: dict[str, Any]) -> Iterator[str]:
    by_group: dict[EntryKey, list[ItemRecord]] = {}
    wanted = {key for one in outcome.gates if _is_open(one) for key in _groups(one)}
    for record in outcome.records:
        key = _group(record)
        if key in wanted:
            by_group.setdefault(key, []).append(record)
    for verdict in outcome.gates:
        records = [one for key in _groups(verdict) for one in by_group.get(key, ())]
        if _is_red(verdict):
            yield from (one.nodeid for one in _of(verdict, records))
        elif _is_part(verdict):
            missed = (one for one in records if one.outcome == "missed")
            yield from (one.nodeid for one in missed if one.nodeid in before)


def _of(verdict: GateVerdict, records: Iterable[ItemRecord]) -> list[ItemRecord]:
    """Return the items of the cases that the verdict names, of all where it names none.

    Those that missed; where none did (a score without a bar, a cost), each of them.
    """
    tag, named = verdict.gate.tag, set(verdict.named)
    found = [one for one in records if tag is None or tag in one.tags]
    found = [one for one in found if not named or named & _names(one)]
    return [one for one in found if one.outcome in _BELOW] or found


def _names(record: ItemRecord) -> set[str]:
    """Return what a verdict may call the item's case by."""
    case = record.key.case
    return {case, f"{case} ({record.key.test})"}


def _group(record: ItemRecord) -> EntryKey:
    found = entry_key(record.key)
    return EntryKey(module=found.module, test=found.test, variant=found.variant, case="")


def _groups(verdict: GateVerdict) -> list[EntryKey]:
    """Return the groups that the verdict is over."""
    variant = sorted_axes(verdict.variant)
    return [
        EntryKey(module=module, test=test, variant=variant, case="")
        for module, test in verdict.groups
    ]
