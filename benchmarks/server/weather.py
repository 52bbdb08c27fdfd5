"""How the server behaves: how long an answer takes, and what goes wrong on the way."""

from __future__ import annotations

import math
import random
import statistics
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any

__all__ = ["KINDS", "Fault", "Forecast", "Weather"]

KINDS = ("429", "500", "503", "529", "reset", "hang", "drip", "truncate", "garbage")
"""What may go wrong: an error status, a connection cut before the answer, no answer at all, one
that comes byte by byte for ever, half an answer, an answer that is no JSON."""

_TABLE = 4096


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to a question in place of an answer."""

    kind: str
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers of an error status: `{"retry-after": "2"}`; `date+3` is a date in 3 s."""
    times: int | None = None
    """How often, for each question by itself; None is always."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What a test sets; it travels to the server's process as JSON."""

    latency: float = 0.0
    """Seconds from a request to its answer, in the mean."""
    sigma: float = 0.0
    """Spread of a lognormal latency with that mean; 0 is the same for all."""
    shares: dict[str, float] = field(default_factory=dict)
    """Share of all requests that meet each of `KINDS`."""
    words: dict[str, Fault] = field(default_factory=dict)
    """Fault of the questions that contain a word."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers of the error statuses that `shares` cause."""
    size: int = 0
    """Bytes that an answer's text has at least."""
    drip: float = 0.1
    """Seconds between two bytes of a dripping answer."""
    log: bool = False
    """Whether the server keeps when which question came."""
    seed: int = 0

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Weather:
        known = {one.name for one in fields(cls)}
        words = {word: Fault(**fault) for word, fault in data.get("words", {}).items()}
        return cls(**{name: data[name] for name in known & set(data)} | {"words": words})


class Forecast:
    """Draws from a weather: latencies by question, faults by the order of requests."""

    def __init__(self, weather: Weather) -> None:
        self.weather = weather
        self._random = random.Random(weather.seed)
        self._latencies = _lognormal(weather) if weather.sigma else None
        self._met: Counter[tuple[str, bytes]] = Counter()

    def latency(self, question: bytes) -> float:
        """The same question takes the same time, whoever asks: paired runs meet the same tail."""
        if self._latencies is None:
            return self.weather.latency
        return self._latencies[zlib.crc32(question) % _TABLE]

    def fault(self, question: bytes) -> Fault | None:
        """Return what goes wrong with this request."""
        for word, fault in self.weather.words.items():
            if word.encode() in question:
                self._met[word, question] += 1
                if fault.times is None or self._met[word, question] <= fault.times:
                    return fault
        if not self.weather.shares:
            return None
        drawn = self._random.random()
        for kind, share in self.weather.shares.items():
            if drawn < share:
                return Fault(kind=kind, headers=self.weather.headers)
            drawn -= share
        return None


def _lognormal(weather: Weather) -> list[float]:
    """Return quantiles in random order, so that the mean is exact and the tail always there."""
    normal = statistics.NormalDist()
    drawn = [
        math.exp(weather.sigma * normal.inv_cdf((number + 0.5) / _TABLE))
        for number in range(_TABLE)
    ]
    mean = statistics.fmean(drawn)
    random.Random(weather.seed).shuffle(drawn)
    return [weather.latency * one / mean for one in drawn]
