"""What became of a check that raised: whose fault it is, and words for it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import functools
import os
import traceback
from collections.abc import Iterator

from pytest_ailoop.data.score import Kind, Score
from pytest_ailoop.errors import CheckError, ReplyError, UsageError
from pytest_ailoop.redaction import redact
from pytest_ailoop.text import cut, one_line

__all__ = ["PACKAGE", "infrastructure", "place", "raise_if_not_ours", "unscored"]

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""Folder of this package: frames below it are not the user's."""


def raise_if_not_ours(error: BaseException) -> None:
    """Raise what must not become a score: a wrong use, or a model call without a reply."""
    __tracebackhide__ = True
    if isinstance(error, UsageError):
        raise error
    found = infrastructure(error)
    if found is not None:
        raise found


def infrastructure(error: BaseException) -> ReplyError | None:
    """Return the `ReplyError` that *error* is or was raised from: clients wrap what passes them."""
    for one in _chain(error):
        if isinstance(one, ReplyError):
            return one
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def unscored(error: BaseException, *, name: str, kind: Kind, check: str) -> Score:
    """Return the score of a check that raised *error*: no value, the cause, and where it was."""
    frames = list(_user_frames(error))
    where = f" at {place(frames[-1].filename, frames[-1].lineno)}" if frames else ""
    cause = str(error) if isinstance(error, CheckError) else _words(error) + where
    reason = "" if isinstance(error, CheckError) else "\n".join(map(_shown, frames[-5:]))
    return Score(
        name=name,
        not_scored=cut(redact(cause), 500) or "the check said nothing",
        reason=cut(redact(reason), 2000),
        kind=kind,
        check=check,
    )


def _words(error: BaseException) -> str:
    words = f"{type(error).__name__}: {one_line(_message(error), 300)}".rstrip(": ")
    if isinstance(error, AssertionError):
        words += " (a check returns True or False; an assertion in it is no score)"
    return words


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a user's __str__ must not hide the fault itself
        return "<its message cannot be read>"


def _user_frames(error: BaseException) -> Iterator[traceback.FrameSummary]:
    for frame in traceback.extract_tb(error.__traceback__):
        if not os.path.abspath(frame.filename).startswith(PACKAGE + os.sep):
            yield frame


def _shown(frame: traceback.FrameSummary) -> str:
    return f"{place(frame.filename, frame.lineno)} in {frame.name}: {frame.line or ''}".rstrip(": ")


def place(filename: str, line: int | None) -> str:
    """Return `file:line`, relative to the working folder; only the name for files elsewhere."""
    return f"{_short(filename, os.getcwd())}:{line or 0}"


# Every expectation asks for its place, and those of an eval stand in one file.
@functools.lru_cache(maxsize=256)
def _short(filename: str, folder: str) -> str:
    try:
        short = os.path.relpath(filename, folder)
    except ValueError:  # another drive
        short = os.path.basename(filename)
    if short.startswith(os.pardir):
        short = os.path.basename(filename)
    return short.replace(os.sep, "/")
