"""Committed replies: `__recordings__/<module>.jsonl`, read whole, merged and written.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pytest_ailoop.calling.stored import StoredReply, from_line, to_line
from pytest_ailoop.errors import ReplyError
from pytest_ailoop.files import write_atomically

__all__ = ["SCHEMA", "read_recordings", "write_recordings"]

SCHEMA = 1
_HEADER = {"ailoop": "recordings", "schema": SCHEMA}
_MARKERS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_REMEDY = "restore it from git, or delete it and record anew with --ailoop-replies=record"


def read_recordings(path: Path) -> dict[str, StoredReply]:
    """Return the recorded replies of *path* by address; empty where there is no such file.

    Raises `ReplyError` with file and line where it is damaged: a bad line is never a miss.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ReplyError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _damage(path, line, f"not UTF-8: {error.reason}") from None
    # Not splitlines(): U+2028 and its like stand inside texts.
    return _replies(path, text.split("\n"))


def _replies(path: Path, lines: list[str]) -> dict[str, StoredReply]:
    _check_header(path, lines[0])
    found: dict[str, StoredReply] = {}
    where: dict[str, int] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        stored = _reply(path, number, line)
        other = found.get(stored.address)
        if other is not None and other != stored:
            raise _damage(
                path,
                number,
                f"a second, different reply to address {stored.address} "
                f"(the first is in line {where[stored.address]})",
                "delete one of the two lines",
            )
        found[stored.address] = stored
        where[stored.address] = number
    return found


def _check_header(path: Path, line: str) -> None:
    if line.startswith(_MARKERS):
        raise _conflict(path, 1)
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("ailoop") != "recordings":
        raise _damage(path, 1, f"expected {json.dumps(_HEADER)}, got {line[:60]!r}")
    schema = header.get("schema")
    if schema != SCHEMA:
        raise _damage(
            path,
            1,
            f"written with schema {schema!r}; this pytest-ailoop reads schema {SCHEMA}",
            "upgrade pytest-ailoop, or delete the file and record anew",
        )


def _reply(path: Path, number: int, line: str) -> StoredReply:
    if line.startswith(_MARKERS):
        raise _conflict(path, number)
    try:
        return from_line(line)
    except json.JSONDecodeError as error:
        raise _damage(path, number, f"not JSON: {error.msg} (column {error.colno})") from None
    except ValueError as error:
        raise _damage(path, number, str(error)) from None


def _conflict(path: Path, line: int) -> ReplyError:
    return _damage(
        path,
        line,
        "a merge conflict is not resolved",
        "keep the reply lines of both sides and delete the marker lines: the order does not matter",
    )


def _damage(path: Path, line: int, problem: str, remedy: str = _REMEDY) -> ReplyError:
    return ReplyError(f"{path}:{line}: {problem}; {remedy}")


def write_recordings(path: Path, replies: Iterable[StoredReply], *, prune: bool) -> bool:
    """Write *replies* into *path*, sorted by address; return whether its content changed.

    They replace older ones of the same address; the others stay unless *prune*.
    Raises `ReplyError` where the file that is there is damaged and not pruned, `OSError` as the
    system gives it.
    """
    kept: Mapping[str, StoredReply] = {} if prune else read_recordings(path)
    merged = {**kept, **{one.address: one for one in replies}}
    text = "\n".join(_lines(merged)) + "\n"
    try:
        if path.read_bytes() == text.encode("utf-8"):
            return False
    except OSError:
        if not merged:
            return False
    write_atomically(path, text)
    return True


def _lines(replies: Mapping[str, StoredReply]) -> Iterator[str]:
    yield json.dumps(_HEADER)
    for address in sorted(replies):
        yield to_line(replies[address])
