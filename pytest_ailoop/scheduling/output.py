"""What bodies print, log and warn, kept with their item until its turn. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from pytest_ailoop import recorder
from pytest_ailoop.recorder import Recorder

__all__ = ["LogPatch", "held", "released", "routed", "shown"]

_once = frozenset({"default", "once", "module"})


def held() -> list[Any] | None:
    """Return where the output of the running code is kept; None where it is shown at once."""
    notebook = recorder.own()
    return None if notebook is None else notebook.held


def released(notebook: Recorder) -> None:
    """Show what *notebook*'s item put out so far; from now on its output is shown at once."""
    kept, notebook.held = notebook.held or (), None
    for show in kept:
        show()


@contextlib.contextmanager
def routed() -> Iterator[None]:
    """Let output of bodies that run before their turn be kept while the code inside runs."""
    streams = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    ours = {name: _Stream(name, real) for name, real in streams.items()}
    show, route = warnings.showwarning, _route(warnings.showwarning)
    for name, stream in ours.items():
        setattr(sys, name, stream)
    warnings.showwarning = route
    try:
        yield
    finally:
        if warnings.showwarning is route:
            warnings.showwarning = show
        for name, stream in ours.items():
            if getattr(sys, name) is stream:
                setattr(sys, name, streams[name])


def shown(debugger: Any) -> None:
    """Let a debugger be seen at once that was started in a body before its turn."""
    stream = getattr(debugger, "stdout", None)
    if isinstance(stream, _Stream):
        debugger.stdout = stream._real


class _Stream(io.TextIOBase):
    """Stands in for `sys.stdout` or `sys.stderr` while bodies are driven."""

    def __init__(self, name: str, real: Any) -> None:
        self._name, self._real = name, real

    def __del__(self) -> None:
        """Do without closing, which flushes: nothing in here is its own."""

    def write(self, text: str, /) -> int:
        kept = held()
        if kept is None:
            return int(self._real.write(text) or 0)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        kept.append(functools.partial(_write, self._name, text))
        return len(text)

    def flush(self) -> None:
        if held() is None:
            self._real.flush()

    def isatty(self) -> bool:
        return bool(self._real.isatty())

    def fileno(self) -> int:
        return int(self._real.fileno())

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._real.encoding)

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        found: str | None = self._real.errors
        return found

    @property
    def buffer(self) -> Any:
        return _Bytes(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Bytes:
    """The stream's bytes: `sys.stdout.buffer`."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def write(self, data: Any) -> int:
        if held() is None:
            return int(self._stream._real.buffer.write(data) or 0)
        self._stream.write(bytes(data).decode(self._stream.encoding, "replace"))
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream._real.buffer, name)


def _write(name: str, text: str) -> None:
    stream: TextIO = getattr(sys, name)
    stream.write(text)


class LogPatch:
    """Keeps log records of bodies that run before their turn; all handlers see them in it."""

    def __init__(self) -> None:
        self._original = original = logging.Logger.callHandlers

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            kept = held()
            if kept is None:
                original(logger, record)
            else:
                kept.append(functools.partial(original, logger, record))

        self._patched = call_handlers
        logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign, assignment]

    def undo(self) -> None:
        """Put back what stood there; below another's patch, ours passes all on."""
        if logging.Logger.callHandlers is self._patched:
            logging.Logger.callHandlers = self._original  # type: ignore[method-assign]


def _route(before: Callable[..., None]) -> Callable[..., None]:
    """Return a `warnings.showwarning` that keeps what bodies warn before their turn.

    Python shows a warning of one place once, and remembers so by the place alone: of two bodies
    that warn alike, the second would stay silent. So Python is made to forget, and each body is
    remembered by itself.
    """

    def showwarning(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,
        line: str | None = None,
    ) -> None:
        notebook = recorder.own()
        if notebook is None:
            before(message, category, filename, lineno, file, line)
            return
        with warnings.catch_warnings():
            pass  # Leaving it makes Python look at all warnings anew.
        place = (str(message), category, filename, lineno)
        if place in notebook.warned and _action(message, category, filename, lineno) in _once:
            return
        notebook.warned.add(place)
        if notebook.held is None:
            before(message, category, filename, lineno, file, line)
        else:
            notebook.held.append(functools.partial(_warn, message, category, filename, lineno))

    return showwarning


def _warn(message: Warning | str, category: type[Warning], filename: str, lineno: int) -> None:
    warnings.showwarning(message, category, filename, lineno)


def _action(message: Warning | str, category: type[Warning], filename: str, lineno: int) -> str:
    """Return what the filters say of a warning, its module taken from its file's name."""
    module = filename.removesuffix(".py")
    for action, text, kind, where, line in warnings.filters:
        if (
            (text is None or text.match(str(message)))
            and issubclass(category, kind)
            and (where is None or where.match(module))
            and line in (0, lineno)
        ):
            return str(action)
    return "default"
