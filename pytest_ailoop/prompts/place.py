"""Where something stands in a prompt file, and faults that say so. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from pytest_ailoop.errors import PromptError
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.text import cut

__all__ = ["Key", "Place", "fault", "shown"]

Key = str | int


def fault(path: str, line: int, problem: str) -> PromptError:
    """Return the error for *problem* on a line of a prompt file."""
    return PromptError(f"{path}:{line}: {problem}")


def shown(value: Any) -> str:
    """Return a value from a file as errors show it: its repr, cut."""
    return "nothing" if value is None else cut(repr(value), 60)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A YAML document inside a prompt file."""

    path: str
    line: int = 1
    """Where the document begins."""
    lines: Mapping[tuple[Key, ...], int] = field(default_factory=dict)
    """Line of each value by the keys that lead to it."""

    def line_of(self, *keys: Key) -> int:
        """Return the line of what *keys* lead to, or of the nearest thing around it."""
        for end in range(len(keys), 0, -1):
            if keys[:end] in self.lines:
                return self.lines[keys[:end]]
        return self.line

    def fault(self, problem: str, *keys: Key) -> PromptError:
        """Return the error for *problem* with the value that *keys* lead to."""
        return fault(self.path, self.line_of(*keys), problem)
