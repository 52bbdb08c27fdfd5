"""The state of a session with evals: settings, what was collected, the store, the loop.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import datetime
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import errors, redaction
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.plugin.bill import Kept
from pytest_ailoop.plugin.coroutines import in_thread, run

if TYPE_CHECKING:
    import asyncio

    from pytest_ailoop.calling.budget import Budget
    from pytest_ailoop.calling.store import Store
    from pytest_ailoop.calling.tally import Tally
    from pytest_ailoop.data.baseline import EntryKey
    from pytest_ailoop.data.call import Purpose
    from pytest_ailoop.data.gate import GateSpec, StopRule
    from pytest_ailoop.data.record import ItemRecord
    from pytest_ailoop.data.variant import Variant
    from pytest_ailoop.dataset.load import Dataset
    from pytest_ailoop.dataset.select import Selection
    from pytest_ailoop.session import Outcome, Session
    from pytest_ailoop.settings import Settings

__all__ = ["EVALUATION", "Collected", "Evaluation"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """An evaluated test function: what all its items share."""

    module: str
    function: str
    dataset: Dataset
    selection: Selection
    variants: tuple[Variant, ...]
    prompt_digests: dict[str, str]
    asked: dict[str, str]
    """Digest of name and parameters of the model asked, by alias."""
    trials: dict[str, int]
    gates: tuple[GateSpec, ...]
    stopping: StopRule | None = None


class Evaluation:
    """Everything that a session with evals keeps; one on each process."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        from pytest_ailoop.session import Session

        redaction.learn_environment()
        self.config, self.settings = config, settings
        for name in self.keys_needed():
            redaction.learn(os.environ.get(name))
        self.session: Session = Session(settings)
        self.is_worker = hasattr(config, "workerinput")
        #: Evaluated test functions by (module, function), as they were collected.
        self.collected: dict[tuple[str, str], Collected] = {}
        #: Their names by where pytest has them: parent, path and name.
        self.functions: dict[tuple[Any, Path, str], tuple[str, str]] = {}
        #: Data sets read so far, so that ten tests over one file read it once.
        self.datasets: dict[Any, Any] = {}
        self.usage_faults: list[str] = []
        #: What is wrong with the configuration tables, which then are taken for empty.
        self.config_fault: str | None = None
        #: Gates of the configuration; a test's own stand on its marker.
        self.gates: tuple[GateSpec, ...] = ()
        #: The item that began last; an interrupt may leave it open.
        self.last_item: pytest.Item | None = None
        #: Why the run is partial, in words.
        self.narrowed: list[str] = []
        #: How many items are to run in this process, after every deselection.
        self.kept = 0
        #: Why some evals have no case to run, in words.
        self.nothing: list[str] = []
        #: On an xdist worker, whether its plan is on its way.
        self.plan_sent = False
        #: Whether an item's record arrived.
        self.heard = False
        #: The record that was put on a report last, with what it is there.
        self.riding: tuple[dict[str, Any], ItemRecord] | None = None
        #: Items that were not needed, by group.
        self.settled: dict[EntryKey, int] = {}
        #: Node ids of items that the budget left out, with its words.
        self.left_out: dict[str, str] = {}
        #: Whether that is how the run ended.
        self.is_stopped = False
        #: Whether so many tests failed that the run ended there (`-x`).
        self.is_failed = False
        #: Calls that items were measured without, for they were cancelled in line, by node id.
        self.given_up: dict[str, int] = {}
        #: Items that were kept from interrupted runs.
        self.resumed = Kept()
        #: Whether a process could not count what it paid.
        self.uncounted = False
        #: What the summary must say although it stopped nothing.
        self.warnings: list[str] = []
        #: Items that asked a model live and had to run in their own turn, by the reason.
        self.inline: Counter[str] = Counter()
        #: Digests of calls that bodies made which then were taken away, by node id.
        self.stolen: dict[str, list[str]] = {}
        self.outcome: Outcome | None = None
        #: Recording files written.
        self.recorded: list[str] = []
        self.started = datetime.datetime.now(datetime.UTC)
        self.started_clock = time.monotonic()
        #: Called with the store once it is there.
        self.on_store: list[Callable[[Store], None]] = []
        #: Whether bodies may run before their turn.
        self.may_run_ahead = ahead_wanted(self)
        #: Called before the loops are closed.
        self.on_close: list[Callable[[], None]] = []
        self._baselines: dict[str, Any] = {}
        self._relative: dict[Path, str] = {}
        self._recordings: dict[Path, Path] = {}
        self._store: Store | None = None
        self._runner: asyncio.Runner | None = None
        self._clients: dict[tuple[str, str], Any] = {}

    @property
    def store(self) -> Store:
        """The store of replies; the seam is installed with it, by the first eval that runs."""
        if self._store is None:
            from pytest_ailoop.calling import seam
            from pytest_ailoop.calling.store import Store

            self._store = Store(self.settings)
            seam.install(self._store)
            for tell in self.on_store:
                tell(self._store)
        return self._store

    @property
    def budget(self) -> Budget:
        """The budget, of all workers together."""
        from pytest_ailoop.calling.budget import Budget

        return self._store.budget if self._store is not None else Budget(self.settings)

    @property
    def tally(self) -> Tally:
        """What the session's calls cost so far, of all workers together."""
        from pytest_ailoop.calling.tally import Tally

        return self._store.tally if self._store is not None else Tally(self.settings)

    def remove_shared(self) -> None:
        """Delete what the workers shared; they are gone."""
        if self.settings.session and not self.is_worker:
            self.budget.remove()
            self.tally.remove()

    @property
    def runner(self) -> asyncio.Runner:
        """The loop of async evals: one for the session, so that clients outlive an item."""
        if self._runner is None:
            import asyncio

            self._runner = asyncio.Runner()
        return self._runner

    def run_async(self, coroutine: Any) -> Any:
        """Run *coroutine* to its end from sync code, in a thread where a loop runs already."""
        import asyncio
        import contextvars

        __tracebackhide__ = True
        if asyncio._get_running_loop() is not None:
            return in_thread(lambda: asyncio.run(coroutine))
        # A runner keeps to the context of its first use, which is that of another item.
        return run(self.runner, coroutine, contextvars.copy_context())

    def close_store(self) -> None:
        """Take the seam out and close the cache."""
        from pytest_ailoop.calling import seam

        if self._store is not None:
            seam.uninstall(self._store)
            self._store.close()
            self._store = None

    def close_loop(self) -> None:
        """Close the clients of `llm` and judges, on the loop they were made for, then the loop."""
        self._clients.clear()
        while self.on_close:
            self.on_close.pop()()
        if self._runner is not None:
            from pytest_ailoop.calling.client import close_clients

            with contextlib.suppress(Exception):
                self._runner.run(close_clients())
            self._runner.close()
            self._runner = None
        if "pytest_ailoop.calling.client" in sys.modules:
            from pytest_ailoop.calling.client import close_blocking_clients

            close_blocking_clients()

    def all_warnings(self) -> list[str]:
        """Return what went wrong without stopping anything, each once."""
        stored = [] if self._store is None else self._store.warnings
        return list(dict.fromkeys([*self.warnings, *stored]))

    def keys_needed(self) -> tuple[str, ...]:
        """Return the names of the key variables that evals may read."""
        models = self.settings.config.models.values()
        return ("OPENAI_API_KEY", *(one.api_key_env for one in models if one.api_key_env))

    def model_client(self, alias: str | None, purpose: Purpose) -> Any:
        """Return the async client for *alias*; None is the judge of the configuration."""
        from pytest_ailoop.calling.client import LLM
        from pytest_ailoop.settings import resolve_model

        config = self.settings.config
        name = alias or config.judge
        if name is None:
            raise errors.UsageError(
                "no model to judge with; write judge(..., model='name'), "
                "or judge = 'name' under [tool.ailoop] in pyproject.toml"
            )
        if (name, purpose) not in self._clients:
            spec = resolve_model(name, config)
            # A recorded reply needs no key; a live call without one says what is missing.
            self._clients[name, purpose] = LLM(spec, purpose=purpose, allow_no_key=True)
        return self._clients[name, purpose]

    def accepted_output(self, record: ItemRecord) -> str | None:
        """Return the digest of the output that the baseline holds for this item, if it holds one.

        A damaged baseline has none here; the end of the run tells of it.
        """
        from pytest_ailoop.baseline.extension import read_baseline
        from pytest_ailoop.data.baseline import entry_key

        module = record.key.module
        if module not in self._baselines:
            self._baselines[module] = {}
            with contextlib.suppress(errors.BaselineError):
                self._baselines[module] = read_baseline(self.settings.root, module)
        accepted = self._baselines[module].get(entry_key(record.key))
        digests = () if accepted is None else accepted.output_digests
        index = record.key.trial - 1
        return digests[index] if index < len(digests) else None

    def recordings_of(self, path: Path) -> Path:
        """Return the file of recordings that belongs to the test module *path*."""
        found = self._recordings.get(path)
        if found is None:
            found = path.parent / "__recordings__" / f"{path.stem}.jsonl"
            self._recordings[path] = found
        return found

    def relative(self, path: Path) -> str:
        """Return *path* relative to the root folder, with `/`."""
        found = self._relative.get(path)
        if found is None:
            found = Path(os.path.relpath(path, self.settings.root)).as_posix()
            self._relative[path] = found
        return found


def ahead_wanted(evaluation: Evaluation) -> bool:
    """Return whether bodies may run before their turn at all, by the session's options.

    In replay nothing waits; a debugger wants one thing at a time.
    """
    settings, option = evaluation.settings, evaluation.config.getoption
    return (
        settings.lookahead != 0
        and settings.replies != "replay"
        and not option("usepdb", False)
        and not option("trace", False)
    )


EVALUATION = pytest.StashKey[Evaluation]()
"""On the config, from the first eval on."""
