"""What one item writes down while it runs. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_ailoop.data.call import Call, Purpose
from pytest_ailoop.data.case import Case
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant

__all__ = ["Recorder"]


class Recorder:
    """Gathers what happens inside one item; safe to write from several threads."""

    def __init__(
        self,
        *,
        nodeid: str,
        case: Case,
        variant: Variant,
        trial: int,
        recordings: Path,
        is_async: bool,
        model_client: Callable[[str | None, Purpose], Any] | None = None,
        run_async: Callable[[Any], Any] | None = None,
    ) -> None:
        self.nodeid, self.case, self.variant, self.trial = nodeid, case, variant, trial
        #: The module's file of committed recordings; it need not exist.
        self.recordings = recordings
        #: Whether the test function is a coroutine function: `expect` then gives awaitables.
        self.is_async = is_async
        #: Returns the client for a model alias; judges ask here, None is the configured judge.
        self.model_client = model_client
        #: Runs a coroutine to its end from sync code, also where a loop is running.
        self.run_async = run_async
        self.calls: list[Call] = []
        self.scores: list[Score] = []
        self.expectations: list[Expectation] = []
        #: Prompt of the case's variant, where it has one.
        self.prompt_digest: str | None = None
        #: Whether the item is running.
        self.is_open = False
        #: What its code put out before its turn (texts, log records, warnings), in order; None
        #: where that is shown at once.
        self.held: list[Callable[[], None]] | None = None
        #: Warnings that its code gave: text, category, file, line.
        self.warned: set[tuple[str, type[Warning], str, int]] = set()
        #: Seconds that its calls waited for their turn: for a free place, for a rate to allow it.
        self.queued = 0.0
        #: Calls that were cancelled while they waited so, and never went out.
        self.given_up = 0
        self._queue = 0
        self._queued_since = 0.0
        #: Addresses that attempts which were not to be trusted had answered live; those attempts
        #: share the set.
        self.paid: set[str] | None = None
        #: Infrastructure faults seen in this item, also where the application swallowed them.
        self.faults: list[Exception] = []
        self._unanswered: dict[str, Exception] = {}
        self._output: str | None = None
        self._waiting: dict[int, tuple[object, str, bool]] = {}
        # The item's outcome is a score by this name; another one would be counted with it.
        self._names: dict[str, int] = {"passed": 1}
        self._claimed: dict[str, set[int]] = {}
        self._lock = threading.Lock()

    def add_call(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)

    def had(self, address: str) -> bool:
        """Return whether the reply at *address* was asked live for the item itself, once."""
        if self.paid is None or address not in self.paid:
            return False
        self.paid.remove(address)
        return True

    def add_score(self, score: Score) -> None:
        with self._lock:
            self.scores.append(score)

    def add_expectation(self, expectation: Expectation) -> None:
        with self._lock:
            self.expectations.append(expectation)

    def saw_output(self, text: str) -> None:
        """Keep the first value under test as the item's output."""
        with self._lock:
            if self._output is None:
                self._output = text

    @property
    def output(self) -> str | None:
        """The first value given to `expect`, else the application's last reply, else None."""
        if self._output is not None:
            return self._output
        asked = [one for one in self.calls if one.purpose == "app" and not one.error]
        # Embeddings answer with no text; they are not what is under test.
        return next((one.reply_text for one in reversed(asked) if one.reply_text), None)

    def begin(self, token: object, words: str, *, runs: bool = False) -> None:
        """Note what must be finished before the item ends; *words* name it if it is not.

        *runs* says that it is being carried out, and does not wait for the test to go on.
        """
        with self._lock:
            # Kept alive: the id of a token that is gone would name the next one as well.
            self._waiting[id(token)] = (token, words, runs)

    def finish(self, token: object) -> None:
        """Take back what `begin` noted."""
        with self._lock:
            self._waiting.pop(id(token), None)

    @property
    def unfinished(self) -> list[str]:
        """Words of all that was begun and never finished, in order."""
        with self._lock:
            return [words for _, words, _ in self._waiting.values()]

    @property
    def broken_off(self) -> list[str]:
        """Words of all that ran and never finished."""
        with self._lock:
            return [words for _, words, runs in self._waiting.values() if runs]

    def unique(self, name: str) -> str:
        """Return *name* for the first score of that name in this item, `name #2` for the next."""
        with self._lock:
            self._names[name] = count = self._names.get(name, 0) + 1
            return name if count == 1 else f"{name} #{count}"

    def queues(self, now: float) -> None:
        """Note that a call of the item waits for its turn."""
        with self._lock:
            self._queue += 1
            if self._queue == 1:
                self._queued_since = now

    def goes_on(self, now: float) -> None:
        """Note that it waits no longer; times of calls that wait together count once."""
        with self._lock:
            self._queue -= 1
            if not self._queue:
                self.queued += max(0.0, now - self._queued_since)

    def gives_up(self) -> None:
        """Note that a call was cancelled while it waited for its turn."""
        with self._lock:
            self.given_up += 1

    def claim(self, request: str) -> int:
        """Return which repeat of this very request starts now: 0 for the first.

        Claimed when it starts, so that repeats in flight together are told apart.
        """
        with self._lock:
            taken = self._claimed.setdefault(request, set())
            number = next(count for count in range(len(taken) + 1) if count not in taken)
            taken.add(number)
            return number

    def unanswered(self, address: str, fault: Exception | None) -> None:
        """Note that the call at *address* got no reply; None takes it back, for a retry did."""
        with self._lock:
            if fault is None:
                self._unanswered.pop(address, None)
            else:
                self._unanswered[address] = fault

    @property
    def all_faults(self) -> list[Exception]:
        """What kept calls from their replies, for good: no retry brought one."""
        with self._lock:
            return [*self.faults, *self._unanswered.values()]

    def release(self, request: str, number: int) -> None:
        """Give a claim back after a failure: the retry asks for the same reply."""
        with self._lock:
            self._claimed.get(request, set()).discard(number)
