"""An engine over a list of bodies, without pytest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_ailoop import recorder
from pytest_ailoop.data.case import Case
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.recorder import Recorder
from pytest_ailoop.scheduling.body import Body
from pytest_ailoop.scheduling.engine import Engine


def notebook(name: str) -> Recorder:
    found = Recorder(
        nodeid=name,
        case=Case(id=name),
        variant=Variant(),
        trial=1,
        recordings=Path("none.jsonl"),
        is_async=True,
    )
    recorder.begin(found)
    return found


def body(function: Callable[..., Any], number: int = 0, *, is_async: bool = True) -> Body:
    return Body(
        function=function,
        arguments={"number": number},
        is_async=is_async,
        notebook=notebook(f"item {number}"),
    )


class Items:
    """`count` bodies of one function, waited for in order."""

    def __init__(
        self,
        function: Callable[..., Any],
        count: int,
        *,
        gate: int = 4,
        lookahead: int = 16,
        most: int | None = None,
        is_async: bool = True,
    ) -> None:
        self.bodies = [body(function, number, is_async=is_async) for number in range(count)]
        self._coming = list(self.bodies)
        self.engine = Engine(gate=gate, lookahead=lookahead, most=most, upcoming=self._next)

    def _next(self) -> Body | None:
        return self._coming.pop(0) if self._coming else None

    def take(self, one: Body) -> Body:
        """Wait for a body in its turn, as pytest's call phase does."""
        if one in self._coming:
            self._coming.remove(one)
        with recorder.within(one.notebook):
            self.engine.wait(one)
        return one

    def run(self) -> list[Body]:
        try:
            return [self.take(one) for one in self.bodies]
        finally:
            self.close()

    def close(self) -> None:
        self.engine.close()
        for one in self.bodies:
            recorder.end(one.notebook)


class Crowd:
    """Counts how many bodies are inside at once."""

    def __init__(self) -> None:
        self.now = self.most = self.begun = 0

    @contextlib.contextmanager
    def inside(self):
        self.begun += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            yield
        finally:
            self.now -= 1
