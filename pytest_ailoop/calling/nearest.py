"""What a replay miss tells: the nearest recorded request and the words it differs in.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import difflib
import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_ailoop.calling.identity import Request
from pytest_ailoop.calling.stored import StoredReply
from pytest_ailoop.text import cut, one_line, plural

__all__ = ["Neighbours", "difference", "differences"]

# A changed prompt makes every item miss: what one miss may cost is bounded.
_CANDIDATES = 50
_MOST_WORDS = 400
_CONTEXT = 3
_WIDTH = 100
_MISSING = object()
_WORD = re.compile(r"\S+")


class Neighbours:
    """The recorded requests of one file, made ready for finding the nearest to another one."""

    def __init__(self, recorded: Iterable[StoredReply]) -> None:
        self._groups: dict[tuple[str, str | None], _Group] = {}
        for stored in sorted(recorded, key=lambda one: (one.trial, one.occurrence, one.address)):
            key = (stored.path, _model(stored.request))
            self._groups.setdefault(key, _Group()).add(stored)

    def nearest(self, request: Request) -> StoredReply | None:
        """Return the recorded reply whose request shares most with *request*.

        Same path and model come first, then the same path; None where nothing is recorded there.
        """
        words = _words(request.body)
        own = self._groups.get((request.path, _model(request.body)))
        if own is not None:
            return own.best(words)[1]
        others = [group for (path, _), group in self._groups.items() if path == request.path]
        found = [group.best(words) for group in others]
        return max(found, key=lambda pair: pair[0])[1] if found else None


class _Group:
    """Requests of one path and model, by the words they hold.

    The words of a prompt stand in all of them, those of a case in few: only words that are rare
    choose candidates, so that one miss costs little and still finds the same case.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[frozenset[str], StoredReply]] = []
        self._holders: dict[str, list[int]] = {}

    def add(self, stored: StoredReply) -> None:
        words = _words(stored.request)
        for word in words:
            self._holders.setdefault(word, []).append(len(self._entries))
        self._entries.append((words, stored))

    def best(self, words: frozenset[str]) -> tuple[float, StoredReply]:
        """Return likeness and reply of the nearest; the first sample among equals."""
        best = max(
            self._candidates(words),
            key=lambda number: (_likeness(words, self._entries[number][0]), -number),
        )
        others, stored = self._entries[best]
        return _likeness(words, others), stored

    def _candidates(self, words: frozenset[str]) -> list[int]:
        rare = max(_CANDIDATES, len(self._entries) // 10)
        weights: dict[int, float] = {}
        for word in words:
            holders = self._holders.get(word, ())
            if len(holders) <= rare:
                for number in holders:
                    weights[number] = weights.get(number, 0.0) + 1 / len(holders)
        likely = heapq.nsmallest(
            _CANDIDATES, weights, key=lambda number: (-round(weights[number], 9), number)
        )
        return [*likely, *range(min(_CANDIDATES, len(self._entries)))]


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared or 1)


def _model(body: Any) -> str | None:
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) else None


def _words(body: Any) -> frozenset[str]:
    return frozenset(
        f"{where} {word}" if not isinstance(value, str) else word
        for where, value in _leaves(body, "")
        for word in (value.split() if isinstance(value, str) else [repr(value)])
    )


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name in sorted(value):
            yield from _leaves(value[name], f"{where}.{name}" if where else str(name))
    elif isinstance(value, list):
        for position, one in enumerate(value):
            yield from _leaves(one, f"{where}[{position}]")
    else:
        yield where, value


def difference(recorded: Any, asked: Any) -> str:
    """Return the shortest difference between two request bodies in words; empty where equal."""
    found = list(differences(recorded, asked))
    if not found:
        return ""
    shortest = min(found, key=len)
    more = len(found) - 1
    return shortest + (f" (and {plural(more, 'further difference')})" if more else "")


def differences(recorded: Any, asked: Any) -> Iterator[str]:
    """Yield each place that differs: where, what was recorded and what is asked."""
    before, after = dict(_leaves(recorded, "")), dict(_leaves(asked, ""))
    for where in dict.fromkeys((*before, *after)):
        old, new = before.get(where, _MISSING), after.get(where, _MISSING)
        # True == 1 in Python, not in JSON.
        if old == new and type(old) is type(new):
            continue
        name = where or "body"
        if isinstance(old, str) and isinstance(new, str):
            was, now = _changed_words(old, new)
            yield f"{name}: recorded {was!r}, asked {now!r}"
        else:
            yield f"{name}: recorded {_shown(old)}, asked {_shown(new)}"


def _shown(value: Any) -> str:
    return "nothing" if value is _MISSING else cut(one_line(repr(value), _WIDTH), _WIDTH)


def _changed_words(old: str, new: str) -> tuple[str, str]:
    """Return the first run of changed words on both sides, with a little of what stands around."""
    if len(old) <= 60 and len(new) <= 60:
        return one_line(old, _WIDTH), one_line(new, _WIDTH)
    before, after = _WORD.findall(old), _WORD.findall(new)
    start = _shared(before, after)
    end = _shared(before[start:][::-1], after[start:][::-1])
    was, now = before[start : len(before) - end], after[start : len(after) - end]
    first, last = _first_change(was[:_MOST_WORDS], now[:_MOST_WORDS])
    return (
        _passage(before, start + first[0], start + last[0]),
        _passage(after, start + first[1], start + last[1]),
    )


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words both begin with."""
    return next(
        (count for count, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


def _first_change(was: list[str], now: list[str]) -> tuple[tuple[int, int], tuple[int, int]]:
    matcher = difflib.SequenceMatcher(None, was, now, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            return (i1, j1), (i2, j2)
    return (0, 0), (len(was), len(now))


def _passage(words: list[str], start: int, end: int) -> str:
    """Return words *start* to *end* with their context; a long run keeps its first words."""
    left, right = max(0, start - _CONTEXT), min(len(words), end + _CONTEXT)
    if end - start > 12:
        right = start + 12
    text = " ".join(words[left:right])
    return (
        ("... " if left else "") + one_line(text, _WIDTH) + (" ..." if right < len(words) else "")
    )
