"""Reports of passed evals in a third of their room; whoever asks for something gets all that was
there.

pytest keeps a report of every test to its end, and shows of passed ones that they are there.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from array import array
from math import isnan, nan
from typing import Any

import pytest

__all__ = ["NO_KEYWORDS", "Reports"]

NO_KEYWORDS: dict[str, Any] = {}
"""Of all reports that passed."""

_TIMES = ("duration", "start", "stop")
#: What pytest gives a report.
_FOLDED = {"keywords", "location", "longrepr", "outcome", "sections", "user_properties", "when"}
_FOLDED |= {*_TIMES}
_FIELDS = {"_id", *_FOLDED}
#: The one figure that hardly two items have in common.
_OWN = "ailoop.latency"
#: Further figures are left on their report.
_MOST = 1000

_Properties = tuple[tuple[str, object], ...]


class Reports:
    """What light reports were made from, in columns."""

    def __init__(self) -> None:
        self._times, self._own = array("d"), array("d")
        self._properties: list[_Properties] = []
        self._known: dict[tuple[int, ...], _Properties] = {}

    def lighten(self, report: pytest.TestReport) -> pytest.TestReport:
        """Return a report that stands for *report*, which passed; itself where it bears more."""
        kept = self._taken(report)
        if kept is None:
            return report
        found: Any = object.__new__(LightReport)
        own, properties = kept
        found._id, found._where = report.id, report.location
        found._columns, found._at = self, len(self._own)
        self._times.extend(getattr(report, name) for name in _TIMES)
        self._own.append(own)
        self._properties.append(properties)
        light: pytest.TestReport = found
        return light

    def _taken(self, report: Any) -> tuple[float, _Properties] | None:
        if type(report) is not pytest.TestReport or report.__dict__.keys() != _FIELDS:
            return None
        if report.longrepr is not None or report.sections or report.outcome != "passed":
            return None
        pairs: list[tuple[str, Any]] = report.user_properties
        own = nan
        if pairs and pairs[-1][0] == _OWN and type(pairs[-1][1]) is float:
            pairs, own = pairs[:-1], pairs[-1][1]
        # By the objects: 1, 1.0 and True are equal. They are held, so no others take their place.
        name = tuple(map(id, pairs))
        if name not in self._known and len(self._known) >= _MOST:
            return None
        return own, self._known.setdefault(name, tuple(pairs))

    def fields(self, report: LightReport) -> dict[str, Any]:
        """Return what the report that *report* stands for bore."""
        at = report._at
        properties, own = list(self._properties[at]), self._own[at]
        if not isnan(own):
            properties.append((_OWN, own))
        return {
            "location": report._where,
            "keywords": NO_KEYWORDS,
            "outcome": "passed",
            "longrepr": None,
            "when": "call",
            "user_properties": properties,
            "sections": [],
            **dict(zip(_TIMES, self._times[3 * at : 3 * at + 3], strict=True)),
        }


class LightReport(pytest.TestReport):
    """A report of a passed call that has its attributes from the first look at one on."""

    __slots__ = ("_at", "_columns", "_id", "_where")
    __test__ = False

    _at: int
    _columns: Reports
    _where: tuple[str, int | None, str]

    def __getattr__(self, name: str) -> Any:
        # Called only for what is not there.
        if name not in _FOLDED or name in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._unfold()
        return self.__dict__[name]

    def _unfold(self) -> None:
        for name, value in self._columns.fields(self).items():
            self.__dict__.setdefault(name, value)

    def _to_json(self) -> dict[str, Any]:
        self._unfold()
        self.__dict__["_id"] = self._id
        found: dict[str, Any] = super()._to_json()
        return found


# It is told of, and written, as what it stands for.
LightReport.__name__ = LightReport.__qualname__ = pytest.TestReport.__name__
