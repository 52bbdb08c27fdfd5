"""Parts that several faults share: what a run kept, and processes that are started and watched."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Failed, within
from benchmarks.project import Project

__all__ = ["Ended", "alive", "ended", "outcomes", "records", "timings", "wait_for"]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process that was watched ended."""

    code: int
    wall: float
    said: str


def records(evals: Project) -> list[dict[str, Any]]:
    """Return the item records of the last run; none where none was kept."""
    try:
        return [dict(one) for one in evals.results()]
    except (OSError, ValueError):
        return []


def outcomes(evals: Project) -> Counter[str]:
    """Return how many items of the last run ended how; none where none was kept.

    Line by line: the system counts what this process takes as the peak of those it starts next.
    """
    try:
        with (evals.kept / "results.jsonl").open(encoding="utf-8") as lines:
            return Counter(str(json.loads(line)["outcome"]) for line in lines)
    except (OSError, ValueError):
        return Counter()


def timings(evals: Project) -> dict[str, float]:
    """Return the seconds of each body of the last run, by node id."""
    found: dict[str, float] = json.loads((evals.kept / "timings.json").read_text("utf-8"))
    return found


@contextlib.contextmanager
def started(command: list[str], folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Any]]:
    """Start *command* in a process group of its own; what is left of it at the end is killed."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=within(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process, output
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def ended(process: subprocess.Popen[bytes], output: Any, limit: float) -> Ended:
    """Wait for the end of *process*; raises `Failed` after *limit* seconds."""
    since = time.monotonic()
    try:
        code = process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        raise Failed(f"still there after {limit:.0f} s: {process.args!r}") from None
    wall = time.monotonic() - since
    output.seek(0)
    return Ended(code=code, wall=wall, said=output.read().decode("utf-8", "replace"))


def alive(group: int) -> bool:
    """Return whether a process of the group is left, but for dead ones that nobody took note of.

    Those whose parent ended before them are for the system's first process to bury.
    """
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    found = Path("/proc").glob("[0-9]*/stat")
    return not Path("/proc/self").exists() or any(_runs_in(group, one) for one in found)


def _runs_in(group: int, stat: Path) -> bool:
    try:
        # After the command in brackets: state, parent, group.
        state, _, of = stat.read_text("utf-8").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False  # It ended meanwhile.
    return int(of) == group and state not in "ZX"


def wait_for(there: Any, limit: float = 60.0) -> None:
    """Wait until *there()* is true; raises `Failed` after *limit* seconds."""
    end = time.monotonic() + limit
    while not there():
        if time.monotonic() > end:
            raise Failed(f"nothing happened for {limit:.0f} s")
        time.sleep(0.02)
