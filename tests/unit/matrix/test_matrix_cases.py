"""Cases in cells: made when they are needed, and let go of."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ailoop.data.case import Case
from pytest_ailoop.data.cell import Cases
from pytest_ailoop.matrix import cells


class Counting(Sequence[Case]):
    """Makes a case each time it is asked for one."""

    def __init__(self) -> None:
        self.made = 0

    def __len__(self) -> int:
        return 3

    def __getitem__(self, at: int) -> Case:  # type: ignore[override]
        self.made += 1
        return Case(id=f"c{range(3)[at]}", digest="d", tags=("t",), trials=2 if at == 1 else None)


def test_cells_make_their_case_while_it_is_needed_only():
    """Names are at hand without it; between two lettings go it is one and the same object."""
    source = Counting()
    held = Cases.of(source)
    source.made = 0
    found = cells(held, trials=1)
    assert (held.ids, held.trials, held.tags["c0"]) == (["c0", "c1", "c2"], {"c1": 2}, ("t",))
    assert [one.case_id for one in found] == ["c0", "c1", "c1", "c2"]
    assert {one.case_digest for one in found} == {"d"}
    assert source.made == 0
    first = found[0].case
    assert (first is found[0].case, source.made) == (True, 1)
    found[0].let_go()
    assert (first == found[0].case, first is found[0].case) == (True, False)
