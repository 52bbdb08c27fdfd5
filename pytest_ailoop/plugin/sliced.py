"""Which values of metadata the configuration slices cases by. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pytest_ailoop import text

if TYPE_CHECKING:
    from pytest_ailoop.data.case import Case
    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["slices_of", "unknown_keys"]


def slices_of(cases: Iterable[Case], keys: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return `lang=de` and its like by case id, of the cases that have one of *keys*.

    Of a list each value counts; objects are no values to slice by.
    """
    if not keys:
        return {}
    found = {one.id: tuple(_names(one, keys)) for one in cases}
    return {case: names for case, names in found.items() if names}


def _names(case: Case, keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        value = case.metadata.get(key)
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(one, (str, int, float)):
                yield text.cut(f"{key}={_spelled(one)}", 100)


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def unknown_keys(evaluation: Evaluation) -> Iterator[str]:
    """Yield a warning for each key of the configuration that no collected case has."""
    keys = evaluation.settings.config.slices
    if not keys or not evaluation.collected:
        return
    known = {
        name
        for one in evaluation.collected.values()
        for case in one.dataset.cases
        for name in case.metadata
    }
    for key in keys:
        if key not in known:
            close = text.suggestion(key, sorted(known))
            yield f"slices: no case has the metadata key {key!r}{close}"
