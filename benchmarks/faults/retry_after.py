"""R4: a server says when to come back, in all the ways there are, sensible or not."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import project
from benchmarks.bench import Bench, Line
from benchmarks.faults._evals import outcomes
from benchmarks.project import Project
from benchmarks.server.weather import Fault, Weather

#: What is told, after how many seconds the next call may come at the earliest and should have come
#: at the latest. A date is told in whole seconds: two seconds ahead may be little more than one.
_FORMS = {
    "seconds": ({"retry-after": "2"}, 2.0, 6.0),
    "milliseconds": ({"retry-after-ms": "1500"}, 1.5, 5.0),
    "date": ({"retry-after": "date+3"}, 2.0, 7.0),
    "garbage": ({"retry-after": "soon"}, 0.0, 5.0),
    "negative": ({"retry-after": "-5"}, 0.0, 5.0),
    "nan": ({"retry-after": "nan"}, 0.0, 5.0),
}


def run(bench: Bench) -> Iterator[Line]:
    for name, (headers, least, most) in _FORMS.items():
        for status in ("429",) if bench.quick else ("429", "503"):
            evals, log, _ = _asked(bench, status, headers)
            waited = log[1] - log[0] if len(log) > 1 else float("inf")
            passed = outcomes(evals)["passed"]
            yield Line(
                what=f"R4 retry-after, {status}, {name}",
                measured=f"{waited:.2f} s",
                bound=f"{least:g} to {most:g}",
                ok=passed == 1 and least <= waited <= most,
                detail=f"{headers}, {len(log)} calls, {passed} passed",
            )
    evals, log, wall = _asked(bench, "429", {"retry-after": "86400"})
    errors = outcomes(evals)["error"]
    yield Line(
        what="R4 retry-after: a day, error at once",
        measured=f"{wall:.2f} s",
        bound="<= 10",
        ok=wall <= 10 and len(log) == 1 and errors == 1,
        detail=f"{len(log)} calls, {errors} errors",
    )


def _asked(
    bench: Bench, status: str, headers: dict[str, str]
) -> tuple[Project, list[float], float]:
    """Return the project, when each call came, and the wall seconds of the run."""
    server = bench.server
    words = {"number": Fault(kind=status, headers=headers, times=1)}
    server.set(Weather(words=words, log=True))
    evals = Project(bench.fresh("retry"), server.url, project.LLM, 1)
    used = evals.run(codes=(0, 1))
    return evals, [when for when, _ in server.log()], used.wall
