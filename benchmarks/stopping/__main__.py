"""How often verdicts err that stop early: `python -m benchmarks.stopping [rows] [--quick]`.

20,000 simulated runs of each setting: cases in random order, trials alike within a case or not,
looked at after each case or after each round of trials until the verdict is settled. Bets and tests
are those that ship; a test holds the verdicts against those of `pytest_ailoop.gates.decide`.
`python -m benchmarks.gates` has whole sessions, and fewer of them; of one trial, all outcomes are
gone through by `python -m benchmarks.statistics`. Rates by curtailment are not here: their verdict
is that of the full run, always.

Each line says how often something was wrong, where its share lies (99.8 %), the bound, and how many
calls were not needed. Last come the worst of each kind. MISSED is what chance does once in a
thousand at most; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.gates.line import Line, text_of
from benchmarks.stopping.rows import BOUNDS, ROWS, Row, lines

__all__ = ["main", "worst"]

RUNS = 20_000


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 where a bound was missed."""
    chosen = _parser().parse_args(arguments)
    runs = 200 if chosen.quick else chosen.runs
    wrong: list[tuple[str, Line]] = []
    for name in chosen.rows or ROWS:
        start = time.process_time()
        for row in ROWS[name]:
            wrong += _printed(row, runs)
        print(f"  ({name}: {time.process_time() - start:.0f} s of CPU)", flush=True)
    for line in worst(wrong):
        print(text_of(line))
    missed = sum(not line.ok for _, line in wrong)
    print(f"{len(wrong)} rates of {runs} runs, {missed} missed")
    return int(bool(missed))


def _printed(row: Row, runs: int) -> Iterator[tuple[str, Line]]:
    for error, line in lines(row, runs):
        print(text_of(line), flush=True)
        if error is not None and isinstance(line, Line):
            yield error, line


def worst(wrong: list[tuple[str, Line]]) -> Iterator[Line]:
    """Yield of each kind of error the line with the largest share."""
    for kind in BOUNDS:
        of_kind = [line for error, line in wrong if error == kind]
        if of_kind:
            line = max(of_kind, key=lambda one: one.hits / one.of)
            yield replace(line, what=f"worst: {line.what}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stopping",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="200 runs of each: seconds")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each setting ({RUNS})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
