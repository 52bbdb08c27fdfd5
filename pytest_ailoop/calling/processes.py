"""Whether another process, known by a line of text and its beats, is there still.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

__all__ = ["Others", "me"]

#: Seconds without a beat after which a process counts as gone.
GONE = 5.0
#: The same where the system says that it is there: it may be held up, or be another by its number.
GONE_THOUGH_THERE = 15.0
#: Seconds for which the system's word is taken.
FRESH = 0.1


def me() -> str:
    """Return the words that name this process: machine, number, and a part that is never reused."""
    return _name(os.getpid())


@functools.lru_cache(maxsize=1)
def _name(process: int) -> str:
    return f"{_machine()} {process} {uuid.uuid4().hex[:12]}"


@functools.cache
def _machine() -> str:
    """Name the space that process numbers are of: a container has its own."""
    space = ""
    with contextlib.suppress(OSError):
        space = f"-{os.stat('/proc/self/ns/pid').st_ino}"
    return f"{platform.node().replace(' ', '_')}{space}"


class Others:
    """Watches the beats of other processes.

    A beat is a number that its process counts up. Whether it moves is seen by our own clock, so no
    clock need agree with another.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}
        self._asked: dict[str, tuple[bool | None, float]] = {}

    def is_gone(self, name: str, beat: int) -> bool:
        """Return whether the process *name*, last heard with *beat*, will do nothing more."""
        now = self._clock()
        before = self._seen.get(name)
        if before is None or beat > before[0]:
            before = self._seen[name] = (beat, now)
        there = self._is_there(name, now)
        if there is False:
            return True
        return now - before[1] >= (GONE if there is None else GONE_THOUGH_THERE)

    def _is_there(self, name: str, now: float) -> bool | None:
        asked = self._asked.get(name)
        if asked is None or now - asked[1] >= FRESH:
            asked = self._asked[name] = (_is_there(name), now)
        return asked[0]


def _is_there(name: str) -> bool | None:
    """Return whether the system knows that process; None where it cannot be asked."""
    machine, _, rest = name.partition(" ")
    number = rest.partition(" ")[0]
    # On Windows, os.kill ends the process that it asks about.
    if machine != _machine() or not number.isdecimal() or sys.platform == "win32":
        return None
    if int(number) == os.getpid():
        return name == me()
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # Somebody else's.
    return not _is_dead_still_listed(number)


def _is_dead_still_listed(number: str) -> bool:
    """Return whether the process ended and its parent has not asked how."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{number}/stat").read_bytes().rpartition(b")")[2].split()[:1] == [b"Z"]
    return False
