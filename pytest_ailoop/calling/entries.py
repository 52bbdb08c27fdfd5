"""What stands in a row of the cache: the text as bytes, packed where it is long, and its checksum.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

__all__ = ["entry_of", "is_entry", "text_in"]

# Packing costs more than the call's whole way through the cache; short texts are not worth it.
_LONG = 1024
_PLAIN = b"\0"  # No zlib stream begins like this.


def entry_of(name: str, text: str) -> tuple[bytes, bytes]:
    """Return the entry that holds *text* under *name*, and its checksum."""
    raw = text.encode("utf-8", "surrogatepass")
    entry = _PLAIN + raw if len(raw) < _LONG else zlib.compress(raw, 1)
    return entry, _checksum(name, entry)


def is_entry(name: str, entry: Any, checksum: Any) -> bool:
    """Return whether *entry* is what was written under *name*, bit by bit."""
    return isinstance(entry, bytes) and _checksum(name, entry) == checksum


def text_in(name: str, entry: Any, checksum: Any) -> str | None:
    """Return the text of an entry; None where it is damaged."""
    if not is_entry(name, entry, checksum):
        return None
    try:
        raw = entry[1:] if entry[:1] == _PLAIN else zlib.decompress(entry)
        return str(raw, "utf-8", "surrogatepass")
    except (ValueError, zlib.error):
        return None


def _checksum(name: str, entry: bytes) -> bytes:
    return hashlib.sha256(b"%b\0%b" % (name.encode("utf-8", "replace"), entry)).digest()[:16]
