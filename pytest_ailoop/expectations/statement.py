"""`expect` and `record`, as a test writes them. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

from pytest_ailoop import recorder
from pytest_ailoop.data.reply import text_of
from pytest_ailoop.data.score import Direction
from pytest_ailoop.errors import CheckError, UsageError
from pytest_ailoop.expectations.bar import Bar
from pytest_ailoop.expectations.outcome import Outcome, caller
from pytest_ailoop.recorder import Recorder
from pytest_ailoop.scoring.adapt import to_check
from pytest_ailoop.scoring.check import Check, Subject
from pytest_ailoop.scoring.values import as_number, score_of
from pytest_ailoop.text import cut

__all__ = ["Expect", "expect", "record"]

_NAME = re.compile(r"[A-Za-z0-9_.: -]{1,60}")


def expect(value: Any, *, name: str | None = None) -> Expect:
    """Take *value*, a reply, a string or any object, to state expectations on it.

    What they find is kept: an item goes on after a missed expectation and fails at its end with
    all of them. *name* stands before the names of the checks. An `expect(...)` without a check
    makes the item red. Raises `UsageError` outside of an eval and for a coroutine that was not
    awaited.

    ```python
    @pytest.mark.ailoop(dataset="support.jsonl")
    async def test_support(case, llm):
        reply = await llm(case.input)
        expect(reply).to(contains(case.expected))
        expect(reply).not_to(matches("(?i)as an ai"))
    ```
    """
    __tracebackhide__ = True
    if hasattr(value, "__await__"):
        getattr(value, "close", lambda: None)()
        raise UsageError("expect(...) was given a coroutine; await it first: expect(await ...)")
    notebook = _notebook("expect")
    if name is not None:
        _refuse_name(name)
    return Expect(notebook, value, name)


def record(
    name: str,
    value: Any,
    *,
    reason: str = "",
    direction: Direction = "higher",
) -> None:
    """Keep a number, a bool or a label of your own as a score of this item, without a bar.

    The baseline compares a number like any score: *direction* `lower` says that less is better. A
    label alone is counted in the report and not compared. A second score of the same name gets
    ` #2`. Raises `UsageError` for NaN and infinities, for a name other
    than 1 to 60 letters, digits, blanks and `_.:-`, and outside of an eval.

    ```python
    record("words", len(reply.text.split()), direction="lower")
    ```
    """
    __tracebackhide__ = True
    notebook = _notebook("record")
    _refuse_name(name)
    if direction not in ("higher", "lower"):
        raise UsageError(f"record({name!r}): direction is 'higher' or 'lower', got {direction!r}")
    try:
        score = score_of(value, name=name, kind="recorded", check="", expected=None)
    except CheckError as error:
        raise UsageError(f"record({name!r}, ...): {error}".replace("returned", "is")) from None
    if score.not_scored is not None:
        raise UsageError(f"record({name!r}, {cut(repr(value), 60)}): {score.not_scored}")
    words = score_of((0.0, str(reason)), name=name, kind="recorded", check="").reason
    notebook.add_score(
        replace(
            score,
            name=notebook.unique(name),
            direction=direction,
            reason=words or score.reason,
        )
    )


class Expect:
    """A value that waits for its checks; made by `expect`. `to` and `not_to` may be repeated."""

    def __init__(self, notebook: Recorder, value: Any, name: str | None) -> None:
        self._notebook, self._value, self._name = notebook, value, name
        self._text = text_of(value)
        notebook.saw_output(self._text)
        notebook.begin(
            self,
            f"expect(...) at {caller()} was left without a check: add .to(...) or .not_to(...)",
        )

    def to(
        self,
        check: Any,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        hard: bool = False,
        weight: float | None = None,
        name: str | None = None,
    ) -> Outcome:
        """Expect *check* to score at least 1, or within *at_least* and *at_most*.

        *check* is a check, a function of yours (it may return a bool, a number with a bar, a
        label to equal the case's `expected`, a `Score`, or one of them with a reason) or a
        pydantic model class. *hard* raises `ExpectationFailed` at once when it is missed or
        cannot be scored. A judge or coroutine function must be awaited in an async test; a sync
        test waits for it here. Raises `UsageError` for what is no check, and `ReplyError` where
        a judge's call got no reply.
        """
        __tracebackhide__ = True
        bar = Bar.of(at_least, at_most)
        return self._start(check, bar, hard=hard, weight=weight, name=name)

    def not_to(
        self,
        check: Any,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        hard: bool = False,
        weight: float | None = None,
        name: str | None = None,
    ) -> Outcome:
        """Expect the opposite of `to` with the same arguments.

        The score stays as the check gave it; what meets the bar is missed here. A check that
        could not score is no pass here either.
        """
        __tracebackhide__ = True
        bar = Bar.of(at_least, at_most, negated=True)
        return self._start(check, bar, hard=hard, weight=weight, name=name)

    def _start(
        self, thing: Any, bar: Bar, *, hard: bool, weight: float | None, name: str | None
    ) -> Outcome:
        __tracebackhide__ = True
        check = to_check(thing)
        subject = Subject(
            value=self._value,
            text=self._text,
            case=self._notebook.case,
            calls=tuple(self._notebook.calls),
            variant=self._notebook.variant,
        )
        title = self._notebook.unique(self._title(check, name))
        outcome = Outcome(self._notebook, check, subject, bar, title, hard, _weight(weight))
        self._notebook.finish(self)
        return outcome.start()

    def _title(self, check: Check, name: str | None) -> str:
        if name is not None:
            _refuse_name(name)
            return name
        return check.name if self._name is None else f"{self._name}: {check.name}"


def _weight(value: Any) -> float:
    __tracebackhide__ = True
    number = 1.0 if value is None else as_number(value)
    if number is None or not math.isfinite(number) or number <= 0:
        raise UsageError(f"weight={cut(repr(value), 40)}: give a number above 0")
    return number


def _notebook(what: str) -> Recorder:
    __tracebackhide__ = True
    notebook = recorder.current()
    if notebook is None:
        raise UsageError(
            f"{what}(...) belongs to an eval: run it inside a test marked @pytest.mark.ailoop(...)"
            + (
                "; in a thread of your own, start it with wrap_context(...)"
                if recorder.unattributed()
                else "; in other tests write a plain `assert`"
            )
        )
    return notebook


def _refuse_name(name: Any) -> None:
    __tracebackhide__ = True
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(
            f"the name {cut(repr(name), 80)} is none for a score: "
            "1 to 60 letters, digits, blanks and _ . : -"
        )
    if name == "passed":
        raise UsageError("the name 'passed' is that of the item's own outcome; take another")
