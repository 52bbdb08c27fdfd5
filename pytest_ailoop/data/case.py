"""A case: one row of a data set. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from pytest_ailoop.frozen import dataclass

__all__ = ["Case", "DatasetFacts"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One row of a data set, as a test sees it.

    `case["column"]` reads any column of the row, mapped or not.
    """

    id: str
    """Stable name: the row's own `id`, or the content digest where it has none."""
    input: Any = None
    """What the system under test is asked; without an `input` column, the row's own fields."""
    expected: Any = None
    """The reference answer, or None."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """The row's `metadata`, and every column that has no meaning of its own."""
    tags: tuple[str, ...] = ()
    """Words to select by, sorted."""
    split: str = "dev"
    """`dev` by default; `test` is held out unless asked for."""
    trials: int | None = None
    """How often this case is repeated; None leaves it to the marker."""
    source: str = ""
    """Where the row stands: `file:line`, or the callable's name and position."""
    digest: str = ""
    """Digest of the row's content, without its `id`."""
    row: Any = None
    """The whole row: a dict, or the `case_type` instance."""

    def __getitem__(self, column: str) -> Any:
        """Return one column of the row; raises `KeyError` with the columns there are."""
        if isinstance(self.row, Mapping):
            if column in self.row:
                return self.row[column]
            known = sorted(map(str, self.row))
        else:
            known = sorted(getattr(type(self.row), "model_fields", ()))
            if column in known:
                return getattr(self.row, column)
        raise KeyError(f"case {self.id!r} has no column {column!r}; it has {', '.join(known)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetFacts:
    """What a run remembers of a data set."""

    name: str
    """The marker's words for it: file names relative to the test module, or a callable's name."""
    digest: str
    """Order-independent digest over all cases, selected or not."""
    size: int
    """Number of cases before any selection."""
    case_digests: Mapping[str, str] = field(default_factory=dict)
    """Digest by case id, all cases."""
