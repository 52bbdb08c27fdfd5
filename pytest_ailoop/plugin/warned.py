"""Warnings of finished items: kept as data in the journal, and shown again with kept items.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import builtins
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

__all__ = ["MOST", "Warned", "restored", "show_again"]

#: Warnings that are kept of one item.
MOST = 20
_LONGEST = 2000


class Warned:
    """Knows which item a warning is of: pytest tells of it after the item's last report."""

    def __init__(self, root: Path) -> None:
        self._root = root
        #: By worker, the item that ended last: node id, key, warnings so far.
        self._last: dict[str, tuple[str, str, list[None]]] = {}

    def ended(self, report: Any, key: str | None) -> None:
        """Note an item's last *report*; *key* None where its warnings are not to be kept."""
        worker = getattr(getattr(getattr(report, "node", None), "gateway", None), "id", "")
        self._last.pop(worker, None)
        if key is not None:
            self._last[worker] = report.nodeid, key, []

    def key_of(self, nodeid: str) -> str | None:
        """Return the key of an item that ended just now; None for any other."""
        return next((key for name, key, _ in self._last.values() if name == nodeid), None)

    def told(self, nodeid: str, warning: Any) -> dict[str, Any] | None:
        """Return what is kept of an item's next warning: category, text, file and line.

        None where it has more than enough.
        """
        so_far = next(each for name, _, each in self._last.values() if name == nodeid)
        so_far.append(None)
        if len(so_far) > MOST + 1:
            return None
        found = {
            "category": warning.category.__name__,
            "message": str(warning.message)[:_LONGEST],
            "file": _relative(str(warning.filename), self._root),
            "line": int(warning.lineno),
        }
        if len(so_far) <= MOST:
            return found
        said = f"further warnings of this item are not kept, only the first {MOST}"
        return {**found, "category": "UserWarning", "message": said}


def _relative(file: str, root: Path) -> str:
    try:
        return Path(os.path.relpath(file, root)).as_posix()
    except ValueError:  # another drive
        return file


def show_again(config: pytest.Config, nodeid: str, found: Iterable[dict[str, Any]]) -> None:
    """Show what a kept item warned of when it ran, as pytest shows it."""
    if not config.pluginmanager.hasplugin("warnings"):
        return
    for data in found:
        told = {"warning_message": restored(data, config.rootpath), "when": "runtest"}
        told |= {"nodeid": nodeid, "location": None}
        config.hook.pytest_warning_recorded.call_historic(kwargs=told)


def restored(data: dict[str, Any], root: Path) -> warnings.WarningMessage:
    """Return the warning again, as pytest's hook takes it.

    A category that is neither Python's nor pytest's is looked up nowhere: it is a new class of
    that name.
    """
    category = _category(str(data.get("category")))
    line = data.get("line")
    return warnings.WarningMessage(
        message=category(str(data.get("message"))),
        category=category,
        filename=os.path.normpath(root / str(data.get("file"))),
        lineno=line if isinstance(line, int) else 0,
    )


def _category(name: str) -> type[Warning]:
    for known in (builtins, pytest):
        found = getattr(known, name, None)
        if isinstance(found, type) and issubclass(found, Warning):
            return found
    return type(name, (UserWarning,), {}) if name.isidentifier() else UserWarning
