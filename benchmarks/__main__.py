"""What the plugin costs: `python -m benchmarks [rows] [--rounds N] [--quick]` prints a table.

Needs an environment with the package and its `test` group installed; makes its projects in
temporary folders and talks to its own server on loopback alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import table
from benchmarks.bench import Bench, Line
from benchmarks.measure import Failed
from benchmarks.rows import LONG, ROWS
from benchmarks.server import Server

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 where a bound was missed or a row broke off."""
    chosen = _parser().parse_args(arguments)
    names = chosen.rows or [name for name in ROWS if name not in LONG]
    print(table.head(), flush=True)
    with Server() as server, tempfile.TemporaryDirectory() as name:
        lines = list(_measured(names, _bench(chosen, server, Path(name))))
    print(*table.summary(lines), sep="\n")
    return int(any(line.ok is False for line in lines))


def _measured(names: list[str], bench: Bench) -> Iterator[Line]:
    for name in names:
        try:
            for line in ROWS[name](bench):
                print(table.text_of(line), flush=True)
                yield line
        except Failed as failed:
            print(f"{name}: broke off: {failed}", flush=True)
            yield Line(what=f"{name}: broke off", measured="", ok=False)


def _bench(chosen: argparse.Namespace, server: Server, folder: Path) -> Bench:
    if chosen.quick:
        return Bench(
            server=server,
            folder=folder,
            rounds=chosen.rounds or 1,
            items=chosen.items or 100,
            sizes=(100, 300, 1000),
            quick=True,
        )
    return Bench(
        server=server, folder=folder, rounds=chosen.rounds or 5, items=chosen.items or 1000
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "rows",
        nargs="*",
        help=f"some of: {', '.join(ROWS)}; without any, all but {', '.join(LONG)}",
        metavar="ROW",
        choices=[[], *ROWS],
    )
    parser.add_argument("--rounds", type=int, help="paired runs of each row (default 5)")
    parser.add_argument("--items", type=int, help="items of each row (default 1000)")
    parser.add_argument("--quick", action="store_true", help="100 items, one round: no figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
