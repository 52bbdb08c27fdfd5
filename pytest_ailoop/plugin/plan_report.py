"""`--ailoop-plan`: nothing runs, and what the selected items would ask and cost is printed.

Registered only where it is asked for. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import errors, text
from pytest_ailoop.plugin import resume, scrub
from pytest_ailoop.plugin.naming import cell_of, key_of

if TYPE_CHECKING:
    from pytest_ailoop.calling.store import Store
    from pytest_ailoop.data.call import Call
    from pytest_ailoop.data.record import ItemKey, ItemRecord
    from pytest_ailoop.data.variant import ModelSpec
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.report.forecast import Forecast, Wanted

__all__ = ["Planner"]

#: Kept runs that are looked into, the newest first.
MOST_RUNS = 20


class Planner:
    """Keeps a session from running anything, and prints its plan instead."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._lines: list[str] = []
        # The controller plans by itself: it has to collect, and workers would run.
        if config.pluginmanager.hasplugin("xdist"):
            config.option.dist, config.option.tx, config.option.numprocesses = "no", [], None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Plan instead of running."""
        from pytest_ailoop.plugin.evaluation import EVALUATION

        if session.testsfailed:
            # What was not collected cannot be planned.
            raise session.Interrupted(f"{text.plural(session.testsfailed, 'error')} in collection")
        evaluation = self._config.stash.get(EVALUATION, None)
        items = [one for one in session.items if cell_of(one) is not None]
        if evaluation is None or not items:
            self._lines = ["no eval is selected: nothing to plan"]
        else:
            self._lines = list(_lines(evaluation, items))
        return True

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the plan."""
        if not self._lines:
            return
        terminalreporter.write_sep("=", "ailoop plan")
        utf8 = "utf" in (getattr(terminalreporter._tw._file, "encoding", None) or "").lower()
        for line in self._lines:
            shown = scrub.clean(line)
            plain = shown.encode("ascii", "backslashreplace").decode()
            terminalreporter.write_line(shown if utf8 else plain)


def _lines(evaluation: Evaluation, items: list[pytest.Item]) -> Iterator[str]:
    from pytest_ailoop.report.plan_lines import plan_lines

    settings = evaluation.settings
    notes: list[str] = []
    items, kept = resume.planned(evaluation, items)
    found = _forecast(evaluation, items, notes)
    yield from plan_lines(
        found,
        concurrency=settings.concurrency,
        replay=settings.replies == "replay",
        width=80,
        verbose=evaluation.config.get_verbosity(),
    )
    if kept:
        yield from text.wrapped(text.one_line(kept, 400), 80)
    yield from text.wrapped(_budget(evaluation, found), 80)
    if any(one.stopping for one in evaluation.session.planned.tests):
        yield "this is at most: tests that stop once their verdict is settled may ask less"
    for note in notes:
        yield from text.wrapped(f"warning: {text.one_line(note, 300)}", 80)


def _forecast(evaluation: Evaluation, items: list[pytest.Item], notes: list[str]) -> Forecast:
    from pytest_ailoop.calling.store import Store
    from pytest_ailoop.report.forecast import Sources, forecast

    # Not the evaluation's own: that one comes with the seam.
    store = Store(evaluation.settings)
    wanted = [_wanted(evaluation, item) for item in items]
    try:
        return forecast(
            wanted,
            _history(evaluation, wanted, notes),
            Sources(
                stored=_Stored(evaluation, store, notes),
                price=_Price(evaluation),
                once=evaluation.settings.replies in ("auto", "record"),
            ),
        )
    finally:
        store.close()


def _wanted(evaluation: Evaluation, item: pytest.Item) -> Wanted:
    from pytest_ailoop.report.forecast import Wanted

    cell = cell_of(item)
    assert cell is not None
    return Wanted(
        key=key_of(evaluation, item, cell),
        case_digest=cell.case_digest,
        prompt_digest=None if cell.prompt is None else cell.prompt.digest,
        model=cell.model,
    )


def _history(
    evaluation: Evaluation, wanted: list[Wanted], notes: list[str]
) -> Iterator[ItemRecord]:
    """Yield records of kept runs, the newest first, until each item was met."""
    from pytest_ailoop.report import runs

    root = evaluation.settings.root
    missing = {one.key for one in wanted}
    for name in reversed(runs.names(root)[-MOST_RUNS:]):
        if not missing:
            return
        try:
            records = runs.read(runs.runs_folder(root) / name).records
        except errors.RunError as damage:
            notes.append(f"a run was left out: {damage}")
            continue
        missing -= {one.key for one in records}
        yield from records


class _Stored:
    """Whether a reply would be read rather than asked for, by the mode of replies."""

    def __init__(self, evaluation: Evaluation, store: Store, notes: list[str]) -> None:
        self._evaluation, self._store, self._notes = evaluation, store, notes

    def __call__(self, key: ItemKey, digest: str) -> bool:
        recordings = self._evaluation.recordings_of(self._evaluation.settings.root / key.module)
        try:
            return self._store.has(digest, recordings)
        except errors.ReplyError as damage:
            if str(damage) not in self._notes:
                self._notes.append(str(damage))
            return False


class _Price:
    """What a call of an earlier run would cost now, made by its own or by another model."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._specs = {one.model: one for one in evaluation.settings.config.models.values()}

    def __call__(self, call: Call, model: ModelSpec | None) -> float | None:
        from pytest_ailoop.calling.prices import cost_of

        spec = model or self._specs.get(call.model_asked or "")
        if model is None and call.cost is not None and (spec is None or spec.price is None):
            return call.cost
        name = model.model if model is not None else call.model_answered or call.model_asked
        base_url = (spec and spec.base_url) or os.environ.get("OPENAI_BASE_URL")
        price = None if spec is None else spec.price
        return cost_of(call.usage, name, price=price, base_url=base_url)


def _budget(evaluation: Evaluation, found: Forecast) -> str:
    settings, total = evaluation.settings, found.total
    given = []
    if settings.max_calls is not None:
        enough = _enough(found, total.live <= settings.max_calls)
        given.append(f"--ailoop-max-calls={settings.max_calls}{enough}")
    if settings.max_cost is not None:
        unsure = bool(total.unpriced)
        enough = _enough(found, total.cost <= settings.max_cost, unsure=unsure)
        given.append(f"--ailoop-max-cost={settings.max_cost:g}{enough}")
    if settings.max_time is not None:
        given.append(f"--ailoop-max-time={settings.max_time:g}s")
    if given:
        return f"budget: {', '.join(given)}"
    return (
        "budget: none; --ailoop-max-cost=USD, --ailoop-max-calls=N or --ailoop-max-time=10m "
        "stop in time"
    )


def _enough(found: Forecast, fits: bool, *, unsure: bool = False) -> str:
    if not fits:
        return " (not enough: the run will stop)"
    return "" if found.unknown or unsure else " (enough)"
