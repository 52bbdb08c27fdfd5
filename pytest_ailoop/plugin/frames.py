"""Which lines of a traceback are the user's. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

__all__ = ["innermost", "only_users", "short_causes"]

_PACKAGE = Path(__file__).parents[1]


def innermost(traceback: Sequence[Any], root: Path) -> str:
    """Return the innermost line of the user's own code as `file:line`; empty without one."""
    for entry in reversed(traceback):
        if _is_users(entry.path, root):
            return f"{Path(entry.path).name}:{entry.lineno + 1}"
    return ""


def only_users(found: pytest.ExceptionInfo[BaseException], root: Path) -> None:
    """Leave only the user's frames of *found*, where it has any; the exception itself stays whole.

    After a change of a prompt every item misses its recording, and a client's ten frames each cost
    more time and lines than the items themselves.
    """
    frames = []
    one: TracebackType | None = found.tb
    while one is not None:
        if _is_users(one.tb_frame.f_code.co_filename, root):
            frames.append(one)
        one = one.tb_next
    kept = None
    for one in reversed(frames):
        kept = TracebackType(kept, one.tb_frame, one.tb_lasti, one.tb_lineno)
    if kept is not None:
        found.traceback = type(found.traceback)(kept)


@contextmanager
def short_causes(error: BaseException, root: Path) -> Iterator[None]:
    """Within, the causes of *error* that came about in libraries alone are shown by their words.

    Of a server that is not there, each item would show some 150 lines of the client's own source.
    """
    taken: list[tuple[BaseException, TracebackType | None]] = []
    seen = {id(error)}
    cause = error.__cause__ or error.__context__
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if not any(_is_users(file, root) for file in _files(cause.__traceback__)):
            taken.append((cause, cause.__traceback__))
            cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__
    try:
        yield
    finally:
        for cause, found in taken:
            cause.__traceback__ = found


def _files(one: TracebackType | None) -> Iterator[str]:
    while one is not None:
        yield one.tb_frame.f_code.co_filename
        one = one.tb_next


def _is_users(file: str | Path, root: Path) -> bool:
    """Return whether *file* lies below *root* and is neither a library's nor ours."""
    path = Path(file)
    foreign = path.is_relative_to(_PACKAGE) or "site-packages" in path.parts
    return path.is_relative_to(root) and not foreign
