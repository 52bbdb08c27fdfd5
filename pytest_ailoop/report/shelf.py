"""The item records of a run on their way to its end: a few in memory, the others on disk.

Texts of models outweigh all else that a long run keeps, and nobody looks at them before the end.
What does not fit is written to a file without a name, which goes with the process, and is read
back one by one. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias

from pytest_ailoop.data.baseline import sorted_axes
from pytest_ailoop.data.lazy import Lazy
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, item_from, plain
from pytest_ailoop.data.score import Score
from pytest_ailoop.data.variant import Variant

__all__ = ["ROOM", "Records", "Shelf", "as_kept"]

ROOM = 4 * 1024 * 1024
"""Characters of records that stay in memory as they are."""

#: What a record takes besides its texts.
_EACH = 1000

_Group: TypeAlias = "dict[str | tuple[str, int], int]"
"""Places by case, or by case and trial for all trials but the first."""
_Names: TypeAlias = "tuple[str, str, Variant]"
"""Module, test, variant with sorted axes."""

_JSON = json.JSONEncoder(separators=(",", ":"))


class Shelf:
    """Takes records in any order; a later one of the same item replaces the earlier."""

    def __init__(self, folder: Path, room: int = ROOM) -> None:
        """Files are made in *folder*, where it is there and can be written to."""
        self._room = room
        #: The first records by place; the others follow in the file.
        self._held: list[ItemRecord] = []
        self._spool = Spool(folder)
        self._groups: dict[_Names, _Group] = {}

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def put(self, record: ItemRecord, data: Mapping[str, Any] | None = None) -> None:
        """Keep *record*; *data* is what it is as JSON values, where the caller has them.

        Values that are no finite numbers have no place in a file or a mean: such a score is
        unscored.
        """
        sound = _sound(record)
        record, data = sound, data if sound is record else None
        key = record.key
        group = self._groups.setdefault((key.module, key.test, sorted_axes(key.variant)), {})
        group[_name(key.case, key.trial)] = len(self._held) + len(self._spool)
        self._room -= _weight(record)
        if self._room >= 0:
            self._held.append(record)
        else:
            self._spool.write(_JSON.encode(plain(record) if data is None else data))

    def missing(self, plan: Plan) -> Iterator[ItemKey]:
        """Yield planned items that have no record, in plan order."""
        for key, group in self._planned(plan):
            if _name(key.case, key.trial) not in group:
                yield key

    def ordered(self, plan: Plan) -> Sequence[ItemRecord]:
        """Return the records as *plan* has them; those it does not know come last, by node id."""
        found = Records(self._held, self._spool)
        for key, group in self._planned(plan):
            place = group.get(_name(key.case, key.trial))
            if place is not None:
                found.append(key, place)
        if len(found) < len(self):
            strangers = self._strangers(set(found.places))
            for record, place in sorted(strangers, key=lambda one: one[0].nodeid):
                found.append(record.key, place)
        return found if len(self._spool) else tuple(found)

    def _planned(self, plan: Plan) -> Iterator[tuple[ItemKey, _Group]]:
        for test in plan.tests:
            for variant in test.variants:
                names = test.module, test.test, sorted_axes(variant)
                group = self._groups.get(names, {})
                for case in test.selected:
                    for trial in range(1, test.trials.get(case, 1) + 1):
                        key = ItemKey(
                            module=test.module,
                            test=test.test,
                            variant=variant,
                            case=case,
                            trial=trial,
                        )
                        yield key, group

    def _strangers(self, known: set[int]) -> Iterator[tuple[ItemRecord, int]]:
        for (module, test, variant), group in self._groups.items():
            for name, place in group.items():
                if place not in known:
                    case, trial = (name, 1) if isinstance(name, str) else name
                    key = ItemKey(module=module, test=test, variant=variant, case=case, trial=trial)
                    found = Records(self._held, self._spool)
                    found.append(key, place)
                    yield found[0], place


def _name(case: str, trial: int) -> str | tuple[str, int]:
    return case if trial == 1 else (case, trial)


def _weight(record: ItemRecord) -> int:
    texts = sum(len(one.prompt_text) + len(one.reply_text) for one in record.calls)
    return _EACH + texts + len(record.output or "")


def _sound(record: ItemRecord) -> ItemRecord:
    if all(one.value is None or isfinite(one.value) for one in record.scores):
        return record
    return replace(record, scores=tuple(map(_sound_score, record.scores)))


def _sound_score(score: Score) -> Score:
    if score.value is None or isfinite(score.value):
        return score
    return replace(score, value=None, not_scored=f"the value {score.value} is no finite number")


class Records(Lazy[ItemRecord]):
    """Records in an order; each access to one on disk makes an equal object anew."""

    def __init__(self, held: Sequence[ItemRecord], spool: Spool) -> None:
        self._held, self._spool = held, spool
        self.places = array("L")
        # What keys are made of, that many have in common.
        self._cases: list[str] = []
        self._trials, self._tests = array("L"), array("L")
        self._numbers: dict[_Names, int] = {}
        self._names: list[_Names] = []

    def append(self, key: ItemKey, place: int) -> None:
        """Add the record of *key*, which is at *place*."""
        names = key.module, key.test, key.variant
        number = self._numbers.setdefault(names, len(self._names))
        if number == len(self._names):
            self._names.append(names)
        self.places.append(place)
        self._cases.append(key.case)
        self._trials.append(key.trial)
        self._tests.append(number)

    def __len__(self) -> int:
        return len(self.places)

    def as_kept(self) -> Iterator[ItemRecord | dict[str, Any]]:
        """Yield the records, those on disk as JSON values."""
        for place in self.places:
            yield self._held[place] if place < len(self._held) else self._read(place)

    def _made(self, at: int) -> ItemRecord:
        place = self.places[at]
        if place < len(self._held):
            return self._held[place]
        module, test, variant = self._names[self._tests[at]]
        key = ItemKey(
            module=module,
            test=test,
            variant=variant,
            case=self._cases[at],
            trial=self._trials[at],
        )
        return item_from(self._read(place), key)

    def _read(self, place: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._spool.read(place - len(self._held)))
        return found


def as_kept(records: Iterable[ItemRecord]) -> Iterator[ItemRecord | dict[str, Any]]:
    """Yield *records*, those on disk as JSON values: to be written, they need not be objects."""
    return records.as_kept() if isinstance(records, Records) else iter(records)


class Spool:
    """Texts by number, in a file that nobody else sees; in memory where none can be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: int | None = None
        self._starts, self._sizes = array("Q"), array("Q")
        self._end = 0
        self._kept: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._starts)

    def write(self, text: str) -> None:
        """Keep *text* under the next number."""
        data = text.encode("utf-8", "surrogatepass")
        try:
            self._append(data)
        except OSError:
            self._kept[len(self._starts)] = data
        self._starts.append(self._end)
        self._sizes.append(len(data))
        self._end += len(data)

    def _append(self, data: bytes) -> None:
        if self._handle is None:
            self._handle = _nameless(self._folder)
            weakref.finalize(self, os.close, self._handle)
        # Not at the file's end: what a full disk cut off is written over.
        os.lseek(self._handle, self._end, os.SEEK_SET)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._handle, rest) :]

    def read(self, number: int) -> bytes:
        """Return the text with *number*; raises `OSError` where the disk fails."""
        kept = self._kept.get(number)
        if kept is not None or self._handle is None:
            return kept or b""
        os.lseek(self._handle, self._starts[number], os.SEEK_SET)
        found, size = b"", self._sizes[number]
        while len(found) < size and (part := os.read(self._handle, size - len(found))):
            found += part
        return found


def _nameless(folder: Path) -> int:
    """Return the handle of a new file that is gone when the process is."""
    for place in (folder, None):
        with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=place, buffering=0) as file:
            return os.dup(file.fileno())
    raise OSError("no folder for temporary files")
