"""Secrets known to this process, and their removal from whatever is shown or stored.

Values are learned from the environment (names that look like keys), from the
configuration and from the headers and URLs of calls that pass. Each sink
(terminal, junit, run files, recordings, cache) sends its text through `redact`.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import base64
import json
import os
import re
import threading
import urllib.parse
from collections.abc import Iterator, Mapping

__all__ = ["MASK", "forget", "learn", "learn_environment", "may_hold", "redact", "redact_shown"]

MASK = "[secret]"

_NAME = re.compile(r"(?i)(key|token|secret|passw|credential)")
_PASSWORD_IN_URL = re.compile(r"\w://[^/?#\s@]*:([^/?#\s@]+)@")
# How keys of well-known services begin; a digit tells them from words like sk-learn-...
_SHAPE = re.compile(
    r"(?<![\w-])(?:(?:sk|pk|rk|gsk|xai|pplx|hf|r8|ghp|gho|github_pat|glpat)[-_]"
    r"(?=[\w-]*\d)[\w-]{20,}|AIza[\w-]{30,}|AKIA[0-9A-Z]{16})"
)
_ESCAPE = re.compile(r"%[0-9A-F]{2}")
# What people write where a local server wants any key; they are words that replies use.
_PLACEHOLDERS = frozenset(
    {
        "anything",
        "dummy-key",
        "fake-key",
        "lm-studio",
        "no-api-key",
        "no-key-needed",
        "no-key-needed-in-replay",
        "no-key-required",
        "not-needed",
        "not_needed",
        "placeholder",
        "sk-no-key-required",
        "test-key",
        "unused-key",
        "your-api-key",
    }
)
# Shorter values ("1", "true", "none") would blank out ordinary words.
_SHORTEST = 8

_lock = threading.Lock()
_known: set[str] = set()
_pattern: re.Pattern[str] | None = None
# As they stand inside a string of JSON.
_written: tuple[str, ...] = ()


def learn(value: str | None) -> None:
    """Treat *value* as a secret from now on; short ones and usual placeholders are ignored."""
    global _pattern, _written
    if not value or len(value) < _SHORTEST or value.lower() in _PLACEHOLDERS:
        return
    spellings = {one for one in _spellings(value) if len(one) >= _SHORTEST}
    if spellings <= _known:
        return
    with _lock:
        _known.update(spellings)
        longest_first = sorted(_known, key=len, reverse=True)
        _pattern = re.compile("|".join(map(re.escape, longest_first)))
        _written = tuple({json.dumps(one, ensure_ascii=False)[1:-1] for one in _known})


def _spellings(value: str) -> Iterator[str]:
    """Yield how *value* is written in texts, addresses, headers and shown values."""
    yield value
    yield repr(value)[1:-1]
    yield json.dumps(value)[1:-1]
    quoted = urllib.parse.quote(value, safe="", errors="surrogatepass")
    yield quoted
    yield _ESCAPE.sub(lambda found: found.group().lower(), quoted)
    data = value.encode("utf-8", "surrogatepass")
    for coded in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        yield coded.decode("ascii")
        yield coded.decode("ascii").rstrip("=")


def learn_environment(environment: Mapping[str, str] | None = None) -> None:
    """Learn each environment value with a name like that of a secret, and passwords in URLs."""
    for name, value in (os.environ if environment is None else environment).items():
        # TOKEN_EXPIRY=86400000 and KEY_FILE=/etc/key are ordinary text, no secrets.
        if _NAME.search(name) and not value.isdecimal() and not os.path.isabs(value):
            learn(value)
        for password in _PASSWORD_IN_URL.findall(value):
            learn(urllib.parse.unquote(password))


def redact(text: str) -> str:
    """Return *text* with every known secret replaced by `MASK`."""
    pattern = _pattern
    return text if pattern is None else pattern.sub(MASK, text)


def may_hold(line: str) -> bool:
    """Return whether a known secret stands in *line*, the JSON (`ensure_ascii=False`) of a value.

    True also where it only looks so, over the border of two strings.
    """
    return any(one in line for one in _written)


def redact_shown(text: str) -> str:
    """Return *text* without secrets, and without what only has the shape of one.

    For screens alone: in what is stored, a key that a model made up must stay what it was.
    """
    return _SHAPE.sub(MASK, redact(text))


def forget() -> None:
    """Drop all known secrets (for tests)."""
    global _pattern, _written
    with _lock:
        _known.clear()
        _pattern, _written = None, ()
