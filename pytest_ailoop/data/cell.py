"""A cell: a case under a variant, in one trial, and the cases that cells are made of.

Of a hundred thousand of them only what names them is held; a case itself is there while its item
runs. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_ailoop.data.case import Case
from pytest_ailoop.data.lazy import Lazy
from pytest_ailoop.data.variant import ModelSpec, Variant
from pytest_ailoop.frozen import dataclass

__all__ = ["Cases", "Cell", "Column"]


class Cases(Lazy[Case]):
    """Some cases of a data set, in its order, which may make each anew when it is asked for."""

    __slots__ = ("_places", "_whole", "digests", "ids", "tags", "trials")

    def __init__(self, whole: Sequence[Case]) -> None:
        self._whole, self._places = whole, array("L")
        self.ids: list[str] = []
        self.digests: list[str] = []
        self.trials: dict[str, int] = {}
        """By id, of the cases that say how often they are to be tried."""
        self.tags: dict[str, tuple[str, ...]] = {}
        """By id, of the cases that bear some."""

    @classmethod
    def of(cls, whole: Sequence[Case], places: Iterable[int] | None = None) -> Cases:
        """Return the cases of *whole* that stand at *places*; all for None."""
        found = cls(whole)
        if places is None:
            for at, case in enumerate(whole):
                found.take(at, case)
        else:
            for at in places:
                found.take(at, whole[at])
        return found

    def take(self, at: int, case: Case) -> None:
        """Append *case*, which stands at *at* in the whole."""
        self._places.append(at)
        self.ids.append(case.id)
        self.digests.append(case.digest)
        if case.trials is not None:
            self.trials[case.id] = case.trials
        if case.tags:
            self.tags[case.id] = case.tags

    def __len__(self) -> int:
        return len(self._places)

    def _made(self, at: int) -> Case:
        return self._whole[self._places[at]]

    def __repr__(self) -> str:
        return f"<{len(self)} of {self._whole!r}>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A variant with what its cells share."""

    variant: Variant
    model: ModelSpec | None
    """None where there is no model axis."""
    prompt: Any
    """The prompt as it was given; None where there is no prompt axis."""
    params: Mapping[str, Any]
    """Value by name of the further axes."""
    tail: str = ""
    """The id after the case, from its `-` on."""


class Cell:
    """One item to be: a case under a variant, in one trial."""

    __slots__ = ("_at", "_case", "_cases", "_column", "id", "trial")

    def __init__(self, *, id: str, cases: Cases, at: int, column: Column, trial: int) -> None:
        self.id, self.trial = id, trial
        """The id is unique among the cells it was made with; trials begin with 1."""
        self._cases, self._at, self._column = cases, at, column
        self._case: Case | None = None

    @property
    def case(self) -> Case:
        """The case, the same object until it is let go of."""
        if self._case is None:
            self._case = self._cases[self._at]
        return self._case

    def let_go(self) -> None:
        """Forget the case; where it is asked for again, an equal one is made."""
        self._case = None

    @property
    def case_id(self) -> str:
        """The case's id, without making the case."""
        return self._cases.ids[self._at]

    @property
    def case_digest(self) -> str:
        """The case's digest, without making the case."""
        return self._cases.digests[self._at]

    @property
    def variant(self) -> Variant:
        """The variant's names."""
        return self._column.variant

    @property
    def model(self) -> ModelSpec | None:
        """The model; None where there is no model axis."""
        return self._column.model

    @property
    def prompt(self) -> Any:
        """The prompt as it was given; None where there is no prompt axis."""
        return self._column.prompt

    @property
    def params(self) -> Mapping[str, Any]:
        """Value by name of the further axes."""
        return self._column.params

    def named(self, id: str) -> Cell:
        """Return the cell under another id."""
        return Cell(id=id, cases=self._cases, at=self._at, column=self._column, trial=self.trial)

    def __repr__(self) -> str:
        return f"<Cell {self.id}>"
