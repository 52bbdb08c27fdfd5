"""This process's share of what all processes of a session may have in flight together.

Where there are fewer slots than processes, each slot is a locked file: the kernel gives it back
when its holder dies. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

__all__ = ["Slots", "share_of"]


def share_of(most: int, worker: int, workers: int) -> int:
    """Return how many of *most* are *worker*'s; the shares of all *workers* add up to *most*."""
    return most // workers + (worker < most % workers)


class Slots:
    """The places for calls in flight; not safe for several threads by itself."""

    def __init__(self, most: int, *, worker: int, workers: int, folder: Path) -> None:
        self._is_shared = workers > most
        #: Calls that this process may have in flight at once; at least 1.
        self.most = most if self._is_shared else share_of(most, worker, workers)
        self.in_use = 0
        self._folder = folder
        self._files: dict[int, int] = {}

    @property
    def polls(self) -> bool:
        """Whether a slot may come free without this process being told."""
        return self._is_shared

    @property
    def is_full(self) -> bool:
        """Whether this process has all that it may have."""
        return self.in_use >= self.most

    def take(self, *, over: bool = False) -> bool:
        """Take a slot and return whether there was one; *over* takes one that there is not."""
        if not over and (self.is_full or (self._is_shared and not self._lock())):
            return False
        self.in_use += 1
        return True

    def give(self) -> None:
        """Give one slot back."""
        self.in_use -= 1
        while len(self._files) > self.in_use:
            _, descriptor = self._files.popitem()
            os.close(descriptor)

    def close(self) -> None:
        """Give back what is locked."""
        while self._files:
            os.close(self._files.popitem()[1])

    def _lock(self) -> bool:
        for number in range(self.most):
            if number not in self._files:
                descriptor = self._locked(number)
                if descriptor is not None:
                    self._files[number] = descriptor
                    return True
        return False

    def _locked(self, number: int) -> int | None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(
                self._folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError:  # A read-only place: better one too many than none.
            return os.open(os.devnull, os.O_RDONLY) if not self._files else None
        if _lock_file(descriptor):
            return descriptor
        os.close(descriptor)
        return None


def _lock_file(descriptor: int) -> bool:
    module: Any
    try:
        import fcntl as module
    except ImportError:
        import msvcrt as module

        with contextlib.suppress(OSError):
            module.locking(descriptor, module.LK_NBLCK, 1)
            return True
        return False
    with contextlib.suppress(OSError):
        module.flock(descriptor, module.LOCK_EX | module.LOCK_NB)
        return True
    return False
