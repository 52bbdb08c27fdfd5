"""Several runs of the same thing as one measurement, each draw counted once; pure.

What a run took from the cache or from recordings is the draw of an earlier one.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Literal

from pytest_ailoop.baseline.measure import Measured, accepted_from
from pytest_ailoop.data.baseline import Accepted, EntryKey, Unmeasured, entry_key
from pytest_ailoop.data.record import ItemRecord, Plan
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.text import plural

__all__ = ["Pool", "pooled"]

_Draw = Literal["live", "stored", "silent"]

_Group = tuple[EntryKey, int]
"""A case under a variant, and a trial of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """What several runs measured together."""

    runs: int
    records: tuple[ItemRecord, ...] = ()
    """Each draw once, the trials of a case numbered anew from 1; of a case that no run measured,
    what the newest has of it."""
    measured: Measured = field(default_factory=Measured)
    again: Mapping[EntryKey, Counter[str]] = field(default_factory=dict)
    """Results that are a draw of another run, by `stored`, `silent` and `kept`."""
    left_out: int = 0
    """Cases that some of the runs, but not all, did not measure: these runs do not count there."""

    def words(self, taken: Sequence[Accepted]) -> str:
        """Return what was accepted, where *taken* are the lines that were written."""
        draws = [f"{plural(sum(one.trials for one in taken), 'draw')}"]
        again = sum((self.again.get(one.key, Counter()) for one in taken), Counter[str]())
        if again["stored"]:
            replies = "reply" if again["stored"] == 1 else "replies"
            draws.append(f"{again['stored']} stored {replies} counted once")
        if again["silent"]:
            draws.append(f"{plural(again['silent'], 'result')} without a call counted once")
        if again["kept"]:
            draws.append(f"{plural(again['kept'], 'result')} kept by --ailoop-resume counted once")
        over = f"pooled over {plural(self.runs, 'run')} ({'; '.join(draws)})"
        return f"accepted {plural(len(taken), 'line')} {over}"


def pooled(
    runs: Sequence[Iterable[ItemRecord]], plan: Plan, *, resumed: Container[int] = ()
) -> Pool:
    """Return *runs* of the same *plan*, oldest first, as one measurement.

    Those at the places *resumed* went on with an earlier run: of its results they hold copies, down
    to the time that each call took.

    A case counts from those runs that measured all its trials. Of a trial of a case every result
    with a live call of the application is a draw. One whose calls were all answered from what is
    stored repeats a draw, and so does one without calls, unless outputs of the test under the
    variant differ from run to run without any: then the system itself is random. What only repeats
    counts once, from the newest run.
    """
    found: dict[_Group, list[ItemRecord]] = {}
    again: dict[EntryKey, Counter[str]] = {}
    lost: dict[EntryKey, Unmeasured] = {}
    vain: dict[_Group, ItemRecord] = {}
    judges: set[str] = set()
    drawn_in: dict[int, int] = {}
    for at, one in enumerate(runs):
        records = list(one)
        drawn_in.update((id(record), at) for record in records)
        measured = accepted_from(records, plan)
        judges |= measured.judges
        lost |= {unmeasured.key: unmeasured for unmeasured in measured.unmeasured}
        for record in records:
            group = entry_key(record.key), record.key.trial
            if group[0] not in measured.entries:
                vain[group] = record
            elif at in resumed and record in found.get(group, ()) and _kind(record) == "live":
                again.setdefault(group[0], Counter())["kept"] += 1
            elif record.outcome != "settled":
                found.setdefault(group, []).append(record)
    draws = _counted(found, again)
    counted = [one for each in draws.values() for one in _numbered(each)]
    entries = {
        key: replace(one, runs=len({drawn_in[id(draw)] for draw in draws[key]}))
        for key, one in accepted_from(counted, plan, pooled=True).entries.items()
    }
    return Pool(
        runs=len(runs),
        records=(*counted, *(one for (key, _), one in vain.items() if key not in entries)),
        measured=Measured(
            entries=entries,
            unmeasured=tuple(one for key, one in lost.items() if key not in entries),
            judges=frozenset(judges),
        ),
        again=again,
        left_out=len(lost.keys() & entries.keys()),
    )


def _counted(
    found: Mapping[_Group, list[ItemRecord]], again: dict[EntryKey, Counter[str]]
) -> dict[EntryKey, list[ItemRecord]]:
    """Return the draws of each case; of what only repeats one *again* notes how often it came."""
    random = _random(found)
    counted: dict[EntryKey, list[ItemRecord]] = {}
    for (key, _), records in sorted(found.items(), key=lambda one: one[0][1]):
        draws = _draws(records, is_random=_test_of(key) in random)
        counted.setdefault(key, []).extend(draws)
        kept = {id(one) for one in draws}
        repeats = Counter(_kind(one) for one in records if id(one) not in kept)
        again.setdefault(key, Counter()).update(repeats)
    return counted


def _draws(records: Sequence[ItemRecord], *, is_random: bool) -> list[ItemRecord]:
    """Return those results of a trial that are draws of their own.

    Replies are not compared: to count what differs and drop what is equal would favour answers
    that are rare.
    """
    fresh = {"live", "silent"} if is_random else {"live"}
    return [one for one in records if _kind(one) in fresh] or [records[-1]]


def _numbered(records: Iterable[ItemRecord]) -> Iterator[ItemRecord]:
    for number, record in enumerate(records, start=1):
        yield replace(record, key=replace(record.key, trial=number))


def _kind(record: ItemRecord) -> _Draw:
    """A judge asked anew about the same answer is no draw of the application."""
    origins = {one.origin for one in record.calls if one.purpose == "app"}
    if not origins:
        return "silent"
    return "live" if "live" in origins else "stored"


def _random(found: Mapping[_Group, Sequence[ItemRecord]]) -> set[Any]:
    """Return the tests and variants whose outputs differ between runs without any call."""
    differing = set()
    for (key, _), records in found.items():
        shown = {_shown(one) for one in records if _kind(one) == "silent"}
        if len(shown) > 1:
            differing.add(_test_of(key))
    return differing


def _test_of(key: EntryKey) -> EntryKey:
    return replace(key, case="")


def _shown(record: ItemRecord) -> Any:
    """An item without an output shows its scores alone."""
    scores = tuple((one.name, one.value) for one in record.scores)
    return record.output_digest or scores
