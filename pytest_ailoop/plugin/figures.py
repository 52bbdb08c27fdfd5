"""An item's figures: as properties for junit, and beside its name. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.plugin import scrub

__all__ = ["properties", "words"]


def properties(record: ItemRecord) -> Iterator[tuple[str, object]]:
    """Yield what junit and other reporters keep of an item: plain names and numbers."""
    for score in record.scores:
        if score.value is not None:
            yield _property(score.name, _figure(score.value))
        else:
            yield _property(score.name, scrub.clean(score.label or "not scored"))
    for purpose, name in (("app", "cost"), ("judge", "judge_cost")):
        costs = [one.cost for one in record.calls if one.purpose == purpose]
        if costs and None not in costs:
            yield _property(name, round(sum(cost for cost in costs if cost is not None), 8))
    latencies = [one.latency for one in record.calls if one.latency is not None]
    if latencies:
        yield "ailoop.latency", round(sum(latencies), 6)


@functools.lru_cache(maxsize=1024, typed=True)
def _property(name: str, value: object) -> tuple[str, object]:
    """Return a property, the same object for equal ones: every report is kept to the end."""
    return f"ailoop.{scrub.clean(name)}", value


def words(record: dict[str, Any]) -> str:
    """Return what stands beside a passed item's name: two scores, and its costs."""
    parts = [
        f"{score['name']} {score['value']:.2f}"
        for score in record["scores"]
        if score["value"] is not None and score["name"] != "passed"
    ]
    return scrub.clean("  ".join([*parts[:2], *_costs(record["calls"])]))


def _costs(calls: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what an item's calls cost, those of judges apart; nothing where nobody knows."""
    from pytest_ailoop.report.numbers import dollars

    for purpose, word in (("app", ""), ("judge", " judged")):
        costs = [one["cost"] for one in calls if one["purpose"] == purpose]
        if any(costs) and None not in costs:
            yield f"{dollars(sum(costs))}{word}"


def _figure(value: float) -> float:
    return int(value) if float(value).is_integer() else round(value, 6)
