"""One pytest session's evaluation: made when the first eval is collected, on every process.

It holds the settings, what was collected, the seam's store and the loop that async evals run on;
its hooks exist only while it is registered, so a session without evals pays nothing.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import errors, redaction
from pytest_ailoop.plugin import options
from pytest_ailoop.plugin.keys import EVALUATION

if TYPE_CHECKING:
    import asyncio

    from pytest_ailoop.calling.store import Store
    from pytest_ailoop.data.call import Purpose
    from pytest_ailoop.data.record import ItemRecord
    from pytest_ailoop.plugin.parametrize import Collected
    from pytest_ailoop.session import Outcome, Session
    from pytest_ailoop.settings import Settings

__all__ = ["Evaluation", "evaluation_of"]


def evaluation_of(config: pytest.Config) -> Evaluation:
    """Return the session's evaluation; made and registered on first use.

    Raises `pytest.UsageError` where the configuration tables are wrong.
    """
    found = config.stash.get(EVALUATION, None)
    if found is None:
        try:
            settings = options.settings_of(config)
        except errors.AiloopError as fault:
            raise pytest.UsageError(f"ailoop: {fault}") from None
        found = config.stash[EVALUATION] = Evaluation(config, settings)
        config.pluginmanager.register(found, "ailoop-evaluation")
    return found


class Evaluation:
    """State of a session with evals; the hooks below hand on to the rooms that answer them."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        from pytest_ailoop.session import Session

        redaction.learn_environment()
        self.config, self.settings = config, settings
        self.session: Session = Session(settings)
        self.is_worker = hasattr(config, "workerinput")
        #: Evaluated test functions by (module, function), as they were collected.
        self.collected: dict[tuple[str, str], Collected] = {}
        #: Data sets read so far, so that ten tests over one file read it once.
        self.datasets: dict[Any, Any] = {}
        self.usage_faults: list[str] = []
        #: Why the run is partial, in words.
        self.narrowed: list[str] = []
        #: What the summary must say although it stopped nothing.
        self.warnings: list[str] = []
        self.outcome: Outcome | None = None
        #: Recording files written.
        self.recorded: list[str] = []
        self.started = datetime.datetime.now(datetime.UTC)
        self.started_clock = time.monotonic()
        self._baselines: dict[str, Any] = {}
        self._store: Store | None = None
        self._runner: asyncio.Runner | None = None
        self._clients: dict[tuple[str, str], Any] = {}

    # Collection

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        from pytest_ailoop.plugin import planning

        planning.note_items(self, items)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        from pytest_ailoop.plugin import planning

        planning.note_deselected(self, items)

    def pytest_report_collectionfinish(self) -> list[str]:
        from pytest_ailoop.plugin import summary

        return list(summary.header(self))

    # Items

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Any:
        from pytest_ailoop.plugin import items

        items.begin(self, item)
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        from pytest_ailoop.plugin import items

        return items.run_async_body(self, pyfuncitem)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        from pytest_ailoop.plugin import items

        with items.judged(item):
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Any:
        from pytest_ailoop.plugin import items

        try:
            return (yield)
        finally:
            items.end(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        from pytest_ailoop.plugin import reporting

        report: pytest.TestReport = yield
        reporting.complete(self, item, call, report)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        from pytest_ailoop.plugin import reporting

        return reporting.status(self, report)

    # End

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        from pytest_ailoop.plugin import controller

        self.close_loop()
        controller.finish(self, session, exitstatus)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        from pytest_ailoop.plugin import summary

        summary.write(self, terminalreporter)

    def pytest_unconfigure(self) -> None:
        from pytest_ailoop.calling import seam

        if self._store is not None:
            seam.uninstall()
            self._store.close()
            self._store = None
        self.close_loop()

    # What items ask for

    @property
    def store(self) -> Store:
        """The store of replies; the seam is installed with it, by the first eval that runs."""
        if self._store is None:
            from pytest_ailoop.calling import seam
            from pytest_ailoop.calling.store import Store

            self._store = Store(self.settings)
            seam.install(self._store)
        return self._store

    @property
    def stored(self) -> Store | None:
        """The store, where an eval has run on this process."""
        return self._store

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

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self.runner.run(coroutine)
        return _in_thread(lambda: asyncio.run(coroutine))

    def close_loop(self) -> None:
        """Close the session's loop; clients made for it are closed on it first."""
        if self._runner is not None:
            for client in self._clients.values():
                close = getattr(client, "aclose", None)
                if close is not None:
                    with contextlib.suppress(Exception):
                        self._runner.run(close())
            self._clients.clear()
            self._runner.close()
            self._runner = None

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
            replay = self.settings.replies == "replay"
            self._clients[name, purpose] = LLM(spec, purpose=purpose, allow_no_key=replay)
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
        return path.parent / "__recordings__" / f"{path.stem}.jsonl"

    def relative(self, path: Path) -> str:
        """Return *path* relative to the root folder, with `/`."""
        import os

        return Path(os.path.relpath(path, self.settings.root)).as_posix()


def _in_thread(work: Callable[[], Any]) -> Any:
    import contextvars
    from concurrent.futures import ThreadPoolExecutor

    context = contextvars.copy_context()
    with ThreadPoolExecutor(1, "ailoop") as pool:
        return pool.submit(context.run, work).result()
