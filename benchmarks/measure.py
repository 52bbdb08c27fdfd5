"""Paired timing of whole processes, A B A B ...: CPU seconds as the system counted them."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """CPU seconds of two commands over the same rounds."""

    first: list[float]
    second: list[float]

    @property
    def difference(self) -> float:
        """Median over rounds of first minus second, in seconds."""
        return statistics.median(a - b for a, b in zip(self.first, self.second, strict=True))

    @property
    def ratio(self) -> float:
        """Median over rounds of first by second."""
        return statistics.median(a / b for a, b in zip(self.first, self.second, strict=True))


def cpu_seconds(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> float:
    """Run *command* to its end; return user and system seconds of it and its children."""
    before = _children()
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def paired(
    first: Sequence[str],
    second: Sequence[str],
    *,
    folder: Path,
    rounds: int,
    env: Mapping[str, str] | None = None,
) -> Pair:
    """Time two commands in turn after one warm-up of each."""
    environment = {**os.environ, **(env or {})}
    for command in (first, second):
        cpu_seconds(command, folder, environment)
    pairs = [
        (cpu_seconds(first, folder, environment), cpu_seconds(second, folder, environment))
        for _ in range(rounds)
    ]
    return Pair([a for a, _ in pairs], [b for _, b in pairs])
