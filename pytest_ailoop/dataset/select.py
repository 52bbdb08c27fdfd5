"""Which cases of a data set a session evaluates, and in words why not all. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import hashlib
import heapq
import re
from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, TypeAlias

from pytest_ailoop.data.case import Case
from pytest_ailoop.data.cell import Cases
from pytest_ailoop.data.record import SAMPLED
from pytest_ailoop.errors import UsageError
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.text import cut, suggestion

__all__ = ["Selection", "sample_size", "select", "unknown_case"]

_Strata: TypeAlias = "dict[tuple[str, ...], tuple[array[int], array[int]]]"
"""Ranks and positions of the cases, by their tags."""

_SAMPLE = re.compile(r"([0-9]{1,9})|([0-9]{1,3}(?:\.[0-9]{1,6})?)%")


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The cases to evaluate."""

    cases: Cases
    """In the data set's order."""
    words: str
    """Why it is partial, for the report; empty where it is all of the split."""


def select(
    cases: Sequence[Case],
    *,
    split: Literal["dev", "test", "all"] = "dev",
    tags: Collection[str] = (),
    sample: str | None = None,
    seed: int = 0,
    case_ids: Collection[str] = (),
    unknown_ids: Literal["refuse", "skip"] = "refuse",
) -> Selection:
    """Return the cases that all of the given conditions leave.

    *tags*: a case bears one of them; `!tag` bars a case. *sample*: `20` or `10%` of what
    the other conditions leave, with each set of tags in its share. The draw depends on
    *seed* and the ids alone: neither order nor machine change it, and a case added to the
    data set moves few others. *case_ids*: exact ids; `skip` lets pass those that this data
    set lacks (they may be another one's).

    Raises `UsageError` for a bad *sample*, and an id that is unknown or held out.
    """
    if case_ids and unknown_ids == "refuse":
        _refuse_ids(cases, split, case_ids)
    if sample is not None:
        return _sampled(cases, split, tags, case_ids, sample, seed)
    members = 0
    kept = Cases(cases)
    for at, case in enumerate(cases):
        if split in ("all", case.split):
            members += 1
            if _matches(case, tags, case_ids):
                kept.take(at, case)
    words = _why(tags, case_ids) if len(kept) < members else []
    return Selection(cases=kept, words="; ".join(words))


def _sampled(
    cases: Sequence[Case],
    split: str,
    tags: Collection[str],
    case_ids: Collection[str],
    sample: str,
    seed: int,
) -> Selection:
    """Return the drawn cases; of a big data set only their objects are held."""
    strata: _Strata = {}
    members = 0
    for at, case in enumerate(cases):
        if split in ("all", case.split):
            members += 1
            if _matches(case, tags, case_ids):
                ranks, places = strata.setdefault(case.tags, (array("Q"), array("Q")))
                ranks.append(_rank(case.id, seed))
                places.append(at)
    left = sum(len(places) for _, places in strata.values())
    size = sample_size(sample, left)
    words = _why(tags, case_ids) if left < members else []
    if size < left:
        words.insert(0, f"{SAMPLED} {size} of {left}, seed {seed}")
    drawn = _drawn(strata, size, seed)
    return Selection(cases=Cases.of(cases, drawn), words="; ".join(words))


def unknown_case(case_id: str, known: Sequence[str]) -> UsageError:
    """Return the error for an id that no data set has; *known* are all ids there are."""
    return UsageError(f"no case has the id {case_id!r}{suggestion(case_id, list(known))}")


def sample_size(sample: str, count: int) -> int:
    """Return how many of *count* cases `20` or `10%` means: at least 1 of any, at most all."""
    match = _SAMPLE.fullmatch(sample)
    if match is None or float(sample.rstrip("%")) <= 0 or float(match[2] or 0) > 100:
        raise UsageError(f"sample {sample!r}: expected a number from 1 (20), or a share (10%)")
    size = int(match[1]) if match[1] else int(count * float(match[2]) / 100 + 0.5)
    return min(count, max(1, size))


def _matches(case: Case, tags: Collection[str], case_ids: Collection[str]) -> bool:
    if case_ids and case.id not in case_ids:
        return False
    wanted = False
    for tag in tags:
        if not tag.startswith("!"):
            wanted = True
        elif tag[1:] in case.tags:
            return False
    return not wanted or any(tag in case.tags for tag in tags)


def _why(tags: Collection[str], case_ids: Collection[str]) -> list[str]:
    words = [f"tag {', '.join(tags)}"] if tags else []
    return [*words, f"case {cut(', '.join(case_ids), 60)}"] if case_ids else words


def _refuse_ids(cases: Sequence[Case], split: str, case_ids: Collection[str]) -> None:
    splits = {case.id: case.split for case in cases}
    for case_id in case_ids:
        if case_id not in splits:
            raise unknown_case(case_id, list(splits))
        if split not in ("all", splits[case_id]):
            raise UsageError(
                f"case {case_id!r} is of the split {splits[case_id]!r}, not {split!r};"
                f" --ailoop-split={splits[case_id]} takes it in"
            )


def _drawn(strata: _Strata, size: int, seed: int) -> list[int]:
    """Return *size* positions, each stratum in its share, by rank within it.

    Ranks by hash, not a shuffled list: with one case more in the data set, a shuffle draws
    other cases altogether, whose replies were never paid for.
    """
    counts = {key: len(places) for key, (_, places) in strata.items()}
    drawn: list[int] = []
    for key, share in _shares(counts, size, seed):
        drawn.extend(at for _, at in heapq.nsmallest(share, zip(*strata[key], strict=True)))
    return sorted(drawn)


def _shares(
    counts: dict[tuple[str, ...], int], size: int, seed: int
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield each stratum's share of *size*: its quota rounded down, the rest to the largest
    remainders. Equal remainders go by rank, so that the alphabet favours nobody."""
    total = max(1, sum(counts.values()))
    spare = size - sum(size * count // total for count in counts.values())
    order = sorted(
        counts, key=lambda key: (-(size * counts[key] % total), _rank("\n".join(key), seed), key)
    )
    for at, key in enumerate(order):
        yield key, size * counts[key] // total + (at < spare)


def _rank(name: str, seed: int) -> int:
    text = f"{seed}\n{name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
