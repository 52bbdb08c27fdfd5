"""What a server says of its limits in the headers of a reply; what it garbles is not said.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC

from pytest_ailoop.frozen import dataclass

__all__ = ["Quota", "quotas", "retry_after"]

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NUMBER = r"\d{1,15}(?:\.\d{1,9})?"
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ms|[dhms]))+", re.ASCII)
_PART = re.compile(rf"({_NUMBER})(ms|[dhms])", re.ASCII)
# OpenAI and those who speak like it; Anthropic.
_NAMES = (
    ("requests", "x-ratelimit-{}-requests"),
    ("tokens", "x-ratelimit-{}-tokens"),
    ("requests", "anthropic-ratelimit-requests-{}"),
    ("tokens", "anthropic-ratelimit-tokens-{}"),
)
_FIELDS = tuple(
    (kind, *(name.format(field) for field in ("remaining", "limit", "reset")))
    for kind, name in _NAMES
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """One of a server's limits, as far as it is used up."""

    kind: str
    """`requests` or `tokens`."""
    limit: float
    remaining: float
    reset: float
    """Seconds until all of it is there again."""


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Return the seconds that the server wants nothing for; None where it does not say.

    Read are `retry-after-ms`, and `retry-after` in seconds or as a date; *wall* is the time now,
    by `time.time()`. What is negative, past or no number is not said.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after")
    if said is None:
        return None
    seconds = _number(said)
    return _until(said, wall) if seconds is None else seconds


def quotas(headers: Mapping[str, str], wall: float) -> Iterator[Quota]:
    """Yield what *headers* tell of `x-ratelimit-*` and `anthropic-ratelimit-*`, where complete."""
    for kind, remaining_name, limit_name, reset_name in _FIELDS:
        remaining = _number(headers.get(remaining_name))
        if remaining is None:
            continue
        limit = _number(headers.get(limit_name))
        reset = _reset(headers.get(reset_name), wall)
        if limit is not None and reset is not None and remaining <= limit:
            yield Quota(kind=kind, limit=limit, remaining=remaining, reset=reset)


def _number(said: str | None) -> float | None:
    """Return a number from 0 on."""
    if said is None or not re.fullmatch(rf"\s*\+?{_NUMBER}\s*", said, re.ASCII):
        return None
    return float(said)


def _reset(said: str | None, wall: float) -> float | None:
    """Return seconds for `6m0s`, `250ms`, `12`, a date of RFC 3339 or of HTTP."""
    if said is None:
        return None
    seconds = _number(said)
    if seconds is not None:
        # Some give the moment, in seconds since 1970.
        return seconds if seconds < 1e9 else max(0.0, seconds - wall)
    said = said.strip()
    if _DURATION.fullmatch(said):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(said))
    return _until(said, wall)


def _until(said: str, wall: float) -> float | None:
    """Return the seconds from *wall* to a date; None where it is none, or past."""
    moment = _moment(said)
    return None if moment is None or not moment > wall else moment - wall


def _moment(said: str) -> float | None:
    from datetime import datetime
    from email.utils import parsedate_to_datetime

    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(said.strip())
            if found.tzinfo is None:
                found = found.replace(tzinfo=UTC)
            moment = found.timestamp()
        except (ValueError, TypeError, IndexError, OverflowError, OSError):
            continue
        return moment if math.isfinite(moment) else None
    return None
