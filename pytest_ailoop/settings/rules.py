"""Rules for values of the configuration, and the words in which they refuse one.

Written by hand: of the start of a run with a configuration, pydantic's import and its models were a
fifth. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, TypeAlias

__all__ = [
    "KEY",
    "Check",
    "Fault",
    "Path",
    "Refused",
    "Rule",
    "Table",
    "above_0",
    "date",
    "finite",
    "flag",
    "listed",
    "number",
    "plain",
    "table_by_name",
    "text",
    "whole_number",
]

Path: TypeAlias = tuple[int | str, ...]
"""Keys and places in lists that lead to a value."""

KEY = "[key]"
"""Last part of the path to a key that is wrong itself."""


class Refused(Exception):
    """A value is not taken; bears what was expected, in words."""


class Fault(NamedTuple):
    """What is wrong with a value."""

    path: Path
    words: str = ""
    kind: Literal["wrong", "unknown", "missing"] = "wrong"


Check: TypeAlias = Callable[[Any], Any]
"""Returns the value as it is taken, or raises `Refused`."""

Rule: TypeAlias = Callable[[Any, Path, list[Fault]], Any]
"""Returns the value that stands at a path, as far as it is taken, and adds faults."""


def plain(check: Check) -> Rule:
    """Return the rule of a value without parts; None is what is left of a wrong one."""

    def rule(value: Any, path: Path, faults: list[Fault]) -> Any:
        try:
            return check(value)
        except Refused as refused:
            faults.append(Fault(path, str(refused)))
            return None

    return rule


def text(check: Check) -> Rule:
    """Return the rule of a text that *check* takes."""
    return plain(lambda value: check(_text(value)))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused("expected a text")
    return value


def number(check: Check = float) -> Rule:
    """Return the rule of a float that *check* takes; whole numbers are such, too."""
    return plain(lambda value: check(_number(value)))


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise Refused("expected a number")
    return float(value)


def finite(value: float) -> float:
    """Return *value*; infinities and NaN are refused."""
    if not math.isfinite(value):
        raise Refused("expected a finite number")
    return value


def whole_number(check: Check) -> Rule:
    """Return the rule of an integer that *check* takes."""
    return plain(lambda value: check(_whole_number(value)))


def _whole_number(value: Any) -> int:
    if type(value) is not int:
        raise Refused("expected a whole number")
    return value


def above_0(value: float) -> float:
    """Return *value*; 0 and what is below is refused."""
    if value <= 0:
        raise Refused("expected a number above 0")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise Refused("expected true or false")
    return value


def _date(value: Any) -> datetime.date:
    if type(value) is not datetime.date:
        raise Refused("expected a date without quotes, like 2030-12-31")
    return value


flag, date = plain(_flag), plain(_date)


def listed(entry: Rule) -> Rule:
    """Return the rule of a list of what *entry* takes."""

    def rule(value: Any, path: Path, faults: list[Fault]) -> list[Any]:
        if not isinstance(value, list):
            faults.append(Fault(path, "expected a list"))
            return []
        return [entry(one, (*path, place), faults) for place, one in enumerate(value)]

    return rule


def table_by_name(name: Check, entry: Rule) -> Rule:
    """Return the rule of a table whose keys *name* takes and whose values *entry* does."""

    def rule(value: Any, path: Path, faults: list[Fault]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, one in _entries(value, path, faults):
            plain(name)(key, (*path, key, KEY), faults)
            found[key] = entry(one, (*path, key), faults)
        return found

    return rule


class Table:
    """The rule of a table with known keys; *needed* are those that must be there.

    What it returns holds the keys that were given, in the order of the rules.
    """

    def __init__(self, rules: dict[str, Rule], needed: Iterable[str] = ()) -> None:
        self._rules, self._needed = rules, frozenset(needed)

    @property
    def names(self) -> list[str]:
        """The known keys, sorted."""
        return sorted(self._rules)

    def __call__(self, value: Any, path: Path, faults: list[Fault]) -> dict[str, Any]:
        given, found = dict(_entries(value, path, faults)), {}
        for name, rule in self._rules.items():
            if name in given:
                found[name] = rule(given[name], (*path, name), faults)
            elif name in self._needed and isinstance(value, dict):
                faults.append(Fault((*path, name), kind="missing"))
        unknown = (name for name in given if name not in self._rules)
        faults.extend(Fault((*path, name), kind="unknown") for name in unknown)
        return found


def _entries(value: Any, path: Path, faults: list[Fault]) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        return value.items()
    faults.append(Fault(path, "expected a table"))
    return ()
