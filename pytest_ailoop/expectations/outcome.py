"""An expectation while it is found out and after. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from dataclasses import replace
from typing import Any

from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.errors import CheckError, UsageError
from pytest_ailoop.expectations.bar import Bar
from pytest_ailoop.recorder import Recorder
from pytest_ailoop.scoring.check import Check, Subject, run_check, run_check_async
from pytest_ailoop.scoring.faults import PACKAGE, place
from pytest_ailoop.text import one_line

__all__ = ["ExpectationFailed", "Outcome", "caller"]


class ExpectationFailed(AssertionError):
    """An expectation with `hard=True` was missed or could not be scored; the item stops here."""


class ExpectationNotScored(ExpectationFailed, CheckError):
    """It could not be scored: the item is an error, not a failure."""


class Outcome:
    """How an expectation went. True where it was met.

    That of a judge or coroutine function in an async test is known after `await`; in a sync test,
    and for all other checks, at once, and awaiting it changes nothing.
    """

    def __init__(
        self,
        notebook: Recorder,
        check: Check,
        subject: Subject,
        bar: Bar,
        name: str,
        hard: bool,
        weight: float,
    ) -> None:
        self._notebook, self._check, self._subject, self._bar = notebook, check, subject, bar
        self._name, self._hard, self._weight = name, hard, weight
        self._where = caller()
        self._found: tuple[Score, Expectation] | None = None

    def start(self) -> Outcome:
        """Run the check now, or leave it to `await`."""
        __tracebackhide__ = True
        if self._check.is_async and self._notebook.is_async:
            self._begin("was never awaited: write `await expect(...).to(...)`")
            return self
        self._begin("did not come to its end", runs=True)
        if self._check.is_async:
            self._wait()
        else:
            self._settle(run_check(self._check, self._subject, barred=self._bar.given))
        return self

    def _begin(self, what: str, *, runs: bool = False) -> None:
        self._notebook.begin(self, f"{self._name} at {self._where} {what}", runs=runs)

    def _wait(self) -> None:
        __tracebackhide__ = True
        run = self._notebook.run_async
        if run is None:
            raise UsageError(f"{self._name} is async, and nothing here can wait for it")
        score = run(run_check_async(self._check, self._subject, barred=self._bar.given))
        self._settle(score)

    def __await__(self) -> Generator[Any, None, Outcome]:
        __tracebackhide__ = True
        if self._found is None:
            try:
                score = yield from run_check_async(
                    self._check, self._subject, barred=self._bar.given
                ).__await__()
            except BaseException as error:
                # Should the test swallow it, the item must still not pass.
                self._begin(f"did not come to its end: {type(error).__name__}", runs=True)
                raise
            if self._found is None:
                self._settle(score)
        return self

    def _settle(self, score: Score) -> None:
        __tracebackhide__ = True
        self._notebook.finish(self)
        score = replace(score, name=self._name, weight=self._weight)
        expectation = self._bar.held_against(score, hard=self._hard)
        self._found = score, expectation
        self._notebook.add_score(score)
        self._notebook.add_expectation(expectation)
        if self._hard and expectation.standing != "met":
            kind = ExpectationFailed if expectation.standing == "missed" else ExpectationNotScored
            raise kind(self._failure(score, expectation))

    def _failure(self, score: Score, expectation: Expectation) -> str:
        shown = "not scored" if score.value is None else f"{score.value:g}"
        output = one_line(self._subject.text, 200)
        return (
            f"{expectation.name} at {self._where}: {expectation.standing}, "
            f"scored {shown}, expected {self._bar.words}\n"
            f"  reason: {one_line(expectation.reason or 'none given', 500)}\n  output: {output}"
        ).replace("scored not scored", "not scored")

    def _known(self) -> tuple[Score, Expectation]:
        if self._found is None:
            raise UsageError(f"{self._name} at {self._where} is not known yet; await it first")
        return self._found

    @property
    def score(self) -> Score:
        """What the check measured; raises `UsageError` before it was awaited."""
        return self._known()[0]

    @property
    def expectation(self) -> Expectation:
        """How that stands to the bar; raises `UsageError` before it was awaited."""
        return self._known()[1]

    def __bool__(self) -> bool:
        return self.expectation.standing == "met"

    def __repr__(self) -> str:
        standing = self._found[1].standing if self._found else "not awaited"
        return f"<{self._bar.prefix}{self._name}: {standing}>"


def caller() -> str:
    """Return `file:line` of the nearest frame outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE + os.sep):
        frame = frame.f_back
    return place(frame.f_code.co_filename, frame.f_lineno)
