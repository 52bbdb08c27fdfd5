"""Whole processes timed in turn, A B A B: wall, CPU and peak memory as the system counted them."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Failed", "Pair", "Used", "paired", "run", "within"]

MiB = 1024 * 1024


class Failed(Exception):
    """A command did not end as it should; bears the end of what it said."""


@dataclass(frozen=True, kw_only=True)
class Used:
    """What one process took, its children that it waited for included."""

    wall: float
    """Seconds from its start to its end."""
    cpu: float
    """User and system seconds."""
    peak: float
    """MiB resident at most, in the largest one of its processes."""
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What two commands took over the same rounds."""

    ours: list[Used]
    bare: list[Used]

    def ratio(self, name: str) -> float:
        """Median over rounds of ours by bare, of `wall`, `cpu` or `peak`."""
        return statistics.median(one / other for one, other in self._both(name))

    def difference(self, name: str) -> float:
        """Median over rounds of ours minus bare."""
        return statistics.median(one - other for one, other in self._both(name))

    def median(self, name: str) -> tuple[float, float]:
        """Medians of ours and of bare."""
        ours, bare = zip(*self._both(name), strict=True)
        return statistics.median(ours), statistics.median(bare)

    def _both(self, name: str) -> list[tuple[float, float]]:
        both = zip(self.ours, self.bare, strict=True)
        return [(getattr(one, name), getattr(other, name)) for one, other in both]


def run(
    command: Sequence[str],
    folder: Path,
    env: Mapping[str, str] | None = None,
    *,
    codes: Sequence[int] = (0,),
    limit: float = 1800.0,
) -> Used:
    """Run *command* in *folder* to its end.

    Raises `Failed` with another exit code than *codes*, and after *limit* seconds.
    """
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=within(env), stdout=output, stderr=subprocess.STDOUT
        )
        late = threading.Timer(limit, process.kill)
        late.daemon = True
        late.start()
        # Not RUSAGE_CHILDREN: its peak is that of all children so far.
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        late.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode("utf-8", "replace")
    if process.returncode not in codes:
        words = f"{' '.join(command)} ended with {process.returncode} after {wall:.1f} s"
        raise Failed(f"{words}; it said at the end:\n{said[-800:]}")
    cpu = used.ru_utime + used.ru_stime
    return Used(wall=wall, cpu=cpu, peak=used.ru_maxrss * 1024 / MiB, said=said)


def within(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of what is measured: nothing of CI, and byte code is kept."""
    taken = ("CI", "OPENAI_API_KEY", "OPENAI_BASE_URL", "PYTHONDONTWRITEBYTECODE")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in taken and not name.startswith(("AILOOP_", "PYTEST_"))
    }
    return {**kept, **(env or {})}


def paired(
    ours: Callable[[], Used], bare: Callable[[], Used], rounds: int, *, warm: bool = True
) -> Pair:
    """Run the two in turn, after one run of each that does not count."""
    if warm:
        ours(), bare()
    both = [(ours(), bare()) for _ in range(rounds)]
    return Pair(ours=[a for a, _ in both], bare=[b for _, b in both])
