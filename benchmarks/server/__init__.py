"""A small OpenAI-compatible server on loopback, in a process of its own: `with Server() as server`.

Its figures stand in `docs/benchmarks.md`: it must cost so little that it does not distort what is
measured beside it.
"""

from __future__ import annotations

from benchmarks.server.process import Server
from benchmarks.server.weather import Weather

__all__ = ["Server", "Weather"]
