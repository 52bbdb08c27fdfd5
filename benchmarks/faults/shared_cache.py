"""R9: eight processes ask the same through one cache: it stays whole, and little is paid twice."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from benchmarks import project
from benchmarks.bench import Bench, Line, at_most, exactly
from benchmarks.faults._evals import ended, started
from benchmarks.project import Project

PROCESSES = 8


def run(bench: Bench) -> Iterator[Line]:
    server, count = bench.server, max(50, bench.items // 5)
    evals = Project(bench.fresh("shared"), server.url, project.LLM, count)
    server.set(latency=bench.latency)
    command = evals.command(concurrency=bench.concurrency)
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(started(command, evals.folder)) for _ in range(PROCESSES)]
        codes = [ended(process, output, 600).code for process, output in running]
    calls = server.stats()["calls"]
    yield exactly(f"R9 {PROCESSES} processes: ended well", codes.count(0), PROCESSES)
    yield exactly("R9 one cache: integrity", int(_is_whole(evals)), 1)
    twice = (calls - count) / count * 100
    detail = f"{calls} calls for {count} questions, {PROCESSES} times asked"
    yield at_most("R9 one cache: calls made twice", twice, 1.0, "%", detail)


def _is_whole(evals: Project) -> bool:
    connection = sqlite3.connect(evals.folder / ".ailoop" / "cache.db")
    with contextlib.closing(connection):
        return connection.execute("pragma integrity_check").fetchall() == [("ok",)]
