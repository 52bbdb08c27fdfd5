"""How cases stand to the baseline, in words: counted, and one by one. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.data.baseline import Change, EntryKey
from pytest_ailoop.data.record import ItemKey
from pytest_ailoop.report.numbers import number

__all__ = ["change_words", "move_lines", "name_of"]

_ORDER = ("regressed", "improved", "new", "missing", "changed case", "changed check",
          "changed prompt", "not measured", "not run", "not compared")  # fmt: skip
_SHORT = {"regressed": "-{}", "improved": "+{}", "new": "{} new", "missing": "{} gone"}


def change_words(changes: Mapping[str, int], *, short: bool = False) -> str:
    """Return `2 regressed, 1 improved, 7 unchanged`; short `-2 +1`, or `same`."""
    # What was not measured stands in a line of its own below a row.
    order = _ORDER[:-3] if short else _ORDER
    parts = [
        _change_word(status, short).format(changes[status])
        for status in order
        if changes.get(status)
    ]
    if changes.get("unchanged") and not (short and parts):
        parts.append("same" if short else f"{changes['unchanged']} unchanged")
    return (" " if short else ", ").join(parts)


def _change_word(status: str, short: bool) -> str:
    words = "{} " + status.replace("changed ", "chg ")
    return _SHORT.get(status, words) if short else "{} " + status


def name_of(key: EntryKey | ItemKey) -> str:
    """Return `test_answers[refund-01, mini terse]`: how a case is called in lines."""
    label = f", {key.variant.label}" if key.variant.label else ""
    trial = f", trial {key.trial}" if isinstance(key, ItemKey) and key.trial > 1 else ""
    return text.one_line(f"{key.test}[{key.case}{label}{trial}]", 160)


def move_lines(changes: Iterable[Change], *, title: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each case that differs, with what moved from where to where and what else changed."""
    shown = [one for one in changes if one.status != "unchanged" or one.causes]
    shown.sort(key=lambda one: (*_ORDER, "unchanged").index(one.status))
    if shown:
        yield title, {"bold": True}
    for one in shown:
        moved = [f"{m.name} {number(m.before)} -> {number(m.now)}" for m in one.moved]
        rest = [*moved, *(f"changed: {cause}" for cause in one.causes)]
        yield f"  - {name_of(one.key)}  {text.one_line('; '.join([one.status, *rest]), 200)}", {}
