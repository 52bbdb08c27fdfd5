"""A view of the running item for tests to look at. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import Any

from pytest_ailoop.data.call import Call
from pytest_ailoop.recorder.notebook import Recorder

__all__ = ["Trace"]


class Trace:
    """What happened in the running item so far, to look at from the test.

    `assert len(trace.calls) <= 3`, `assert trace.cost is None or trace.cost < 0.01`.
    """

    def __init__(self, notebook: Recorder) -> None:
        self._notebook = notebook

    def _app(self) -> list[Call]:
        calls = [one for one in self._notebook.calls if one.purpose == "app"]
        # A try that a later one made up for says nothing of the application.
        answered = {one.digest for one in calls if one.error is None}
        return [one for one in calls if one.error is None or one.digest not in answered]

    @property
    def calls(self) -> tuple[Call, ...]:
        """The application's calls in order, without tries that a retry healed."""
        return tuple(self._app())

    @property
    def replies(self) -> tuple[str, ...]:
        """The texts that were answered."""
        return tuple(one.reply_text for one in self._app() if one.error is None)

    @property
    def tool_calls(self) -> tuple[dict[str, Any], ...]:
        """The tools that models asked for, `{"name", "arguments"}`, in order."""
        return tuple(tool for one in self._app() for tool in one.tool_calls)

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price of one of the calls is unknown."""
        costs = [one.cost for one in self._app()]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    @property
    def tokens(self) -> int | None:
        """Input and output tokens; None where a server did not count one of the calls.

        A try that the server refused took none.
        """
        found = [
            count
            for one in self._app()
            if one.error is None or one.cost != 0.0
            for count in (one.usage.input_tokens, one.usage.output_tokens)
        ]
        return None if None in found else sum(count for count in found if count is not None)

    @property
    def latency(self) -> float | None:
        """Seconds, summed over the calls; None where one is unknown."""
        found = [one.latency for one in self._app()]
        return None if None in found else sum(one for one in found if one is not None)
