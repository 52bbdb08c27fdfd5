"""What a report of an eval says, kept to a few thousand characters: a model may never stop.

pytest bounds the values that it compares, but neither an exception's own words nor captured output.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.plugin.scrub import clean

__all__ = ["shorten", "shorten_warning"]

_ROOM = 2500
"""Characters for all texts of a report: with frames, headings and summary it stays below 4 kB."""
_LEAST = 600
"""Of them, what the story of the case cannot take away."""
_EACH = 100
"""Characters that every text may have, however many there are."""
_LINE = 500
"""Characters of what is shown on one line: in summaries, in junit's messages."""

_FAILURE = "E   "
_FRAME = re.compile(r'[ |+-]*File "')


@dataclass(frozen=True, kw_only=True, slots=True)
class _Text:
    """A text somewhere in a report, and what puts another in its place."""

    value: str
    put: Callable[[str], None]
    prefix: str = ""


def shorten(report: Any) -> None:
    """Cut the texts of *report* in place: short ones stay whole, long ones share the room.

    What is cut is cleaned before: of a secret, no half may stay.
    """
    for one in _summaries(report):
        one.put(text.ends(clean(one.value), _LINE))
    found = [*_failure(report), *_captured(report)]
    room = max(_LEAST, _ROOM - _told(report))
    if sum(len(one.value) for one in found) <= room:
        return
    cleaned = [clean(one.value) for one in found]
    most = max(_EACH, _level([len(value) for value in cleaned], room))
    for one, value in zip(found, cleaned, strict=True):
        one.put(text.ends(value, most, prefix=one.prefix))


def shorten_warning(warning: Any) -> None:
    """Cut what a recorded warning says."""
    said = str(warning.message)
    if len(said) > _LINE:
        warning.message = UserWarning(text.ends(clean(said), _LINE))


def _level(sizes: list[int], room: int) -> int:
    """Return how much each may have, so that all together have *room*."""
    for count, size in zip(range(len(sizes), 0, -1), sorted(sizes), strict=True):
        if size > room // count:
            return room // count
        room -= size
    return max(sizes)


def _told(report: Any) -> int:
    """Return how much is shown that is bounded already: what this package tells, and locals."""
    sections = [*getattr(report.longrepr, "sections", ()), *report.sections]
    story = sum(len(one[1]) for one in sections if one[0] == "ailoop")
    frames = [entry for traceback, _ in _chain(report.longrepr) for entry in traceback.reprentries]
    return story + sum(len(line) for entry in frames for line in _locals(entry))


def _summaries(report: Any) -> Iterator[_Text]:
    """Yield the texts of which pytest shows one line each."""
    if hasattr(report, "wasxfail"):
        yield _attribute(report, "wasxfail")
    if isinstance(report.longrepr, tuple):
        *place, reason = report.longrepr
        yield _Text(value=reason, put=lambda value: setattr(report, "longrepr", (*place, value)))
    for _, crash in _chain(report.longrepr):
        if crash is not None:
            yield _attribute(crash, "message")


def _captured(report: Any) -> Iterator[_Text]:
    for index, (title, body) in enumerate(report.sections):
        if title != "ailoop":
            put = partial(_put_section, report.sections, index, title)
            yield _Text(value=body, put=put)


def _put_section(sections: list[tuple[str, str]], index: int, title: str, value: str) -> None:
    sections[index] = (title, value)


def _failure(report: Any) -> Iterator[_Text]:
    """Yield the words of each exception; of a native traceback, what stands between its frames."""
    if isinstance(report.longrepr, str):
        yield _attribute(report, "longrepr")
    for traceback, _ in _chain(report.longrepr):
        for entry in traceback.reprentries:
            yield from _native(entry) if entry.style == "native" else _words(entry)


def _chain(shown: Any) -> list[tuple[Any, Any]]:
    """Return traceback and crash of each exception of a failure; none of what is no exception's."""
    found = getattr(shown, "chain", None)
    if found:
        return [(traceback, crash) for traceback, crash, _ in found]
    traceback = getattr(shown, "reprtraceback", None)
    return [] if traceback is None else [(traceback, getattr(shown, "reprcrash", None))]


def _words(entry: Any) -> Iterator[_Text]:
    """Yield what stands below the source: the exception's words, however many lines."""
    whole = entry.style == "value"
    source = [] if whole else list(itertools.takewhile(_is_source, entry.lines))
    words = entry.lines[len(source) :]
    if words:
        value = "\n".join(words)
        put = partial(_put_words, entry, source)
        yield _Text(value=value, put=put, prefix="" if whole else _FAILURE)


def _is_source(line: str) -> bool:
    return not line.startswith(_FAILURE)


def _put_words(entry: Any, source: list[str], value: str) -> None:
    _set(entry, "lines", [*source, *value.split("\n")])


def _locals(entry: Any) -> list[str]:
    found = getattr(entry, "reprlocals", None)
    return [] if found is None else list(found.lines)


def _native(entry: Any) -> Iterator[_Text]:
    parts: list[str] = []
    for is_frame, lines in itertools.groupby(entry.lines, lambda line: bool(_FRAME.match(line))):
        parts.append("".join(lines))
        if not is_frame:
            yield _Text(value=parts[-1], put=partial(parts.__setitem__, len(parts) - 1))
    _set(entry, "lines", parts)


def _attribute(of: Any, name: str) -> _Text:
    return _Text(value=getattr(of, name), put=partial(_set, of, name))


def _set(of: Any, name: str, value: Any) -> None:
    # The representation classes are frozen dataclasses in some versions of pytest.
    object.__setattr__(of, name, value)
