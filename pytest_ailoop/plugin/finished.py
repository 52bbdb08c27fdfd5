"""Finished items on their way into the journal, and what the run's end makes of it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import text
from pytest_ailoop.plugin import journals, warned
from pytest_ailoop.plugin.identity import conditions
from pytest_ailoop.report import journal
from pytest_ailoop.report.runs import masked, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["CONDITIONS", "Journaling"]

#: Outcomes that are kept. What could not be measured is to be measured, and a skip costs nothing.
_KEPT = ("passed", "failed", "missed", "xfailed", "xpassed")
#: Attributes of a report that its item knows better, or that belong to one session alone.
_OUTSIDE = frozenset(
    {"nodeid", "location", "keywords", "node", "item_index", "worker_id", "testrun_uid"}
    | {"_id"}  # pytest's own form of the name
    | {"ailoop", "ailoop_item", "ailoop_kept", "ailoop_plan"}
)
_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
#: Journals of earlier runs that are left where they are.
_OLD = 4

CONDITIONS = pytest.StashKey[dict[str, Any]]()
"""On the config of a process that collected: what all results rest on, from before the first."""


class Journaling:
    """Writes the journal on the controlling process, and counts what was kept from others."""

    def __init__(self, evaluation: Evaluation, writer: journal.Writer | None) -> None:
        self._evaluation, self.writer = evaluation, writer
        #: Reports of items that are under way, as JSON; None is one that fits no file.
        self._parts: dict[str, list[str | None]] = {}
        #: Reports of setups: what came of an item shows whether they are worth writing.
        self._setups: dict[str, pytest.TestReport] = {}
        self._records: dict[str, dict[str, Any]] = {}
        self._warned = warned.Warned(evaluation.config.rootpath)
        #: Items that have a result.
        self.done: set[str] = set()
        #: How many of them the journal has.
        self.held = 0
        #: How many have reports that fit no file.
        self.unfit = 0
        #: Items that could not be measured.
        self.errors: set[str] = set()
        #: Kept items by test, and by the journal they came from.
        self.kept: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.kept_failed = 0
        #: Why the journal is not whole, in words.
        self.fault: str | None = None
        #: Whether the run was stopped before all its items had their turn.
        self.was_stopped = False

    def receive(self, report: pytest.TestReport) -> None:
        """Take a phase of an item; with the last one the item is written."""
        key: str = report.ailoop_item
        told = report.__dict__.pop("ailoop_ends", None)
        record = getattr(report, "ailoop", None)
        if record is not None:
            self._records[key] = record
        if report.when == "setup" and record is None:
            self._setups[key] = report
        elif hasattr(report, "ailoop_cheap"):
            self._setups.pop(key, None)
            self._parts[key] = []
        elif told is None or "identity" in told:
            setup = self._setups.pop(key, None)
            reports = [report] if setup is None else [setup, report]
            self._parts.setdefault(key, []).extend(map(self._part, reports))
        if told is not None:
            self._finished(report, key, told)

    def _finished(self, report: pytest.TestReport, key: str, told: dict[str, Any]) -> None:
        record, parts = self._records.pop(key, None), self._parts.pop(key, [])
        self._setups.pop(key, None)
        # Without a record it was left out, and is missing.
        outcome = None if record is None else record["outcome"]
        for outcomes, keys in ((("error",), self.errors), ((*_KEPT, "skipped"), self.done)):
            (keys.add if outcome in outcomes else keys.discard)(key)
        source = getattr(report, "ailoop_kept", None)
        if source is not None and record is not None and outcome in _KEPT:
            self.kept[record["key"]["test"]] += 1
            self.sources[source] += 1
            self.kept_failed += outcome == "failed"
        written = self._write(key, told, parts if outcome in _KEPT else [], source)
        self._warned.ended(report, key if written else None)
        if source is not None:
            config = self._evaluation.config
            for one in journals.prepared(config).journals:
                if one.name == source:
                    warned.show_again(config, report.nodeid, one.warnings(key))

    def note_warning(self, nodeid: str, warning: Any) -> None:
        """Keep what an item warned of with its result."""
        key = self._warned.key_of(nodeid)
        if key is None or self.writer is None or self.fault is not None:
            return
        data = self._warned.told(nodeid, warning)
        if data is not None:
            with self._noting_fault():
                self.writer.warning(key, masked(data))

    def _part(self, report: pytest.TestReport) -> str | None:
        """Return the report as JSON; None where another plugin's data on it may fit no file."""
        if report.when != "call" and report.outcome == "passed":
            # As pytest would have it, at a tenth of the cost: there is next to nothing on these.
            known = {"$report_type": type(report).__name__, **report.__dict__}
            with contextlib.suppress(TypeError, ValueError):
                return text_of({name: known[name] for name in known if name not in _OUTSIDE})
        config = self._evaluation.config
        data = config.hook.pytest_report_to_serializable(config=config, report=report)
        # A record is JSON, and masked, since it rides on a report; its item's name is not.
        record = data.get("ailoop")
        try:
            found = text_of({name: one for name, one in data.items() if name not in _OUTSIDE})
            return found if record is None else f'{found[:-1]},"ailoop":{_JSON.encode(record)}}}'
        except (TypeError, ValueError):
            return None

    def _write(
        self, key: str, told: dict[str, Any], parts: list[str | None], source: str | None
    ) -> bool:
        """Write what became known with an item; return whether the item itself was written now."""
        if self.fault is not None:
            return False
        with self._noting_fault():
            if self.writer is None:
                self.writer = self._begun()
            self.writer.facts(told["facts"], told["covered"])
            if parts and source != self.writer.name:
                return self._item(self.writer, key, told, parts)
            self.held += bool(parts)
        return False

    @contextlib.contextmanager
    def _noting_fault(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.fault = f"the journal could not be written: {error.strerror or error}"
            # What follows a half line would be lost with it, and facts are not complete any more.
            if self.writer is not None:
                self.writer.close()

    def _item(
        self, writer: journal.Writer, key: str, told: dict[str, Any], parts: list[str | None]
    ) -> bool:
        fit = [one for one in parts if one is not None]
        if len(fit) < len(parts):
            self.unfit += 1  # It will run again.
            return False
        writer.item(key, told["identity"], told["used"], fit)
        self.held += 1
        return True

    def _begun(self) -> journal.Writer:
        evaluation = self._evaluation
        root, moment = evaluation.settings.root, evaluation.started
        given = evaluation.config.invocation_params.args
        head = {
            "started": moment.isoformat(timespec="seconds"),
            "arguments": masked([str(one).replace(str(root), ".") for one in given]),
            "conditions": self._conditions(),
        }
        journal.prune(root, _OLD)
        name = f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond:06d}"
        return journal.Writer.new(root, name, head)

    def _conditions(self) -> dict[str, Any]:
        # A controller of workers collects nothing, and nobody limits its time.
        config = self._evaluation.config
        return config.stash.get(CONDITIONS, None) or conditions(config)

    def finish(self, session: pytest.Session, status: int) -> None:
        """Leave the journal of an incomplete run; of a complete one nothing is needed any more."""
        stopped = self._stopped(session, status)
        errors = text.plural(len(self.errors), "item")
        why = [stopped, f"{errors} could not be measured" if self.errors else ""]
        words = "; ".join(filter(None, why))
        self.was_stopped = bool(stopped)
        writer, self.writer = self.writer, None
        if writer is None:
            return
        if words and self.fault is None:
            with contextlib.suppress(OSError):
                writer.end(masked(words))
        writer.close()
        if not words:
            self._tidy()

    def _stopped(self, session: pytest.Session, status: int) -> str:
        """Return why not all items had their turn, in words; empty where they had."""
        evaluation = self._evaluation
        if status == pytest.ExitCode.INTERNAL_ERROR:
            return "an internal error"
        everything = not evaluation.session.missing
        if evaluation.kept:
            everything = len(self.done) + len(self.errors) >= evaluation.kept
        said = session.shouldfail or session.shouldstop
        crashed = any("crashed" in one for one in evaluation.narrowed)
        if everything or not (said or crashed or status == pytest.ExitCode.INTERRUPTED):
            return ""
        return str(said) if said else "a worker crashed" if crashed else "interrupted"

    def _tidy(self) -> None:
        """Delete journals of which this run has every item; all, where it measured everything."""
        root, plan = self._evaluation.settings.root, self._evaluation.session.planned
        whole = not (plan.narrowed or self._evaluation.narrowed)
        whole = whole and not any(one.selection for one in plan.tests)
        for name in journal.names(root):
            path = journal.folder_of(root) / name
            if whole or _items(path) <= self.done:
                journal.remove(path)


def _items(path: Any) -> set[str]:
    from pytest_ailoop.errors import RunError

    try:
        return set(journal.read(path).items)
    except RunError:
        return set()
