"""Where a reply comes from and where it goes: recordings, cache or network, decided once.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pytest_ailoop.calling.budget import Budget
from pytest_ailoop.calling.cache import Cache
from pytest_ailoop.calling.claims import Claims
from pytest_ailoop.calling.credentials import Learner
from pytest_ailoop.calling.flight import Flight
from pytest_ailoop.calling.givenup import GivenUp
from pytest_ailoop.calling.identity import Identity, Request
from pytest_ailoop.calling.limits import Limits
from pytest_ailoop.calling.misses import miss_message
from pytest_ailoop.calling.recorded import RecordedFile
from pytest_ailoop.calling.recordings import write_recordings
from pytest_ailoop.calling.single import Single
from pytest_ailoop.calling.stored import StoredReply
from pytest_ailoop.calling.tally import Tally
from pytest_ailoop.data.call import Origin
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.errors import ReplayMissError
from pytest_ailoop.recorder import Recorder
from pytest_ailoop.settings import Settings
from pytest_ailoop.text import plural

__all__ = ["Store"]


class Store:
    """Keeps the replies of one session, by its settings.

    `auto` reads recordings, then the cache, else the call goes live. `replay` reads recordings
    only, so that what is green here is green in CI. `record` and `live` read nothing, but `record`
    keeps to the reply that this session has seen already: a recording holds one for an address.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cache = Cache(settings.folder)
        models = tuple(settings.config.models.values())
        self.identity = Identity(models, settings.config.ignore_fields)
        self.learner = Learner()
        #: What calls cost so far.
        self.tally = Tally(settings)
        #: What live calls may still be made.
        self.budget = Budget(settings)
        #: The live calls that are under way.
        self.flight = Flight()
        #: How much is asked of each model at once, and what was asked for the last time.
        self.limits, self.given_up = (
            Limits(settings, is_stopped=lambda: self.flight.is_closed),
            GivenUp(),
        )
        #: Makes identical ones once. In `live`, each is a measurement of its own.
        self.single = Single(
            Claims(self.cache.database) if settings.replies in ("auto", "record") else None,
            self._reread,
            # What is recorded is new: also what another process of this session has got.
            since=time.time() if settings.replies == "record" else 0.0,
        )
        #: Called when several items run and a model call cannot be told to belong to one of them;
        #: whoever listens sees to it that none of those items is judged by what was seen.
        self.on_unattributed: list[Callable[[], None]] = []
        #: Called at each item's start.
        self.on_item: list[Callable[[], None]] = []
        self._files: dict[Path, RecordedFile] = {}
        self._answered: set[str] = set()
        #: Replies that the cache would not take.
        self._kept: dict[str, StoredReply] = {}
        self._warnings: dict[str, None] = {}
        self._lock = threading.Lock()

    @property
    def warnings(self) -> list[str]:
        """What a person should know at the end of the session, each told once."""
        found = [*self._warnings, *self.cache.warnings, *self.limits.warnings()]
        if self.cache.damaged:
            rows = plural(self.cache.damaged, "damaged entry").replace("entrys", "entries")
            found.append(f"the reply cache {self.cache.path} had {rows}; asked again")
        return found

    def warn(self, message: str) -> None:
        """Add to `warnings`, once."""
        with self._lock:
            self._warnings.setdefault(message)

    @contextlib.contextmanager
    def item(self, notebook: Recorder) -> Iterator[None]:
        """Hold while an item runs: what was imported or patched since the last one is seen."""
        self.refresh()
        try:
            yield
        finally:
            self.leave(notebook)

    def leave(self, notebook: Recorder) -> None:
        """Forget the calls of an item that is over, streams that were not read to their end."""
        self.flight.end_of(notebook)
        self.single.end_of(notebook)

    def refresh(self) -> None:
        """Look for what was imported or patched since the last look."""
        for call in self.on_item:
            call()

    def find(
        self, request: Request, address: str, trial: int, occurrence: int, notebook: Recorder
    ) -> tuple[StoredReply, Origin] | None:
        """Return the reply to use instead of a live call, and where it was; None lets the call go.

        Raises `ReplayMissError` in replay without a recording, `ReplyError` where the file of
        recordings is damaged.
        """
        __tracebackhide__ = True
        found = self.known(address, notebook)
        if found is None and self.settings.replies == "replay":
            raise self._miss(request, address, trial, occurrence, notebook)
        return found

    def known(self, address: str, notebook: Recorder) -> tuple[StoredReply, Origin] | None:
        """Return the reply that the mode lets be used, and where it was; None where it has none.

        Raises `ReplyError` where the file of recordings is damaged.
        """
        mode = self.settings.replies
        if mode == "live" or (mode == "record" and address not in self._answered):
            return None
        if mode in ("auto", "replay"):
            recorded = self._file(notebook.recordings).get(address)
            if recorded is not None:
                return recorded, "recording"
        if mode == "replay":
            return None
        cached = self._kept.get(address) or self.cache.get(address)
        return None if cached is None else (cached, "cache")

    def has(self, address: str, recordings: Path) -> bool:
        """Return whether the mode lets the reply at *address* be read instead of asked for.

        *recordings* is the file of the test module. Raises `ReplyError` where it is damaged.
        """
        mode = self.settings.replies
        if mode in ("live", "record"):
            return False
        if self._file(recordings).get(address) is not None:
            return True
        return mode == "auto" and self.cache.get(address) is not None

    def keep(self, stored: StoredReply) -> None:
        """Make a live reply durable; done before the application has all of it."""
        if not self.cache.put(stored):
            self._kept[stored.address] = stored
        self._note(stored.address)
        self.single.kept(stored.address)

    def _reread(self, address: str) -> StoredReply | None:
        """Return the reply that came in meanwhile."""
        found = self._kept.get(address) or self.cache.get(address)
        if found is not None:
            self._note(address)
        return found

    def _note(self, address: str) -> None:
        # Other modes do not ask, and a long run has a hundred thousand.
        if self.settings.replies == "record":
            self._answered.add(address)

    def _file(self, path: Path) -> RecordedFile:
        with self._lock:
            found = self._files.get(path)
            if found is None:
                found = self._files[path] = RecordedFile(path)
            return found

    def _miss(
        self, request: Request, address: str, trial: int, occurrence: int, notebook: Recorder
    ) -> ReplayMissError:
        file = self._file(notebook.recordings)
        message = miss_message(
            request,
            trial=trial,
            occurrence=occurrence,
            file=self._relative(notebook.recordings),
            nodeid=notebook.nodeid,
            nearest=file.nearest(request),
            recorded=file.size,
            cached=self.cache.get(address) is not None,
        )
        return ReplayMissError(message)

    def _relative(self, path: Path) -> str:
        with contextlib.suppress(ValueError):
            path = path.relative_to(self.settings.root)
        return path.as_posix()

    def write_recordings(self, records: Iterable[ItemRecord], *, complete: bool) -> list[Path]:
        """Write what the items of *records* were answered into the files beside their modules.

        Returns the files that changed. *complete* drops recordings that no item used. The replies
        are read back from the cache, so that those of xdist workers are there too.
        """
        wanted: dict[str, dict[str, None]] = {}
        for record in records:
            found = wanted.setdefault(record.key.module, {})
            found.update((call.digest, None) for call in record.calls if call.error is None)
        return [
            path
            for module, addresses in sorted(wanted.items())
            for path in self._write_module(module, addresses, prune=complete)
        ]

    def _write_module(
        self, module: str, addresses: Iterable[str], *, prune: bool
    ) -> Iterator[Path]:
        path = self.settings.root / module
        path = path.parent / "__recordings__" / f"{path.stem}.jsonl"
        replies = {one: self._kept.get(one) or self.cache.get(one) for one in addresses}
        lost = sum(stored is None for stored in replies.values())
        if lost:
            self.warn(
                f"{plural(lost, 'call')} of {module} could not be recorded: the reply is not in "
                "the cache (a stream that was not read to its end, or a cache that failed)"
            )
        known = [stored for stored in replies.values() if stored is not None]
        if write_recordings(path, known, prune=prune and not lost):
            yield path

    def keep_output(self, digest: str, text: str) -> None:
        """Keep an item's output, so that a later one can be compared with it word by word."""
        self.cache.put_output(digest, text)

    def output_text(self, digest: str, module: Path | None = None) -> str | None:
        """Return the output with *digest*: kept on this machine, or a recorded reply's text.

        *module* is the test module's path. None where neither has it.
        """
        kept = self.cache.get_output(digest)
        if kept is not None or module is None:
            return kept
        return self._file(module.parent / "__recordings__" / f"{module.stem}.jsonl").text_of(digest)

    def close(self) -> None:
        """Close the cache, and let go of what workers share."""
        self.single.close()
        self.cache.close()
        self.budget.close()
        self.tally.close()
        self.limits.close()
