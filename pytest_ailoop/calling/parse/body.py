"""Bytes of a reply to JSON: one value, or the events of a stream (server-sent events).

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_ailoop.calling.parse.shapes import Object, decoded

__all__ = ["events", "is_stream"]

_OPENINGS = (b"data:", b"event:", b"id:", b"retry:", b":")


def is_stream(body: bytes, content_type: str) -> bool:
    """Return whether *body* is a stream of events, also where the header does not say so."""
    opening = body[:64].lstrip()
    if "text/event-stream" in content_type.lower():
        return not opening.startswith(b"{")
    return opening.startswith(_OPENINGS)


def events(body: bytes) -> Iterator[Object]:
    """Yield each event's JSON object, in order; a cut or foreign one is left out."""
    data: list[bytes] = []
    for line in (*body.splitlines(), b""):
        if line.startswith(b"data:"):
            data.append(line[5:])
        elif not line and data:
            value = decoded(b"\n".join(data))
            data = []
            if isinstance(value, dict):
                yield value
