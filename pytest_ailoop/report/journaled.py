"""A journal read back: its lines, and where each finished item stands in it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from pytest_ailoop.digest import LENGTH, digest_text
from pytest_ailoop.errors import RunError
from pytest_ailoop.frozen import dataclass

__all__ = ["PLAIN", "SCHEMA", "Finished", "Journal", "line_of", "read", "value_of"]

SCHEMA = 1
"""Version of the journal; one of another version is not read."""

_OPEN = '{"sum":"'
_BODY = len(_OPEN) + LENGTH + 2

PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""A link in place of the file would lead reading and writing elsewhere."""

# json.dumps with options builds an encoder for each call.
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def line_of(value: Mapping[str, Any], reports: Sequence[str] | None = None) -> bytes:
    """Return *value* as a line that begins with its digest; raises for what is not JSON.

    *reports* are JSON already, and come last.
    """
    body = _ENCODER.encode(value)
    if reports is not None:
        body = f'{body[:-1]},"reports":[{",".join(reports)}]}}'
    return f'{_OPEN}{digest_text(body)}",{body[1:]}\n'.encode("ascii")


def value_of(line: bytes) -> dict[str, Any] | None:
    """Return what a line says; None for a damaged one."""
    try:
        text = line.decode("ascii")
        body = "{" + text[_BODY:]
        if not text.startswith(_OPEN) or text[len(_OPEN) : _BODY - 2] != digest_text(body):
            return None
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """Where a finished item stands in its journal, and what it is told from others by."""

    offset: int
    size: int
    identity: str
    used: tuple[str, ...]
    """Names of the models that were asked."""


@dataclass(kw_only=True, slots=True)
class Journal:
    """What an interrupted run left; its reports stay on disk until they are asked for."""

    path: Path
    head: dict[str, Any]
    facts: dict[str, str] = field(default_factory=dict)
    covered: set[str] = field(default_factory=set)
    fact_lines: int = 0
    items: dict[str, Finished] = field(default_factory=dict)
    warned: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Where warnings of items stand: offset and size of each line."""
    end: str | None = None
    """How the run ended; None where it was killed, or has not ended."""
    damaged: int = 0
    """Lines that were skipped; their items are to run again."""

    @property
    def name(self) -> str:
        """The journal's name."""
        return self.path.stem

    def reports(self, key: str) -> list[dict[str, Any]] | None:
        """Return the reports of a finished item; None where they cannot be read any more."""
        place = self.items[key]
        found = self._line(key, place.offset, place.size)
        reports: list[dict[str, Any]] | None = None if found is None else found["reports"]
        return reports

    def warnings(self, key: str) -> list[dict[str, Any]]:
        """Return the warnings of a finished item, as far as they can be read."""
        lines = [self._line(key, *place) for place in self.warned.get(key, ())]
        return [one["warning"] for one in lines if one is not None]

    def _line(self, key: str, offset: int, size: int) -> dict[str, Any] | None:
        try:
            with self.path.open("rb") as stream:
                stream.seek(offset)
                found = value_of(stream.read(size))
        except OSError:
            return None
        return found if found is not None and found.get("key") == key else None


def read(path: Path) -> Journal:
    """Return the journal at *path*; damaged lines are skipped and counted, a torn last one too.

    Raises `RunError` where it cannot be read, or its head is damaged or of another version.
    """
    try:
        handle = os.open(path, os.O_RDONLY | PLAIN)
    except OSError as error:
        raise RunError(f"{path.name}: cannot be read ({error.strerror or error})") from error
    journal: Journal | None = None
    offset = 0
    with open(handle, "rb") as stream:
        for line in stream:
            value = value_of(line.removesuffix(b"\n"))
            if journal is None:
                journal = Journal(path=path, head=_head(value, path.name))
            elif not _take(journal, value, offset, len(line.removesuffix(b"\n"))):
                journal.damaged += 1
            offset += len(line)
    if journal is None:
        raise RunError(f"{path.name}: is empty")
    return journal


def _head(value: dict[str, Any] | None, shown: str) -> dict[str, Any]:
    if value is None or value.get("kind") != "head":
        raise RunError(f"{shown}: is no journal, or its first line is damaged")
    if value.get("schema") != SCHEMA:
        raise RunError(f"{shown}: has schema {value.get('schema')}, expected {SCHEMA}")
    return value


def _take(journal: Journal, value: dict[str, Any] | None, offset: int, size: int) -> bool:
    """Add what a line says; return whether it says anything that can be trusted."""
    match value:
        case {"kind": "facts", "facts": dict(facts), "covered": list(covered)}:
            journal.facts.update(facts)
            journal.covered.update(covered)
            journal.fact_lines += 1
        case {
            "kind": "item",
            "key": str(key),
            "identity": str(identity),
            "used": list(used),
            "after": int(after),
            "reports": [*_],
        }:
            # Where a line of facts was lost, what the item rests on is not known.
            journal.warned.pop(key, None)
            if after != journal.fact_lines:
                journal.items.pop(key, None)
                return False
            journal.items[key] = Finished(
                offset=offset, size=size, identity=identity, used=tuple(used)
            )
        case {"kind": "warning", "key": str(key), "warning": dict()}:
            if key in journal.items:
                journal.warned.setdefault(key, []).append((offset, size))
        case {"kind": "end", "words": str(words)}:
            journal.end = words
            return True
        case {"kind": "again"}:
            pass
        case _:
            return False
    journal.end = None
    return True
