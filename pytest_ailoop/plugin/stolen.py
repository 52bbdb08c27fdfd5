"""Calls of bodies that xdist took away from the worker which had begun them.

The worker that runs such an item in its turn finds the replies in the cache, though this session
paid for them, and for this very item. So does the worker that comes second with `--dist=each`.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_ailoop.text import whole

if TYPE_CHECKING:
    from pytest_ailoop.data.call import Call
    from pytest_ailoop.data.record import ItemRecord
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.recorder import Recorder

__all__ = ["learn", "meet", "note", "settle"]


def note(evaluation: Evaluation, notebook: Recorder) -> None:
    """Keep what the body of *notebook*, which is over, had from models."""
    _keep(evaluation, notebook.nodeid, notebook.calls)


def meet(evaluation: Evaluation, record: ItemRecord) -> None:
    """Keep what the item of *record* had from models, where each worker runs all items."""
    if evaluation.config.getoption("dist", "no") == "each":
        _keep(evaluation, record.nodeid, record.calls)


def _keep(evaluation: Evaluation, nodeid: str, calls: Iterable[Call]) -> None:
    live = [one.digest for one in calls if one.origin == "live" and one.error is None]
    if live:
        evaluation.stolen.setdefault(whole(nodeid), []).extend(live)


def learn(evaluation: Evaluation, told: Mapping[str, Sequence[str]]) -> None:
    """Take what a worker kept."""
    for nodeid, digests in told.items():
        evaluation.stolen.setdefault(nodeid, []).extend(digests)


def settle(evaluation: Evaluation) -> None:
    """Let the records say `live` of those calls; the items that made them are told apart."""
    for record in evaluation.session.records if evaluation.stolen else ():
        digests = evaluation.stolen.get(record.nodeid)
        if digests is not None:
            evaluation.session.add(_paid(record, digests))


def _paid(record: ItemRecord, digests: Sequence[str]) -> ItemRecord:
    left, calls = Counter(digests), []
    for call in record.calls:
        if call.origin == "cache" and left[call.digest]:
            left[call.digest] -= 1
            call = replace(call, origin="live")
        calls.append(call)
    return replace(record, calls=tuple(calls))
