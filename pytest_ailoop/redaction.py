"""Secrets known to this process, and their removal from whatever is shown or stored.

Values are learned from the environment (names that look like keys), from the
configuration and from the headers and URLs of calls that pass. Each sink
(terminal, junit, run files, recordings, cache) sends its text through `redact`.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import base64
import os
import re
import threading
import urllib.parse
from collections.abc import Mapping

__all__ = ["MASK", "forget", "learn", "learn_environment", "redact"]

MASK = "[secret]"

_NAME = re.compile(r"(?i)(key|token|secret|passw|credential)")
# Shorter values ("1", "true", "none") would blank out ordinary words.
_SHORTEST = 8

_lock = threading.Lock()
_known: set[str] = set()
_pattern: re.Pattern[str] | None = None


def learn(value: str | None) -> None:
    """Treat *value* as a secret from now on; short and empty ones are ignored."""
    global _pattern
    if not value or len(value) < _SHORTEST:
        return
    spellings = {
        value,
        urllib.parse.quote(value, safe=""),
        base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii"),
    }
    if spellings <= _known:
        return
    with _lock:
        _known.update(spellings)
        longest_first = sorted(_known, key=len, reverse=True)
        _pattern = re.compile("|".join(map(re.escape, longest_first)))


def learn_environment(environment: Mapping[str, str] | None = None) -> None:
    """Learn each environment value whose name looks like that of a secret."""
    for name, value in (os.environ if environment is None else environment).items():
        # TOKEN_EXPIRY=86400000 and KEY_FILE=/etc/key are ordinary text, no secrets.
        if _NAME.search(name) and not value.isdecimal() and not os.path.isabs(value):
            learn(value)


def redact(text: str) -> str:
    """Return *text* with every known secret replaced by `MASK`."""
    pattern = _pattern
    return text if pattern is None else pattern.sub(MASK, text)


def forget() -> None:
    """Drop all known secrets (for tests)."""
    global _pattern
    with _lock:
        _known.clear()
        _pattern = None
