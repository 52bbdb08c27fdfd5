"""R5: answers that never come, or come byte by byte, are cut while the others go on.

Four of fifty places are held until the deadline, so throughput falls by up to 8 % meanwhile; the
rest of the bound is for what comes behind them: pytest reports in order, and has hundreds of items
that are done to report at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import project
from benchmarks.bench import Bench, Line, at_most, exactly
from benchmarks.faults._evals import outcomes, timings
from benchmarks.project import Project
from benchmarks.server.weather import Fault, Weather

#: Seconds that the model's table gives a call.
TIMEOUT = 3.0


def run(bench: Bench) -> Iterator[Line]:
    server, count = bench.server, bench.items
    limit = f"timeout = {TIMEOUT}\n"
    evals = Project(bench.fresh("hung"), server.url, project.LLM, count, model=limit)
    words = {"number 3?": Fault(kind="hang"), "number 30?": Fault(kind="hang")}
    words |= {"number 5?": Fault(kind="drip"), "number 50?": Fault(kind="drip")}
    server.set(Weather(latency=bench.latency, log=True))
    evals.run(concurrency=bench.concurrency)
    clean = _rate(server.log(), words)
    server.set(Weather(latency=bench.latency, log=True, words=words))
    evals.run(concurrency=bench.concurrency, codes=(0, 1))
    foul = _rate(server.log(), words)
    ended, taken = outcomes(evals), timings(evals)
    yield exactly("R5 hung: cut, an error each", ended["error"], len(words))
    yield exactly("R5 hung: the others pass", ended["passed"], count - len(words))
    for what, cases in (("hanging", (3, 30)), ("dripping", (5, 50))):
        found = [one for node, one in taken.items() if _number(node) in cases]
        away = max((abs(one - TIMEOUT) for one in found), default=float("inf"))
        detail = ", ".join(f"{one:.2f} s" for one in found) + f", timeout {TIMEOUT:g} s"
        yield at_most(f"R5 {what}: cut this far from the deadline", away, 1.0, "s", detail)
    yield Line(
        what="R5 hung: throughput of the others",
        measured=f"{foul / clean * 100:.0f} %",
        bound=">= 90 %",
        ok=foul / clean >= 0.9,
        detail=f"{foul:.0f} calls a second, clean {clean:.0f}",
    )


def _rate(log: list[tuple[float, str]], words: dict[str, Fault]) -> float:
    """Return how many of the others' calls came in a second."""
    came = [when for when, question in log if not any(word in question for word in words)]
    return len(came) / max(came[-1] - came[0], 0.001)


def _number(node: str) -> int:
    return int(node.partition("[case-")[2].partition("-")[0])
