"""Signs of life while a live call takes long: a status line on a terminal, plain lines elsewhere.

While a test runs, pytest's capture has the terminal's file descriptor; so a second one is kept from
before, and what stood on the line in progress is put back by hand. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

from pytest_ailoop import text
from pytest_ailoop.plugin.scrub import clean

if TYPE_CHECKING:
    from pytest_ailoop.calling.flight import Live
    from pytest_ailoop.calling.store import Store
    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["Progress"]

#: Seconds between two looks, and between two changes of the status line.
INTERVAL = 1.0
#: Seconds that a call must have taken before a terminal shows it.
PATIENCE = 2.0
#: Seconds between two lines where output is not a terminal.
PLAIN = 30.0


class Progress:
    """Tells how long the run has been waiting for models; silent where nobody could read it.

    No thread runs before the first live call.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self._store: Store | None = None
        self._reporter: Any = None
        self._file: TextIO | None = None
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._lock = threading.RLock()
        self._shown = False
        self._told = 0.0

    def watch(self, store: Store) -> None:
        """Follow *store*; to be called between tests, while nothing is captured."""
        config = self._evaluation.config
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        wanted = config.get_verbosity() >= -1 and config.getoption("capture", "fd") != "no"
        if reporter is None or not wanted or store.settings.replies == "replay":
            return
        self._store, self._reporter = store, reporter
        self._file = _second(reporter._tw._file)
        store.flight.on_start.append(self._start)
        store.flight.on_rest.append(self.hush)

    def hush(self) -> None:
        """Take the status line away: others are about to write."""
        with self._lock:
            if self._shown:
                self._shown = False
                self._write(f"\n\r\x1b[2K{self._back()}")

    def stop(self) -> None:
        """End the thread, if one runs."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self.hush()
        with self._lock:
            if self._file is not None and self._file is not self._reporter._tw._file:
                self._file.close()
            self._file = None

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="ailoop-progress", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL):
            with self._lock:
                store = self._store
                calls = store.flight.calls if store is not None else ()
                if store is not None and calls and not self._stopped.is_set():
                    self._tell(store, calls, time.monotonic())

    def _tell(self, store: Store, calls: tuple[Live, ...], now: float) -> None:
        waited = now - calls[0].since
        if self._is_terminal():
            if waited >= PATIENCE:
                line = text.cut(self._words(store, calls, waited), self._reporter._tw.fullwidth - 1)
                self._write(f"\n\r\x1b[2K{line}{self._back()}")
                self._shown = True
        elif now - max(self._told, calls[0].since) >= PLAIN:
            self._told = now
            line = getattr(self._reporter._tw, "_current_line", "")
            self._write(("\n" if line else "") + f"{self._words(store, calls, waited)}\n{line}")

    def _is_terminal(self) -> bool:
        # Windows consoles may not know the sequences; they get plain lines.
        plain = os.name == "nt" or os.environ.get("TERM", "") in ("", "dumb")
        return bool(self._file is not None and self._file.isatty() and not plain)

    def _back(self) -> str:
        """Return what moves from the start of the status line to where pytest will go on."""
        column = self._reporter._tw.width_of_current_line % self._reporter._tw.fullwidth
        return "\x1b[1A\r" + (f"\x1b[{column}C" if column else "")

    def _words(self, store: Store, calls: tuple[Live, ...], waited: float) -> str:
        evaluation = self._evaluation
        paid, _ = store.tally.sums()
        models = sorted({call.model for call in calls if call.model})
        parts = [
            f"{evaluation.session.count}/{evaluation.kept} items",
            f"{text.plural(len(calls), 'call')} in flight",
            f"waiting {waited:.0f}s" + (f" for {', '.join(models)}" if models else ""),
            f"cost so far {'>=' if paid.unknown else ''}${paid.known:.4f}",
        ]
        return clean(text.one_line(f"ailoop: {', '.join(parts)}", 200))

    def _write(self, what: str) -> None:
        if self._file is None:
            return
        with contextlib.suppress(OSError, ValueError):
            encoding = getattr(self._file, "encoding", None) or "utf-8"
            self._file.write(what.encode(encoding, "backslashreplace").decode(encoding))
            self._file.flush()


def _second(file: Any) -> TextIO:
    """Return *file* by a file descriptor of our own, or itself where it has none."""
    try:
        descriptor = os.dup(file.fileno())
    except (AttributeError, OSError, ValueError):
        found: TextIO = file
        return found
    return open(descriptor, "w", encoding=file.encoding, errors=file.errors)
