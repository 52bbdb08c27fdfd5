"""The project's files as facts: which code was loaded, what else was there, what has changed since.

A fact is a file, relative to the root folder, and what it was like: a digest for loaded code, size
and time of change for all else. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import sysconfig
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from pytest_ailoop.digest import LENGTH
from pytest_ailoop.report.lineage import listed
from pytest_ailoop.text import plural

__all__ = ["UNSURE", "Watch", "changed"]

UNSURE = "!"
"""The fact of a file that changed while the run went on: which content counted is unknown."""

_SKIPPED = ("__pycache__", "__snapshots__", "node_modules")
#: Written by tools while tests run; nobody measures by them.
_OUTPUT = (".db", ".log", ".pyc", ".pyo", ".sqlite", ".sqlite3", ".swp", ".tmp", "~")
#: Their ailoop tables are compared model by model, their pytest options one by one.
_OWN = ("ailoop.toml", "pyproject.toml")
_MOST = 20_000
_LONGEST = 4_000_000


class Watch:
    """Gives the facts that a run rests on, each once.

    *since* is the time in nanoseconds since 1970 at which the process began: what was changed
    later may have been loaded before.
    """

    def __init__(self, root: Path, since: int) -> None:
        self._root, self._since = root, since
        self._modules: tuple[int, str] = (0, "")
        self._seen: set[str] = set()
        self._new = {**self._data(), **self._code()}

    def fresh(self) -> dict[str, str]:
        """Return the facts that are new since the last call: at first all, then loaded code."""
        found, self._new = self._new, {}
        # Modules are added at the end: nothing new is known without a walk through all of them.
        now = (len(sys.modules), next(reversed(sys.modules)))
        if now != self._modules:
            self._modules = now
            found.update(self._code())
        return found

    def _data(self) -> dict[str, str]:
        found = {}
        for name in _data_files(self._root):
            fact = _stated(self._root / name, self._since)
            if fact is not None:
                found[name] = fact
        return found

    def _code(self) -> dict[str, str]:
        found = {}
        for name, module in list(sys.modules.items()):
            # The program that was started is pytest, or a worker's.
            if name not in self._seen and name != "__main__":
                self._seen.add(name)
                path = getattr(module, "__file__", None)
                if isinstance(path, str) and _is_project(path):
                    fact = _digested(Path(path), self._since)
                    found[_relative(path, self._root)] = fact or UNSURE
        return found


def changed(
    root: Path, facts: Mapping[str, str], covered: Collection[str] = (), since: int | None = None
) -> str | None:
    """Return what is not as *facts* have it, in words; None where all is that matters.

    What was written after *since*, when this process began, may be other than what it loaded.
    *covered* are files and folders that are compared in a finer way than as a whole. A file that
    is no code counts where code or data of the project names it.
    """
    found = list(_changes(root, facts, covered, since))
    if not found:
        return None
    # Code first: who changed it knows why.
    found.sort(key=lambda one: (not one.partition(" ")[0].endswith(".py"), one))
    return found[0] if len(found) == 1 else f"{found[0]}, and {plural(len(found) - 1, 'more file')}"


def _changes(
    root: Path, facts: Mapping[str, str], covered: Collection[str], since: int | None
) -> Iterator[str]:
    found: dict[str, str] = {}
    for name, fact in facts.items():
        if not _is_covered(name, covered):
            now = (_stated if ":" in fact else _digested)(root / name, since)
            if fact == UNSURE:
                found[name] = "changed under way"
            elif now != fact:
                found[name] = "is gone" if now is None else "changed"
    for name in _data_files(root):
        if name not in facts and not _is_covered(name, covered):
            found[name] = "is new"
    known = [name for name in (*facts, *covered) if name not in found]
    for name in _named(root, found, known):
        yield f"{name} {found[name]}"


def _named(root: Path, names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return those of *names* that code or data of the project names, or that need no naming.

    A shell's output or another tool's report beside the tests is no reason to run them again.
    """
    doubtful = {name: _mention(name) for name in names if not _always_counts(name)}
    if doubtful:
        for one in known:
            text = _text(root / one) if one.endswith(_NAMING) else ""
            doubtful = {name: sign for name, sign in doubtful.items() if not sign.search(text)}
    return [name for name in names if name not in doubtful]


def _always_counts(name: str) -> bool:
    last = name.rpartition("/")[2]
    return last.endswith(".py") or last.startswith(".env") or last in _CONFIGURATION


_CONFIGURATION = ("pytest.ini", "pytest.toml", "setup.cfg", "tox.ini")
_NAMING = (".py", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".csv", ".txt")


def _mention(name: str) -> re.Pattern[str]:
    """Return what finds the file's name, a folder's of it, or its kind (`*.txt`, `{name}.txt`)."""
    *folders, last = name.split("/")
    words = "|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in (*folders, last))
    kind = Path(last).suffix
    return re.compile(rf"{words}|(?<![\w.]){re.escape(kind)}(?!\w)" if kind else words)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LONGEST:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _is_covered(name: str, covered: Collection[str]) -> bool:
    return name in covered or any(name.startswith(f"{one}/") for one in covered)


def _data_files(root: Path) -> Iterator[str]:
    """Yield what the tests or the application may read: files that git would not ignore.

    Without git all files below the root folder, but for tools' own. Code counts once it is
    loaded, a conftest also where it is new.
    """
    # An ignored .env decides which model is asked more often than not.
    hidden = [one.name for one in root.glob(".env*") if one.is_file()]
    for name in (*(listed(root) or _walked(root)), *hidden):
        *folders, last = name.split("/")
        code = last.endswith((".py", ".pyi")) and last != "conftest.py"
        apart = any(part.startswith(".") or part in _SKIPPED for part in folders)
        if code or apart or last in _OWN or last.endswith(_OUTPUT):
            continue
        if not last.startswith(".") or last.startswith(".env"):
            yield name


def _walked(root: Path) -> list[str]:
    found: list[str] = []
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = [one for one in folders if not _is_apart(here / one)]
        found.extend((here / one).relative_to(root).as_posix() for one in files)
        if len(found) > _MOST:
            break
    return sorted(found)


def _is_apart(folder: Path) -> bool:
    name = folder.name
    return name.startswith(".") or name in _SKIPPED or (folder / "pyvenv.cfg").exists()


def _is_project(path: str) -> bool:
    return not path.startswith(_LIBRARIES) and _INSTALLED.isdisjoint(Path(path).parts)


# Their versions are compared instead.
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_PATHS = sysconfig.get_paths()
_LIBRARIES = (
    f"{Path(__file__).parents[1]}{os.sep}",
    *(f"{_PATHS[one]}{os.sep}" for one in ("stdlib", "platstdlib", "purelib", "platlib")),
)


def _relative(path: str, root: Path) -> str:
    try:
        return Path(os.path.relpath(path, root)).as_posix()
    except ValueError:  # another drive
        return Path(path).as_posix()


def _stated(path: Path, since: int | None = None) -> str | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    if since is not None and _touched(found) > since:
        return UNSURE
    return f"{found.st_size}:{found.st_mtime_ns}"


def _digested(path: Path, since: int | None = None) -> str | None:
    try:
        with path.open("rb") as stream:
            found = hashlib.sha256(stream.read()).hexdigest()[:LENGTH]
            state = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    return UNSURE if since is not None and _touched(state) > since else found


def _touched(state: os.stat_result) -> int:
    # The time of change cannot be set back by tools that keep the time of writing.
    return max(state.st_mtime_ns, state.st_ctime_ns)
