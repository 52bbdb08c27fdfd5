"""`ailoop pin`: the baselines as they are now become the anchor. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_ailoop.baseline.file import PINNED, SUFFIX, read
from pytest_ailoop.ci import in_ci
from pytest_ailoop.cli.console import project, show_lines
from pytest_ailoop.errors import UsageError
from pytest_ailoop.files import write_atomically
from pytest_ailoop.report.terminal import Line
from pytest_ailoop.text import plural

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "pin",
        help="keep the baselines as they are now as an anchor, which no_regression minds too",
        description="Copies each baseline, as it is now, beside itself. `no_regression` compares "
        "with the copy too, so that many small losses, each accepted, cannot add up unseen. Pin at "
        "a release; commit the files.",
    )
    parser.add_argument("folder", nargs="?", metavar="FOLDER", help="only baselines below it")
    parser.add_argument("--remove", action="store_true", help="take the anchors away")
    parser.add_argument("--force", action="store_true", help="also where CI is set")
    parser.set_defaults(run_command=pin)


def pin(options: argparse.Namespace) -> int:
    """Write or remove the anchors; raises `AiloopError` for a baseline that cannot be read."""
    if in_ci() and not options.force:
        raise UsageError("not pinned: CI is set, and CI never accepts by itself (--force does)")
    root = project()
    below = Path(options.folder).resolve() if options.folder else root
    if options.remove:
        anchors = sorted(_kept(below, pinned=True))
        for path in anchors:
            path.unlink()
        show_lines(_lines(f"removed {plural(len(anchors), 'anchor')}"))
        return 0
    done = [_pinned(path, root) for path in sorted(_kept(below, pinned=False))]
    same = len(done) - sum(done)
    show_lines(
        _lines(f"pinned {plural(sum(done), 'baseline')}{f', {same} as before' * bool(same)}")
    )
    return 0


def _lines(words: str) -> Iterator[Line]:
    yield words, {"green": True}


#: Folders that hold other people's files.
_FOREIGN = {"node_modules", "site-packages", "__pycache__", "venv"}


def _kept(below: Path, *, pinned: bool) -> Iterator[Path]:
    for folder, names, files in os.walk(below):
        names[:] = [one for one in names if not one.startswith(".") and one not in _FOREIGN]
        if os.path.basename(folder) == "__snapshots__":
            for name in files:
                if name.endswith(SUFFIX) and name.endswith(PINNED) == pinned:
                    yield Path(folder, name)


def _pinned(path: Path, root: Path) -> bool:
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    read(path, module="", shown=shown)  # A damaged one must not become the anchor.
    content = path.read_text(encoding="utf-8")
    anchor = path.with_name(path.name.removesuffix(SUFFIX) + PINNED)
    if anchor.is_file() and anchor.read_text(encoding="utf-8") == content:
        return False
    write_atomically(anchor, content)
    return True
