"""One way to name content: canonical JSON and a short SHA-256 of it.

Case, data set, prompt, check and request digests all come from here, so that
the same content has the same name on every machine and Python. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

__all__ = ["LENGTH", "canonical", "digest", "digest_of_set", "digest_pair", "digest_text", "halves"]

LENGTH = 16
"""Hex digits kept: 64 bits, a collision among a million cases has odds of 3e-8."""


# json.dumps with options builds an encoder for each call, which costs as much as a short row.
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
)


def canonical(value: Any) -> str:
    """Return *value* as JSON with sorted keys, no spaces and ASCII escapes.

    ASCII keeps lone surrogates representable. Numbers keep Python's shortest repr.
    Raises `ValueError` for NaN and infinities, `TypeError` for what is not JSON.
    """
    return _ENCODER.encode(value)


def digest(value: Any) -> str:
    """Return the digest of a JSON value: `LENGTH` hex digits."""
    return digest_text(canonical(value))


def digest_text(text: str) -> str:
    """Return the digest of a text; lone surrogates are hashed as themselves."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def digest_pair(one: Any, other: Any) -> str:
    """Return a digest of two JSON values, of which `halves` tell which of the two differs."""
    return digest(one)[: LENGTH // 2] + digest(other)[: LENGTH // 2]


def halves(pair: str) -> tuple[str, str]:
    """Return the parts of a `digest_pair`."""
    return pair[: LENGTH // 2], pair[LENGTH // 2 :]


def digest_of_set(digests: Iterable[str]) -> str:
    """Return a digest that does not depend on the order of *digests*."""
    return digest_text("\n".join(sorted(digests)))
