"""What the commands share: where the project is, how lines are shown. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.errors import RunError
from pytest_ailoop.redaction import redact_shown as redact
from pytest_ailoop.report.runs import FOLDER
from pytest_ailoop.report.terminal import Line

__all__ = ["is_utf8", "project", "show_lines", "version_words", "width"]

_CODES = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "light": "2"}


def version_words() -> str:
    """Return `pytest-ailoop 0.1.0`."""
    try:
        return f"pytest-ailoop {version('pytest-ailoop')}"
    except PackageNotFoundError:
        return "pytest-ailoop (not installed)"


def project() -> Path:
    """Return the nearest folder, from here upwards, that keeps runs.

    Raises `RunError` where there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FOLDER / "runs").is_dir():
            return folder
    raise RunError(
        f"no {FOLDER}/runs here or above: run pytest with evals first (or: ailoop init), or go to "
        "pytest's root folder"
    )


def width() -> int:
    """Return the terminal's width; 80 where there is none."""
    return max(40, shutil.get_terminal_size((80, 24)).columns)


def is_utf8() -> bool:
    """Return whether standard output takes all characters."""
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf8sig")


def show_lines(lines: Iterable[Line]) -> None:
    """Print lines, in colour only on a terminal and without `NO_COLOR`.

    Whatever the lines hold, control characters are escaped and known secrets masked.
    """
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for line, markup in lines:
        shown = text.safe(redact(line))
        if not is_utf8():
            shown = shown.encode("ascii", "backslashreplace").decode("ascii")
        print(_coloured(shown, markup) if colours else shown)


def _coloured(line: str, markup: dict[str, Any]) -> str:
    codes = ";".join(_CODES[name] for name in markup if name in _CODES)
    return f"\x1b[{codes}m{line}\x1b[0m" if codes else line
