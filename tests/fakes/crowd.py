"""To see that bodies overlap by how many are inside at once, never by the clock."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from tests.fakes.openai_server import FakeServer

__all__ = ["SIGNAL", "MeetingServer", "evals", "gather", "notes", "outcomes"]

CROWD = '''
import asyncio
import contextlib
import os
import pathlib

NOTES = pathlib.Path(__file__).with_name("notes.txt")


def note(*words):
    """Keep a line for the test to read."""
    with NOTES.open("a") as file:
        file.write(" ".join(map(str, words)) + "\\n")


class Crowd:
    """Lets bodies through once so many were inside at a time; the first one alone gives up."""

    def __init__(self, wanted):
        self.wanted, self.now, self.most, self.alone = wanted, 0, 0, False
        self.open = asyncio.Event()

    async def meet(self):
        self.now += 1
        self.most = max(self.most, self.now)
        if self.most >= self.wanted:
            self.open.set()
        try:
            assert not self.alone, "run one at a time"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.open.wait(), 5)
            self.alone = self.most < self.wanted
            assert self.most >= self.wanted, "run one at a time"
        finally:
            self.now -= 1


four, three, two = Crowd(4), Crowd(3), Crowd(2)
'''


def gather(project: Any, count: int, *, inputs: str = "question {}") -> None:
    """Give *project* so many cases (c00, c01, ...) and the module `crowd`."""
    project.rows([{"id": f"c{n:02}", "input": inputs.format(n)} for n in range(count)])
    project.write("crowd.py", CROWD)


#: pytest-timeout's alarm, which hits whatever runs.
SIGNAL = ("--timeout-method=signal",)

#: Waits for others first, so that what hangs was begun before its turn.
HEAD = """
import asyncio
import time
from crowd import Crowd, note

crowd = Crowd({many})
"""


def evals(project: Any, text: str, *, many: int = 3, count: int = 5) -> None:
    """Give *project* so many cases, and evals that may wait until *many* are inside."""
    gather(project, count)
    project.eval(HEAD.format(many=many) + text)


def outcomes(project: Any) -> str:
    """Return how the items ended: `P` or `F` each."""
    return "".join(row["outcome"][0].upper() for row in project.results())


def notes(project: Any) -> Sequence[str]:
    """Return the lines that bodies noted, in the order they did."""
    path = project.path / "notes.txt"
    return path.read_text("utf-8").splitlines() if path.exists() else []


class MeetingServer(FakeServer):
    """Answers once *wanted* requests were in flight at a time; a lonely one after some seconds."""

    def __init__(self, wanted: int = 1, *, patience: float = 5.0, **how: Any) -> None:
        super().__init__(**how)
        self.wanted, self.patience = wanted, patience
        #: How many requests are in flight, and were at most.
        self.now = self.most = 0
        self._moved = threading.Condition()

    def received(self, request: dict[str, Any]) -> tuple[int, dict[str, str]] | None:
        with self._moved:
            self.now += 1
            self.most = max(self.most, self.now)
            self._moved.notify_all()
            self._moved.wait_for(lambda: self.most >= self.wanted, self.patience)
            self.now -= 1
        return super().received(request)
