"""An item's record on its way to the controller. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_ailoop import text
from pytest_ailoop.data.record import ItemRecord, item_from, plain

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["send", "sent"]


def send(evaluation: Evaluation, record: ItemRecord, report: Any) -> None:
    """Put *record* on *report*, fit for xdist's channel; in one process too, so that both keep the
    same.

    What a request taught a worker is known to the worker alone, so secrets leave it masked; but
    in the item's name, which the plan has too.
    """
    from pytest_ailoop.report.runs import is_clear, masked

    found: dict[str, Any] = plain(record)
    if is_clear(found):
        evaluation.riding = None if evaluation.is_worker else (found, record)
    else:
        names = {name: _whole(found.pop(name)) for name in ("key", "nodeid")}
        found = {**names, **masked(found)}
    report.ailoop = found


def sent(evaluation: Evaluation, report: Any) -> ItemRecord:
    """Return the record that rides on *report*."""
    riding = evaluation.riding
    if riding is not None and riding[0] is report.ailoop:
        return riding[1]  # To make it anew takes as long as to write it.
    return item_from(report.ailoop)


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return text.whole(value)
    if isinstance(value, dict):
        return {text.whole(name): _whole(one) for name, one in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list) else value
