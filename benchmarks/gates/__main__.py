"""How often the gates as shipped are wrong: `python -m benchmarks.gates [rows] [--quick]`.

A scripted system answers right with a known probability, seeded. Each simulated run is a session
of pytest with the plugin, in this process: items, records, baseline file, gates and exit code are
those that users get; no model is asked. A comparison is simulated by two sessions, one that accepts
and one that is compared; sessions hold one such gate, as Holm's family is the run, or many, where
Holm is what is simulated. Gates against a bar know nothing of each other: a session holds many of
these systems.

Each line says how often something was seen, where its share lies (99.8 %), and the bound, or the
share that docs/statistics.md states or that all outcomes, gone through, give. MISSED is what chance
does once in a thousand at most; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time

from benchmarks.gates.line import Simulation, text_of
from benchmarks.gates.rows import ROWS

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 where a bound was missed."""
    chosen = _parser().parse_args(arguments)
    # Where it is set, nothing is accepted.
    os.environ.pop("CI", None)
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        simulation = Simulation(folder=folder, share=0.05 if chosen.quick else chosen.share)
        for name in chosen.rows or ROWS:
            start = time.process_time()
            for line in ROWS[name](simulation):
                missed += line.ok is False
                print(text_of(line), flush=True)
            print(f"  ({name}: {time.process_time() - start:.0f} s of CPU)", flush=True)
    print(f"{missed} missed")
    return int(bool(missed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gates",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="a twentieth of the runs: a minute")
    parser.add_argument("--share", type=float, default=1.0, help="so much of the runs (default 1)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
