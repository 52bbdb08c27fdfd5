"""A run is kept at its end, or it is told why it could not be. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from pytest_ailoop.data.record import ItemRecord, RunRecord
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.report import runs

__all__ = ["Kept", "keep"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What came of keeping a run, in words where it went wrong."""

    folder: Path | None = None
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


#: A place that is not meant to be written to: there, a run is of no less worth without its files.
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


def keep(root: Path, run: RunRecord, records: Sequence[ItemRecord]) -> Kept:
    """Write the run's files; raises nothing of its own."""
    try:
        return Kept(folder=runs.write(root, run, records))
    except (OSError, ValueError, TypeError) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        told = (f"the run could not be kept under {runs.FOLDER}/runs: {words or error}",)
        if isinstance(error, OSError) and error.errno in _READ_ONLY:
            return Kept(warnings=told)
        return Kept(faults=told)
