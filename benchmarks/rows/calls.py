"""Live calls side by side: each row against a bare script that makes the same ones."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import project
from benchmarks.bench import Bench, Line, at_most, exactly
from benchmarks.measure import Pair, Used, paired
from benchmarks.project import Project, run_bare

__all__ = ["app", "borders", "instant", "judge", "llm", "sync", "tail"]


def llm(bench: Bench) -> Iterator[Line]:
    """One call by `llm` and a check an item."""
    bench.server.set(latency=bench.latency)
    pair, most = _measure(bench, project.LLM, "chat")
    yield _wall("llm: one call and a check", pair, 1.15)
    yield exactly("llm: calls in flight, at most", most, bench.concurrency)
    yield at_most("llm: memory", max(one.peak for one in pair.ours), 120, "MiB", _peaks(pair))


def app(bench: Bench) -> Iterator[Line]:
    """The application's own stock `AsyncOpenAI`."""
    bench.server.set(latency=bench.latency)
    pair, most = _measure(bench, project.APP, "chat")
    yield _wall("app: the application's AsyncOpenAI", pair, 1.3)
    yield exactly("app: calls in flight, at most", most, bench.concurrency)


def judge(bench: Bench) -> Iterator[Line]:
    """A judge's call after the one of `llm`."""
    bench.server.set(latency=bench.latency)
    pair, most = _measure(bench, project.JUDGED, "judged")
    yield _wall("judge: a call, then a judge's", pair, 1.15)
    yield exactly("judge: calls in flight, at most", most, bench.concurrency)


def sync(bench: Bench) -> Iterator[Line]:
    """Sync bodies with the stock `OpenAI` client, against a pool of threads."""
    bench.server.set(latency=bench.latency)
    pair, most = _measure(bench, project.POOL, "pool")
    yield _wall("sync: the application's OpenAI", pair, 1.5)
    yield exactly("sync: calls in flight, at most", most, bench.concurrency)


def instant(bench: Bench) -> Iterator[Line]:
    """Answers that take no time: what is left is our own work."""
    bench.server.set(latency=0.0)
    pair, _ = _measure(bench, project.LLM, "chat")
    each = pair.difference("cpu") / bench.items * 1000
    ours, bare = pair.median("cpu")
    detail = f"{ours:.2f} s, bare {bare:.2f} s CPU"
    yield at_most("instant: CPU an item over bare", each, 1.0, "ms", detail)


def tail(bench: Bench) -> Iterator[Line]:
    """Lognormal latency with the same mean: some answers take ten times as long."""
    bench.server.set(latency=bench.latency, sigma=1.0)
    pair, _ = _measure(bench, project.LLM, "chat")
    yield _wall("tail: lognormal latency", pair, 1.25)


def borders(bench: Bench) -> Iterator[Line]:
    """Many test functions of ten cases against one function with all of them."""
    bench.server.set(latency=bench.latency)
    functions = max(2, bench.items // 50)
    many = Project(bench.fresh("many"), bench.server.url, project.LLM, 10, functions=functions)
    one = Project(bench.fresh("one"), bench.server.url, project.LLM, 10 * functions)
    pair = paired(
        lambda: many.run("--ailoop-replies=live", concurrency=bench.concurrency),
        lambda: one.run("--ailoop-replies=live", concurrency=bench.concurrency),
        bench.rounds,
        warm=bench.warm,
    )
    what = f"borders: {functions} functions of 10 by one of {10 * functions}"
    yield _wall(what, pair, 1.25, second="one function")


def _measure(bench: Bench, body: str, kind: str) -> tuple[Pair, int]:
    """Return what it took, and how many calls of ours were in flight at most over all rounds."""
    server, most = bench.server, [0]
    measured = Project(bench.fresh(kind), server.url, body, bench.items)
    weather = server.weather

    def ours() -> Used:
        server.set(weather)
        used = measured.run(concurrency=bench.concurrency)
        stats = server.stats()
        most.append(stats["max_in_flight"])
        expected = bench.items * (2 if kind == "judged" else 1)
        assert stats["calls"] == expected, f"{stats['calls']} calls, not {expected}"
        return used

    def script() -> Used:
        return run_bare(measured.folder, kind, server.url, bench.items, bench.concurrency)

    pair = paired(ours, script, bench.rounds, warm=bench.warm)
    return pair, max(most)


def _wall(what: str, pair: Pair, bound: float, second: str = "bare") -> Line:
    (first, other), (work, bare) = pair.median("wall"), pair.median("cpu")
    detail = f"{first:.2f} s, {second} {other:.2f} s; CPU {work:.2f} s, {bare:.2f} s"
    return at_most(what, pair.ratio("wall"), bound, "x", detail)


def _peaks(pair: Pair) -> str:
    return f"bare {pair.median('peak')[1]:.0f} MiB"
