"""R17: xdist workers vanish in the middle of bodies: what was lost is named, and nothing passes."""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.bench import Bench, Line, exactly
from benchmarks.faults._evals import Ended, ended, records, started
from benchmarks.project import Project

_BODY = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="bench")
async def test_{0}(case, llm):
    reply = await llm(case.input)
    expect(reply).to(contains("answer"))
    if case.id in LETHAL:
        os._exit(3)
"""


def run(bench: Bench) -> Iterator[Line]:
    rounds = 3 if bench.quick else 10
    drawn, found = random.Random(17), {"silent": 0, "baseline": 0, "unnamed": 0, "code": 0}
    count = max(40, bench.items // 10)
    evals = Project(bench.fresh("exit"), bench.server.url, _BODY, count)
    body = (evals.folder / "test_eval.py").read_text(encoding="utf-8")
    bench.server.set(latency=bench.latency)
    _write(evals, body, [])
    evals.run("--snapshot-update", concurrency=bench.concurrency)
    before = _baseline(evals)
    for _ in range(rounds):
        lethal = [f"case-{number}" for number in drawn.sample(range(count), drawn.choice((1, 2)))]
        _write(evals, body, lethal)
        evals.forget()
        done = _ended(evals, bench.concurrency)
        there = {str(one["key"]["case"]): one["outcome"] for one in records(evals)}
        absent = {f"case-{number}" for number in range(count)} - set(there)
        found["silent"] += sum(there.get(case) == "passed" for case in lethal)
        found["code"] += done.code == 0
        found["baseline"] += _baseline(evals) != before
        found["unnamed"] += sum(f"[{case}" not in done.said for case in {*absent, *lethal})
    name = f"R17 a worker exits, {rounds} times"
    yield exactly(f"{name}: passed in silence", found["silent"], 0)
    yield exactly(f"{name}: exit code 0", found["code"], 0)
    yield exactly(f"{name}: baseline touched", found["baseline"], 0)
    yield exactly(f"{name}: missing and not named", found["unnamed"], 0)


def _write(evals: Project, body: str, lethal: list[str]) -> None:
    evals.write("test_eval.py", f"import os\nLETHAL = {lethal!r}\n{body}")


def _ended(evals: Project, concurrency: int) -> Ended:
    # Names of all that is missing, however many.
    command = evals.command("-n2", "-vvv", "--snapshot-update", concurrency=concurrency)
    with started(command, evals.folder) as (process, output):
        return ended(process, output, 300)


def _baseline(evals: Project) -> bytes:
    return (evals.folder / "__snapshots__" / "test_eval.ailoop").read_bytes()
