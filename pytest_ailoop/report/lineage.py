"""Where a run comes from: commit, changes, versions, models. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.digest import LENGTH
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.settings import Settings

__all__ = [
    "Standing",
    "accepted_at",
    "apart",
    "changed_since",
    "counted",
    "is_ours",
    "listed",
    "models_of",
    "name_and_version",
    "standing",
    "versions",
]

PACKAGES = ("pytest", "pytest-ailoop", "openai", "genai-prices", "pydantic", "syrupy")
PATIENCE = 5.0
"""Seconds that git may take; a slow or absent one costs the lineage, not the run."""

_READ = 1000
"""Untracked Python files that are read at most: more are no application, but an environment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where the code stood that a run measured."""

    commit: str | None = None
    """None outside a repository or without git."""
    dirty: str | None = None
    """Digest of the changes since; None for a clean tree. Changed files count with their content,
    untracked ones by name, or with their content too if they are Python: it may be what was
    measured, where a report or a log only differs from run to run."""
    files: int = 0
    """Files that were not committed as they were; baselines and recordings are none of them."""


def standing(root: Path) -> Standing:
    """Return the commit that *root* stands on, and what was changed since."""
    head = _git(root, "rev-parse", "--verify", "HEAD")
    commit = head.decode("ascii", "replace").strip() if head else None
    status = _git(root, "status", "--porcelain=v1", "-z")
    if not status:
        return Standing(commit=commit)
    changes = _git(root, "diff", "HEAD", "--no-ext-diff", "--no-textconv", "--binary") or b""
    found = hashlib.sha256(status + b"\0" + changes)
    if b"?? " in status:
        for name in _untracked(root)[:_READ]:
            with contextlib.suppress(OSError):
                found.update(name + b"\0" + hashlib.sha256(_content(root, name)).digest())
    dirty = found.hexdigest()[:LENGTH]
    return Standing(commit=commit, dirty=dirty, files=sum(map(_counts, _changed(status))))


def _untracked(root: Path) -> list[bytes]:
    """Return the Python files below *root* that git neither keeps nor ignores, sorted."""
    how = ("--others", "--exclude-standard", "-z", "--", "*.py")
    return sorted(filter(None, (_git(root, "ls-files", *how) or b"").split(b"\0")))


def _content(root: Path, name: bytes) -> bytes:
    return (root / os.fsdecode(name)).read_bytes()


def _changed(status: bytes) -> Iterator[str]:
    """Yield the files of a status; of a renamed one the new name, which comes first."""
    entries = iter(status.split(b"\0"))
    for one in entries:
        if one:
            yield os.fsdecode(one[3:])
        if one[:1] in (b"R", b"C"):
            next(entries, None)


def _counts(name: str) -> bool:
    return not is_ours(name)


def is_ours(name: str) -> bool:
    """Return whether runs write the file: what they leave behind is no cause."""
    return not {"__snapshots__", "__recordings__"}.isdisjoint(Path(name).parts)


def accepted_at(root: Path, baseline: Path) -> tuple[str | None, bool]:
    """Return the commit that last changed *baseline*, None where there is none or git cannot tell.

    And whether it cannot for the history was cut: the first commit of a shallow clone seems to
    have changed every file.
    """
    how = ("--decorate=full", "--format=%H%x00%D")
    found = _git(root, "log", "-1", *how, "--", os.fspath(baseline))
    commit, _, names = (found or b"").decode("ascii", "replace").strip().partition("\0")
    is_cut = "grafted" in names.split(", ")
    return (None if is_cut else commit or None), is_cut


def apart(root: Path, one: str, other: str) -> tuple[int, int] | None:
    """Return how many commits *one* and *other* have that the other has not."""
    found = _git(root, "rev-list", "--count", "--left-right", f"{one}...{other}")
    counts = (found or b"").split()
    return (int(counts[0]), int(counts[1])) if len(counts) == 2 else None


def changed_since(root: Path, commit: str, until: str | None = None) -> list[str] | None:
    """Return the files below *root* that git keeps and that differ from *commit*, sorted.

    As they are now, or as they are in the commit *until*. None where git cannot tell.
    """
    how = ("--no-ext-diff", "--no-renames", "--name-only", "--relative", "-z")
    found = _git(root, "diff", *how, commit, *([until] if until else []), "--", ".")
    if found is None:
        return None
    return sorted({os.fsdecode(one) for one in found.split(b"\0") if one})


def listed(root: Path) -> list[str]:
    """Return the files below *root* that git does not ignore, sorted; none without git."""
    found = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard") or b""
    names = {os.fsdecode(one) for one in found.split(b"\0") if one}
    return sorted(names)


def _git(root: Path, *arguments: str) -> bytes | None:
    # To start a process takes longer than to look.
    if "GIT_DIR" not in os.environ and not _in_repository(root):
        return None
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
            # Reading must not rewrite the index under the user's own git.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def _in_repository(root: Path) -> bool:
    root = root.absolute()
    return any((folder / ".git").exists() for folder in (root, *root.parents))


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a score may depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = name_and_version(distribution(name))[1]
        except PackageNotFoundError:
            continue
    return found


_HEADER = re.compile(r"^(Name|Version):[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)


def name_and_version(installed: Any) -> tuple[str, str]:
    """Return what an installed distribution calls itself.

    Its own properties read its whole description, as a mail, for each of them.
    """
    text = installed.read_text("METADATA") or installed.read_text("PKG-INFO") or ""
    found = dict(_HEADER.findall(text.partition("\n\n")[0]))
    return found.get("Name", ""), found.get("Version", "")


def counted(records: Iterable[ItemRecord], counts: Counter[str]) -> Iterator[ItemRecord]:
    """Yield *records*, each of which may be read from a disk, and count their outcomes."""
    for one in records:
        counts[str(one.outcome)] += 1
        yield one


def models_of(records: Iterable[ItemRecord]) -> dict[str, tuple[str, ...]]:
    """Return the models asked, each with those that answered."""
    found: dict[str, set[str]] = {}
    for record in records:
        for call in record.calls:
            if call.model_asked:
                answered = found.setdefault(call.model_asked, set())
                answered.update([call.model_answered] if call.model_answered else [])
    return {asked: tuple(sorted(found[asked])) for asked in sorted(found)}


def options_of(settings: Settings, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the options in force, and pytest's *arguments*, as a run keeps them."""
    return {
        "replies": settings.replies,
        "split": settings.split,
        "tags": list(settings.tags),
        "sample": settings.sample,
        "seed": settings.seed,
        "cases": list(settings.cases),
        "trials": settings.trials,
        "accept": list(settings.accept),
        "arguments": [_without_root(one, settings.root) for one in arguments],
    }


def _without_root(argument: str, root: Path) -> str:
    """No absolute path goes into a run file: it names the user and the machine."""
    shown = argument.replace(f"{root}{os.sep}", "").replace(str(root), ".")
    head, sign, tail = shown.rpartition("=")
    return f"{head}{sign}{os.path.basename(tail)}" if os.path.isabs(tail) else shown
