"""`ailoop cache`: what the local cache of replies holds, and how it is made smaller.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.calling.upkeep import Entry, OfModel, Upkeep
from pytest_ailoop.cli.console import show_lines, width
from pytest_ailoop.errors import RunError
from pytest_ailoop.report import journal, runs
from pytest_ailoop.report.numbers import count
from pytest_ailoop.report.runs import FOLDER
from pytest_ailoop.report.table import table
from pytest_ailoop.report.terminal import Line

__all__ = ["add"]

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SIZES = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])")


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("cache", help="look at the local cache of replies, or clear it")
    parser.set_defaults(run_command=lambda _: _help(parser))
    actions = parser.add_subparsers(metavar="ACTION", title="actions")
    ls = actions.add_parser("ls", help="how much there is of each model, and how old")
    ls.set_defaults(run_command=_ls)
    _add_prune(actions)
    clear = actions.add_parser("clear", help="delete all of it")
    clear.add_argument("--yes", action="store_true", help="do not ask on a terminal")
    clear.set_defaults(run_command=_clear)


def _add_prune(actions: Any) -> None:
    prune = actions.add_parser(
        "prune",
        help="delete the replies that are old, unused or too many",
        description="Delete replies. --older-than and --unused together: what is both. "
        "--max-size then deletes the oldest of what is left.",
    )
    prune.add_argument("--older-than", metavar="AGE", type=_age, help="as 12h, 30d or 8w")
    prune.add_argument(
        "--unused", action="store_true", help="what no kept or interrupted run made use of"
    )
    prune.add_argument("--max-size", metavar="SIZE", type=_bytes, help="as 500kB, 100MB or 2GB")
    prune.add_argument("--dry-run", action="store_true", help="say what would go, delete nothing")
    prune.set_defaults(run_command=_prune)


def _help(parser: argparse.ArgumentParser) -> int:
    parser.print_help()
    return 2


def _age(words: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", words.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"expected an age like 12h, 30d or 8w, got {words!r}")
    return float(found.group(1)) * _UNITS[found.group(2)]


def _bytes(words: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?i?)b?", words.strip().lower())
    if found is None or found.group(2) not in _SIZES:
        raise argparse.ArgumentTypeError(f"expected a size like 500kB or 100MB, got {words!r}")
    return float(found.group(1)) * _SIZES[found.group(2)]


def _root() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FOLDER).is_dir():
            return folder
    raise RunError(f"no {FOLDER} here or above: run pytest with evals, or go to its root folder")


def _ls(_: argparse.Namespace) -> int:
    root = _root()
    with closing(Upkeep(root / FOLDER)) as upkeep:
        show_lines(_ls_lines(root, upkeep))
        return _told(upkeep)


def _ls_lines(root: Path, upkeep: Upkeep) -> Iterator[Line]:
    models = upkeep.by_model()
    entries = upkeep.entries()
    if not upkeep.is_there:
        yield "nothing is cached yet", {}
        return
    size = f"{upkeep.path.relative_to(root).as_posix()}: {_size(upkeep.size)}"
    yield f"{size}, {_counted(entries)}", {"bold": True}
    if models:
        head = ("model", "replies", "tokens in", "tokens out", "oldest", "newest")
        for line in table(head, [_cells(one) for one in models], width=width()):
            yield line, {}
    if upkeep.damaged:
        yield f"damaged: {_many(upkeep.damaged, 'reply')}; each is asked again when needed", {}
    for path in upkeep.set_aside:
        yield f"set aside as damaged: {path.name}, {_size(path.stat().st_size)}", {}


def _cells(one: OfModel) -> tuple[str, ...]:
    name = "(other services)" if one.model is None else text.one_line(one.model, 60)
    more = ">=" if one.uncounted else ""
    tokens = [f"{more}{count(number)}" for number in (one.input_tokens, one.output_tokens)]
    return name, str(one.replies), *tokens, _day(one.oldest), _day(one.newest)


def _prune(options: argparse.Namespace) -> int:
    if options.older_than is None and options.max_size is None and not options.unused:
        raise RunError("say what to delete: --older-than 30d, --unused or --max-size 100MB")
    root = _root()
    with closing(Upkeep(root / FOLDER)) as upkeep:
        before = upkeep.size
        entries = upkeep.entries()
        gone = _chosen(root, entries, options)
        if options.max_size is not None:
            left = [one for one in entries if one not in gone]
            gone |= _too_many(left, options.max_size)
        if gone and not options.dry_run:
            upkeep.delete(gone)
            if options.max_size is not None:
                gone |= _shrunk(upkeep, options.max_size, before)
        if not upkeep.warnings:
            now = "" if options.dry_run else f"; {_size(before)} -> {_size(upkeep.size)}"
            verb = "would delete" if options.dry_run else "deleted"
            show_lines([(f"{verb} {_counted(gone)}{now}", {})])
        return _told(upkeep)


def _chosen(root: Path, entries: list[Entry], options: argparse.Namespace) -> set[Entry]:
    """Return what is too old, of that what is not used, as far as that was asked for.

    Texts of outputs are no replies: accepted ones are shown beside new ones, for years maybe.
    """
    if options.older_than is None and not options.unused:
        return set()
    moment = float("inf") if options.older_than is None else time.time() - options.older_than
    old = {one for one in entries if one.created < moment}
    if not options.unused:
        return old
    used = _used(root)
    return {one for one in old if one.table == "replies" and one.name not in used}


def _too_many(entries: list[Entry], size: float) -> set[Entry]:
    """Return the oldest of *entries* that do not fit into *size* bytes with the others."""
    gone = set()
    over = sum(one.size for one in entries) - size
    for one in entries:
        if over <= 0:
            break
        gone.add(one)
        over -= one.size
    return gone


def _shrunk(upkeep: Upkeep, size: float, before: int) -> set[Entry]:
    """Delete more until the file is small enough: how full its pages are is seen only then."""
    gone: set[Entry] = set()
    while size < upkeep.size < before and (left := upkeep.entries()):
        before = upkeep.size
        more = _too_many(left, sum(one.size for one in left) - (before - size))
        if not upkeep.delete(more):
            break
        gone |= more
    return gone


def _used(root: Path) -> Collection[str]:
    """Return what kept runs, and journals of interrupted ones, name as the address of a reply.

    Their texts are searched, so that a damaged or newer one counts too.
    """
    files = [runs.runs_folder(root) / one / "results.jsonl" for one in runs.names(root)]
    files += [journal.folder_of(root) / one for one in journal.names(root)]
    found: set[str] = set()
    for path in files:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                found.update(_DIGEST.findall(line))
    return found


def _clear(options: argparse.Namespace) -> int:
    root = _root()
    with closing(Upkeep(root / FOLDER)) as upkeep:
        if not upkeep.is_there and not upkeep.set_aside:
            show_lines([("nothing is cached yet", {})])
            return 0
        size = upkeep.size + sum(one.stat().st_size for one in upkeep.set_aside)
        kept = f"{_counted(upkeep.entries())}, {_size(size)}"
        if not options.yes and sys.stdin.isatty() and not _agreed(kept):
            show_lines([("nothing was deleted", {})])
            return 1
        if upkeep.clear():
            show_lines([(f"deleted {kept}", {})])
        return _told(upkeep)


def _counted(entries: Collection[Entry]) -> str:
    replies = sum(one.table == "replies" for one in entries)
    return f"{_many(replies, 'reply')} and {text.plural(len(entries) - replies, 'output text')}"


def _agreed(kept: str) -> bool:
    try:
        return input(f"delete {kept}, which later runs would pay for again? [y/N] ") in ("y", "Y")
    except EOFError:
        return False


def _told(upkeep: Upkeep) -> int:
    show_lines((text.one_line(one, 400), {"red": True}) for one in upkeep.warnings)
    return 1 if upkeep.warnings else 0


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun.removesuffix('y')}ies"


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB"):
        if number < 999.5:
            return (
                f"{number:.0f} {unit}" if number >= 9.95 or unit == "B" else f"{number:.1f} {unit}"
            )
        number /= 1000
    return f"{number:.1f} GB"


def _day(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment).date().isoformat()
    except (OverflowError, OSError, ValueError):
        return "?"
