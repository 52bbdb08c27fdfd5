"""An item's record on its way to the controller. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import Any

from pytest_ailoop import text
from pytest_ailoop.data.record import ItemRecord, plain

__all__ = ["sendable"]


def sendable(record: ItemRecord) -> dict[str, Any]:
    """Return a record fit for xdist's channel, in one process too, so that both keep the same.

    What a request taught a worker is known to the worker alone, so secrets leave it masked; but
    in the item's name, which the plan has too.
    """
    from pytest_ailoop.report.runs import is_clear, masked

    found: dict[str, Any] = plain(record)
    if is_clear(found):
        return found
    names = {name: _whole(found.pop(name)) for name in ("key", "nodeid")}
    return {**names, **masked(found)}


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return text.whole(value)
    if isinstance(value, dict):
        return {text.whole(name): _whole(one) for name, one in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list) else value
