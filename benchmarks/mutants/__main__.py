"""Plants faults in a copy of the package and runs the tests that must find them.

`python -m benchmarks.mutants [S2 S7]` prints a line for each fault: found, or MISSED. First the
tests run without a fault. Needs the `test` group; takes minutes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.mutants.planted import PLANTED, Planted

ROOT = Path(__file__).parents[2]
_PARTS = ("pytest_ailoop", "tests", "benchmarks")


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 where a fault was not found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="S1 to S13; all of them by default")
    names = parser.parse_args(arguments).names
    chosen = [one for one in PLANTED if not names or one.name in names]
    with tempfile.TemporaryDirectory() as name:
        copy = _copied(Path(name))
        every = sorted({test for one in chosen for test in one.tests})
        if _status(copy, every) != 0:
            print("the tests fail without a fault")
            return 1
        missed = sum(not _is_found(copy, one) for one in chosen)
    print(f"{len(chosen) - missed} of {len(chosen)} found")
    return int(bool(missed))


def _copied(into: Path) -> Path:
    for part in _PARTS:
        shutil.copytree(ROOT / part, into / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", into)
    return into


def _is_found(copy: Path, one: Planted) -> bool:
    path = copy / "pytest_ailoop" / one.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(one.right, one.wrong), encoding="utf-8")
    try:
        found = _status(copy, one.tests) == 1  # Tests failed; nothing else is a proof.
    finally:
        path.write_text(text, encoding="utf-8")
    print(f"{one.name:<4}{one.what:<76}{'found' if found else 'MISSED'}", flush=True)
    return found


def _status(copy: Path, tests: Sequence[str]) -> int:
    ours = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(
        command, cwd=copy, env={**os.environ, **ours}, stdout=subprocess.DEVNULL, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
