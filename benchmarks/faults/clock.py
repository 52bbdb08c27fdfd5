"""R16: the wall clock jumps, or stands at an odd date; durations come from the monotonic one."""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchmarks import project
from benchmarks.bench import Bench, Line, exactly
from benchmarks.faults._evals import outcomes, timings
from benchmarks.project import Project

_CONFTEST = """
import random
import time

_true, _true_ns, _random = time.time, time.time_ns, random.Random(5)

def _offset():
    return {offset}

time.time = lambda: _true() + _offset()
time.time_ns = lambda: _true_ns() + int(_offset() * 1e9)
"""

_CLOCKS = {
    "jumps by an hour": "_random.choice([-3600, 0, 3600])",
    "at 1970": "1 - _true()",
    "at 2038": "2**31 - _true()",
}


def run(bench: Bench) -> Iterator[Line]:
    server, count = bench.server, max(20, bench.items // 10)
    evals = Project(bench.fresh("clock"), server.url, project.LLM, count)
    for name, offset in _CLOCKS.items():
        evals.write("conftest.py", _CONFTEST.format(offset=offset))
        server.set(latency=bench.latency)
        used = evals.run(concurrency=bench.concurrency, codes=(0, 1))
        name = f"R16 clock {name}"
        yield exactly(f"{name}: passed", outcomes(evals)["passed"], count, f"{used.wall:.1f} s")
        found = [*timings(evals).values(), *_latencies(evals), _duration(evals)]
        wrong = [one for one in found if not bench.latency * 0.9 <= one <= used.wall]
        detail = ", ".join(f"{one:.2f} s" for one in wrong[:5])
        yield exactly(f"{name}: wrong durations", len(wrong), 0, detail)


def _latencies(evals: Project) -> Iterator[float]:
    lines = (evals.kept / "results.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines:
        yield from (call["latency"] for call in json.loads(line).get("calls", ()))


def _duration(evals: Project) -> float:
    found: float = json.loads((evals.kept / "run.json").read_text("utf-8"))["duration"]
    return found
