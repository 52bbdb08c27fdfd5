"""The server as another process sees it: started, asked for its counts, stopped."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Self

from benchmarks.server.weather import Weather

__all__ = ["Server"]

_TOP = Path(__file__).parents[2]


class Server:
    """`with Server() as server: server.set(latency=0.2)`; clients take `server.url`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.weather = Weather()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server"],
            cwd=_TOP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self._port}/v1"

    def set(self, weather: Weather | None = None, **changes: Any) -> None:
        """Behave by *weather*, or by a calm one with *changes*; the counts begin anew."""
        self.weather = weather or Weather(**changes)
        self._ask("weather", self.weather.plain())

    def stats(self) -> dict[str, Any]:
        """Return the counts since `set`, and the CPU seconds of the server's process."""
        found: dict[str, Any] = self._ask("stats")
        return found

    def log(self) -> list[tuple[float, str]]:
        """Return when (monotonic seconds) which question came, where the weather has `log`."""
        return [(when, question) for when, question in self._ask("log")]

    def _ask(self, what: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}/{what}", data)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
