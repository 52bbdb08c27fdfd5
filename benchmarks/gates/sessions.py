"""Real pytest sessions over a scripted system, many in one process."""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.gates import system as scripted

if TYPE_CHECKING:
    from pytest_ailoop.session import Outcome

__all__ = ["Evals", "Project"]

EVAL = """
import pytest
from benchmarks.gates import system as scripted
from pytest_ailoop import contains, expect, mean, no_regression, pass_rate, record


@pytest.mark.ailoop(
    dataset="cases.jsonl",
    trials={trials},
    params={{"system": {systems!r}}},
    gate=[{gates}],{more}
)
async def test_it(case, trial, system):
    for name in {scores!r}:
        record(name, {best!r} * scripted.score(case.id, trial, f"{{system}} {{name}}"))
    expect(scripted.answer(case.id, trial, system)).to(contains("right"))
"""

#: Plugins that may be installed here, and of which a session is not in need.
WITHOUT = (
    *("anyio", "asyncio", "cacheprovider", "hypothesispytest", "randomly", "recording"),
    *("rerunfailures", "timeout", "xdist"),
)


_NUMBERS = itertools.count()
_SESSIONS = itertools.count(1)


class Project:
    """A folder of evals, run again and again: each run is a session of pytest.

    Every system of a run answers every case, and is a variant of each test with gates of its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Modules stay loaded by their name, so that each project's has one of its own.
        self.module = f"test_{folder.name}_{next(_NUMBERS)}"
        folder.mkdir()
        self.write("pytest.ini", "[pytest]\n")

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def rows(self, name: str, cases: int) -> None:
        """Write a data set of so many rows, which differ from those of any other name."""
        rows = (json.dumps({"id": f"c{number}", "input": name}) for number in range(cases))
        self.write(f"{name}.jsonl", "\n".join(rows) + "\n")

    def accept(self, system: scripted.System) -> Outcome:
        """Make a run of *system* the baseline, in the place of any other."""
        shutil.rmtree(self.folder / "__snapshots__", ignore_errors=True)
        return self.run(system, "--snapshot-update")

    def run(self, system: scripted.System, *options: str) -> Outcome:
        """Return how a session ended in which *system* answers.

        Raises `RuntimeError` where its exit code is not what its gates call for.
        """
        scripted.use(system)
        shutil.rmtree(self.folder / ".ailoop", ignore_errors=True)
        if next(_SESSIONS) % 20 == 0:
            # What a session froze counts as old, of which the collector looks at too little.
            gc.collect()
        heard = _Heard()
        printed = io.StringIO()
        arguments = ["-c", str(self.folder / "pytest.ini"), "--assert=plain", "--no-header"]
        arguments += ["--import-mode=importlib"]
        arguments += [part for name in WITHOUT for part in ("-p", f"no:{name}")]
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = pytest.main([*arguments, *options, str(self.folder)], plugins=[heard])
        if len(heard.outcomes) != 1 or code != any(one.blocking for one in heard.outcomes[0].gates):
            raise RuntimeError(f"pytest ended with {code}:\n{printed.getvalue()}")
        return heard.outcomes[0]


class Evals(Project):
    """One eval.

    *gates* is what the marker asks for, as Python, and *more* are further keywords of it; *scores*
    are recorded besides, with *best* where they are right and 0 where not.
    """

    def __init__(
        self,
        folder: Path,
        gates: str,
        *,
        cases: int,
        trials: int | str = 1,
        systems: int = 1,
        scores: Sequence[str] = (),
        best: float = 1.0,
        more: str = "",
    ) -> None:
        super().__init__(folder)
        self.rows("cases", cases)
        text = EVAL.format(
            trials=repr(trials),
            systems=[f"s{number}" for number in range(systems)],
            gates=gates,
            scores=list(scores),
            best=best,
            more=more and f"\n    {more},",
        )
        self.write(f"{self.module}.py", text)


class _Heard:
    """A plugin that keeps how a run ended."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def pytest_ailoop_run_finished(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
