"""`ailoop record`: the replies of a kept run become recordings; no model is asked again.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.calling.store import Store
from pytest_ailoop.cli.console import project, show_lines
from pytest_ailoop.cli.stored import stored_run
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.report.terminal import Line
from pytest_ailoop.settings import Settings, read_config

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("record", help="keep a run's replies in files for git")
    parser.add_argument("run", nargs="?", metavar="RUN", help="its id, or the end of it")
    parser.set_defaults(run_command=record)


def record(options: argparse.Namespace) -> int:
    """Write the recordings; return 1 where a reply is not in the local cache any more."""
    root = project()
    stored = stored_run(root, options.run)
    with closing(Store(Settings(root=root, config=read_config(root)))) as store:
        written = store.write_recordings(map(_unrecorded, stored.records), complete=False)
        show_lines(_lines(stored.run.id, root, written, store.warnings))
        return 1 if store.warnings else 0


def _unrecorded(item: ItemRecord) -> ItemRecord:
    """Return *item* with the calls alone whose replies are not in a recording yet."""
    return replace(item, calls=tuple(one for one in item.calls if one.origin != "recording"))


def _lines(run: str, root: Path, written: list[Path], warnings: list[str]) -> Iterator[Line]:
    yield f"run {run}", {"bold": True}
    for path in written:
        yield f"  recorded: {path.relative_to(root).as_posix()}", {"green": True}
    if not written and not warnings:
        yield "  nothing new: its replies are recorded already", {}
    for one in warnings:
        yield (
            f"  {text.one_line(one, 400)}; pytest --ailoop-replies=record asks again",
            {"red": True},
        )
