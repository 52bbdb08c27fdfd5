"""The words of a replay miss: what was asked, what is nearest, and the command that records it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json

from pytest_ailoop import redaction
from pytest_ailoop.calling.identity import Request
from pytest_ailoop.calling.nearest import difference
from pytest_ailoop.calling.stored import StoredReply
from pytest_ailoop.text import one_line

__all__ = ["miss_message"]


def miss_message(
    request: Request,
    *,
    trial: int,
    occurrence: int,
    file: str,
    nodeid: str,
    nearest: StoredReply | None,
    recorded: int,
    cached: bool,
) -> str:
    """Return the message; *recorded* is how many replies *file* holds, *cached* whether the local
    cache has this one."""
    rows = [
        f"replay: no recording of {_asked(request, trial, occurrence)}",
        f"  in {file}{_size(recorded)}",
    ]
    if nearest is not None:
        rows.append(f"  nearest recorded request: {_nearest(request, trial, occurrence, nearest)}")
    if cached:
        rows.append("  the local cache has this reply, but replay reads committed recordings only")
    rows.append(
        f"  to record it: pytest {json.dumps(nodeid, ensure_ascii=False)} --ailoop-replies=record"
    )
    return redaction.redact("\n".join(rows))


def _asked(request: Request, trial: int, occurrence: int) -> str:
    about = [f"model {one_line(request.model, 60)!r}"] if request.model else []
    about.append(f"trial {trial}")
    if occurrence:
        about.append(f"asked for the {_ordinal(occurrence + 1)} time in this item")
    return f"{request.method} {one_line(request.path, 120)} ({', '.join(about)})"


def _size(recorded: int) -> str:
    return f" ({recorded} recorded)" if recorded else " (nothing is recorded there)"


def _nearest(request: Request, trial: int, occurrence: int, nearest: StoredReply) -> str:
    words = difference(nearest.request, request.body)
    if words:
        return words
    if nearest.trial != trial:
        return f"the same words, recorded for trial {nearest.trial}, asked for trial {trial}"
    if nearest.occurrence != occurrence:
        return "the same words, recorded fewer times in one item"
    return "the same words, recorded for another method or model alias"


def _ordinal(number: int) -> str:
    last = number % 100 if number % 100 < 20 else number % 10
    return str(number) + {1: "st", 2: "nd", 3: "rd"}.get(last, "th")
