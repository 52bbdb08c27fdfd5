"""What docs/statistics.md says of runs of one trial is what going through all outcomes gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.statistics import exact

PAGE = Path(__file__).parents[3] / "docs" / "statistics.md"
HEAD = "| cases, one trial |"


def table() -> dict[int, list[float]]:
    """Return the shares of each row of the table, by its number of cases."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(HEAD))
    found = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        found[int(cells[0])] = [float(cell.removesuffix(" %")) for cell in cells[1:]]
    return found


@pytest.mark.parametrize("n", [20, 50, 100, 200])
def test_the_table_is_what_the_shipped_rule_gives(n: int) -> None:
    """At a pass rate of 90 % and a margin of 5 points: same, inconclusive, alarm, drops seen."""
    rule = exact.tango(n, 0.05)
    same, alarm = exact.fine(rule, 0.9, 0.9), exact.regressed(rule, 0.9, 0.9)
    seen = [exact.regressed(rule, 0.9, 0.9 - drop) for drop in (0.05, 0.15, 0.30)]
    expected = [100 * one for one in (same, 1 - same - alarm, alarm, *seen)]
    assert table()[n] == pytest.approx(expected, abs=0.51)
    assert table()[n][2] == pytest.approx(100 * alarm, abs=0.051)
