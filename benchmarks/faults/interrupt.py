"""R2: Ctrl-C once lets calls in flight settle and keeps what there is; twice ends at once."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator

from benchmarks import project
from benchmarks.bench import Bench, Line, at_most, exactly
from benchmarks.faults._evals import Ended, alive, ended, records, started, wait_for
from benchmarks.project import Project
from benchmarks.server import Server
from benchmarks.server.weather import Fault, Weather

_HANGING = {"number 7?": Fault(kind="hang"), "number 11?": Fault(kind="hang")}


def run(bench: Bench) -> Iterator[Line]:
    yield from _once(bench, "once", {})
    yield from _once(bench, "once, calls that hang", _HANGING)
    yield from _once(bench, "once, -n 2", _HANGING, "-n2")
    yield from _twice(bench, "twice", _HANGING)
    yield from _twice(bench, "twice, -n 2", _HANGING, "-n2")


def _once(bench: Bench, name: str, words: dict[str, Fault], *further: str) -> Iterator[Line]:
    evals, done, left, answered = _stopped(bench, words, [0.0], further)
    name = f"R2 Ctrl-C {name}"
    yield at_most(f"{name}: ends", done.wall, 6.0, "s")
    yield exactly(f"{name}: exit code", done.code, 2)
    yield exactly(f"{name}: processes left", left, 0)
    kept = records(evals)
    lines = re.findall(r"^ailoop: .* of .*incomplete.*$", done.said, re.MULTILINE)
    yield Line(
        what=f"{name}: partial report",
        measured=f"{len(kept)} kept",
        bound=f">= {answered}",
        ok=len(kept) >= answered and bool(lines),
        detail=lines[0][:100] if lines else "no line says that it is incomplete",
    )


def _twice(bench: Bench, name: str, words: dict[str, Fault], *further: str) -> Iterator[Line]:
    _, done, left, _ = _stopped(bench, words, [0.0, 0.5], further)
    yield at_most(f"R2 Ctrl-C {name}: ends after the second", done.wall, 2.0, "s")
    yield exactly(f"R2 Ctrl-C {name}: processes left", left, 0)


def _stopped(
    bench: Bench, words: dict[str, Fault], presses: list[float], further: tuple[str, ...]
) -> tuple[Project, Ended, int, int]:
    """Press Ctrl-C once a tenth of the calls was answered; return also how many were then.

    A terminal sends the signal to all processes of the group.
    """
    server, count = bench.server, bench.items
    evals = Project(bench.fresh("interrupt"), server.url, project.LLM, count)
    server.set(Weather(latency=0.5, words=words))
    command = evals.command(*further, concurrency=bench.concurrency)
    with started(command, evals.folder) as (process, output):
        wait_for(lambda: _answered(server) >= count // 10 or process.poll() is not None)
        answered = _answered(server)
        for pause in presses:
            time.sleep(pause)
            os.killpg(process.pid, signal.SIGINT)
        done = ended(process, output, 60)
        time.sleep(0.2)
        left = int(alive(process.pid))
    # pytest tells of items in order: behind one that hangs, answered ones are not told of yet.
    hanging = bool(words)
    return evals, done, left, 1 if hanging else max(1, answered - bench.concurrency)


def _answered(server: Server) -> int:
    stats = server.stats()
    return int(stats["calls"] - stats["in_flight"])
