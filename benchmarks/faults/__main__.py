"""Runs the faults by name, or all: `python -m benchmarks.faults [names] [--quick]`.

Exits with 1 where a bound was missed.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from benchmarks import faults, table
from benchmarks.bench import Bench, Line
from benchmarks.measure import Failed
from benchmarks.server import Server

__all__ = ["main", "names"]


def names() -> list[str]:
    """Return the faults there are: the modules of this folder that can be run."""
    found = (one.name for one in pkgutil.iter_modules(faults.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each figure; return 1 where one is out of bounds."""
    chosen = _parser().parse_args(arguments)
    print(table.head(), flush=True)
    lines: list[Line] = []
    for name in chosen.names or names():
        with Server() as server, tempfile.TemporaryDirectory() as folder:
            quick = chosen.quick
            bench = Bench(
                server=server,
                folder=Path(folder),
                rounds=1,
                items=chosen.items or (100 if quick else 1000),
                concurrency=10 if quick else 50,
                quick=quick,
            )
            lines += _measured(name, bench)
    print(*table.summary(lines), sep="\n")
    return int(any(line.ok is False for line in lines))


def _measured(name: str, bench: Bench) -> Iterator[Line]:
    try:
        for line in importlib.import_module(f"benchmarks.faults.{name}").run(bench):
            if isinstance(line, Line):
                print(table.text_of(line), flush=True)
                yield line
            else:
                print(line, flush=True)
    except Exception as fault:  # One fault's breaking off must not hide what the others show.
        words = str(fault) if isinstance(fault, Failed) else traceback.format_exc()
        print(f"{name}: broke off: {words}", flush=True)
        yield Line(what=f"{name}: broke off", measured="", ok=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=faults.__doc__)
    known = names()
    parser.add_argument(
        "names", nargs="*", metavar="NAME", choices=[[], *known], help=", ".join(known)
    )
    parser.add_argument("--items", type=int, help="cases of each fault (default 1000)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the cases")
    return parser


if __name__ == "__main__":
    sys.exit(main())
