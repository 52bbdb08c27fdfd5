"""Which journals of interrupted runs still hold: found once, on the controlling process.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import errors, text
from pytest_ailoop.plugin import options
from pytest_ailoop.plugin.identity import conditions
from pytest_ailoop.report import journal, runs
from pytest_ailoop.report.project import changed

if TYPE_CHECKING:
    from pytest_ailoop.report.journal import Journal

__all__ = ["announced", "prepared", "release", "tell_worker", "told"]


@dataclass
class Prepared:
    """What an interrupted run left that still holds."""

    #: Newest first.
    journals: list[Journal] = field(default_factory=list)
    #: Goes on with the newest of them.
    writer: journal.Writer | None = None
    #: Why there is none, in words.
    why: str = ""


_PREPARED = pytest.StashKey[Prepared]()
_INPUT = "ailoop_journals"


def prepared(config: pytest.Config) -> Prepared:
    """Return the journals that hold, looked for once; on an xdist worker the controller's."""
    if _PREPARED not in config.stash:
        names = getattr(config, "workerinput", {}).get(_INPUT)
        config.stash[_PREPARED] = _prepared(config) if names is None else _told(config, names)
    return config.stash[_PREPARED]


def tell_worker(node: Any) -> None:
    """Let an xdist worker know which journals hold."""
    found = prepared(node.config).journals
    node.workerinput[_INPUT] = [one.path.name for one in found]


def _told(config: pytest.Config, names: list[str]) -> Prepared:
    found = Prepared()
    for name in names:
        # The controller read it a moment ago; without it, items run.
        with contextlib.suppress(errors.RunError):
            found.journals.append(journal.read(journal.folder_of(config.rootpath) / name))
    return found


def release(config: pytest.Config) -> None:
    """Let go of a journal that no eval was there to go on with."""
    found = config.stash.get(_PREPARED, None)
    if found is not None and found.writer is not None:
        found.writer.close()


def _prepared(config: pytest.Config) -> Prepared:
    mode = options.replies(config)
    if mode in ("live", "record"):
        return Prepared(why=f"nothing kept: --ailoop-replies={mode} asks for fresh answers")
    found, reasons = Prepared(), []
    for name in journal.names(config.rootpath):
        try:
            one = journal.read(journal.folder_of(config.rootpath) / name)
        except errors.RunError as error:
            reasons.append(f"nothing kept: {error}")
            continue
        if not one.items:
            continue
        why = _why_not(config, one)
        # A plan only looks.
        if why is None and found.writer is None and not options.runs_nothing(config):
            found.writer = journal.Writer.again(one)
            why = None if found.writer is not None else f"the run of {_when(one)} still goes on"
        if why is None:
            found.journals.append(one)
        else:
            reasons.append(f"nothing kept: {why}")
    if not found.journals:
        ended = "the last run ended complete" if runs.names(config.rootpath) else "no run yet"
        found.why = reasons[0] if reasons else f"nothing to resume: {ended}"
    return found


def _why_not(config: pytest.Config, one: Journal) -> str | None:
    """Return why nothing of a journal can be kept, in words; None where all still holds."""
    then, now = one.head.get("conditions", {}), conditions(config)
    differing = [name for name in now if then.get(name) != now[name]]
    what = f"{differing[0]} changed" if differing else None
    what = what or changed(config.rootpath, one.facts, one.covered, config.stash[options.LOADED])
    return None if what is None else f"{what} since the run of {_when(one)}"


def _when(one: Journal) -> str:
    try:
        moment = datetime.datetime.fromisoformat(one.head["started"]).astimezone()
    except (KeyError, TypeError, ValueError):
        return one.name
    today = datetime.datetime.now().astimezone().date()
    return f"{moment:%H:%M}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M}"


def told(one: Journal) -> str:
    """Return when a run began and how it ended: `14:05 (interrupted)`."""
    return f"{_when(one)} ({text.one_line(one.end or 'broken off', 100)})"


def announced(config: pytest.Config) -> Iterator[str]:
    """Yield what interrupted runs left, before anything is run."""
    found = prepared(config)
    for one in found.journals:
        items = text.plural(len(one.items), "finished item")
        yield f"ailoop: resume: {items} in the run of {told(one)}"
    if found.why:
        yield f"ailoop: resume: {text.one_line(found.why, 300)}"
