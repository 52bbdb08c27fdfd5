"""`--ailoop-resume`: finished items of an interrupted run are told again, and not run.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import text
from pytest_ailoop.data.record import plain
from pytest_ailoop.plugin import journals, options
from pytest_ailoop.plugin.identity import identity_of, key_digest
from pytest_ailoop.plugin.journaling import JOURNALING, USED, mark
from pytest_ailoop.plugin.naming import cell_of, key_of
from pytest_ailoop.plugin.scrub import clean

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.report.journal import Journal

__all__ = [
    "SendPlan",
    "choose",
    "command",
    "header",
    "is_kept",
    "lines",
    "may_tell",
    "planned",
    "torn_down",
]


def may_tell(session: pytest.Session) -> bool:
    """Return whether items can be told without being run."""
    # Without it, what the item before left set up would stay so: pytest's own, since 3.0.
    return hasattr(getattr(session, "_setupstate", None), "teardown_exact")


SendPlan = Callable[["Evaluation", pytest.Item, pytest.TestReport], None]

_KEPT = pytest.StashKey["tuple[Journal, str]"]()


def is_kept(item: pytest.Item) -> bool:
    """Return whether *item* will not run, since its result is known."""
    return _KEPT in item.stash


def choose(evaluation: Evaluation, session: pytest.Session, send_plan: SendPlan) -> None:
    """Mark the items of which a result is known; they will be told in their turn."""
    config = evaluation.config
    if not options.resumes(config):
        return
    if not may_tell(session):
        evaluation.warnings.append("--ailoop-resume does not know this pytest: nothing kept")
        return
    found = journals.prepared(config).journals
    for item in session.items:
        place = _place(evaluation, item, found)
        if place is not None:
            item.stash[_KEPT] = place
    if any(is_kept(item) for item in session.items):
        config.pluginmanager.register(Teller(evaluation, send_plan), "ailoop-resume")


def _place(
    evaluation: Evaluation, item: pytest.Item, found: list[Journal]
) -> tuple[Journal, str] | None:
    """Return where the result of *item* stands that still holds."""
    if cell_of(item) is None:
        return None
    key = key_digest(evaluation, item)
    for one in found:
        place = one.items.get(key)
        if place is not None and place.identity == identity_of(evaluation, item, place.used):
            return one, key
    return None


def planned(evaluation: Evaluation, items: list[pytest.Item]) -> tuple[list[pytest.Item], str]:
    """Return those of *items* that a run would not keep, and how many it would, in words.

    The words are empty where nothing was asked for.
    """
    config = evaluation.config
    if not config.getoption("ailoop_resume", False):
        return items, ""
    prepared = journals.prepared(config)
    places = [_place(evaluation, item, prepared.journals) for item in items]
    left = [item for item, place in zip(items, places, strict=True) if place is None]
    kept = len(items) - len(left)
    if not kept:
        return items, f"resume: {prepared.why or 'nothing kept: no finished item is as it was'}"
    names = {place[0].name for place in places if place is not None}
    sources = [journals.told(one) for one in prepared.journals if one.name in names]
    run = "run" if len(sources) == 1 else "runs"
    items_kept = f"{kept} of {text.plural(len(items), 'item')}"
    return left, f"resume: {items_kept} kept from the {run} of {' and '.join(sources)}"


class Teller:
    """Stands in for the run of kept items."""

    def __init__(self, evaluation: Evaluation, send_plan: SendPlan) -> None:
        self._evaluation, self._send_plan = evaluation, send_plan

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Emit the stored reports, as if the item ran."""
        kept = item.stash.get(_KEPT, None)
        parts = None if kept is None else kept[0].reports(kept[1])
        if kept is None or parts is None:
            return None
        hook = item.ihook
        item.stash[USED] = list(kept[0].items[kept[1]].used)
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for part in parts:
            report = _restored(self._evaluation, item, part)
            if part is parts[-1]:
                report = torn_down(item, nextitem) or report
                mark(self._evaluation, item, report)
            report.ailoop_kept = kept[0].name
            self._send_plan(self._evaluation, item, report)
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True


def _restored(evaluation: Evaluation, item: pytest.Item, part: dict[str, Any]) -> Any:
    data = {
        **part,
        "nodeid": item.nodeid,
        "location": item.location,
        "keywords": dict.fromkeys(item.keywords, 1),
    }
    config = evaluation.config
    report: Any = config.hook.pytest_report_from_serializable(config=config, data=data)
    # JSON knows no tuples, and pytest and its plugins unpack or even demand them.
    report.user_properties = [tuple(one) for one in report.user_properties]
    report.sections = [tuple(one) for one in report.sections]
    if isinstance(report.longrepr, list):
        report.longrepr = tuple(report.longrepr)
    if hasattr(report, "ailoop"):
        cell = cell_of(item)
        assert cell is not None
        key = plain(key_of(evaluation, item, cell))
        report.ailoop = {**report.ailoop, "key": key, "nodeid": item.nodeid}
    report.ailoop_item = key_digest(evaluation, item)
    return report


def torn_down(item: pytest.Item, nextitem: pytest.Item | None) -> pytest.TestReport | None:
    """Tear down what items before left for this one and the next does not need.

    Returns the report to show in place of the stored one where that failed.
    """
    state = item.session._setupstate
    call = pytest.CallInfo.from_call(
        lambda: state.teardown_exact(nextitem), when="teardown", reraise=(KeyboardInterrupt,)
    )
    if call.excinfo is None:
        return None
    report: pytest.TestReport = item.ihook.pytest_runtest_makereport(item=item, call=call)
    return report


def header(evaluation: Evaluation) -> Iterator[str]:
    """Yield what will be kept, where that was asked for, after collection."""
    config = evaluation.config
    asked = options.resumes(config)
    if asked and evaluation.kept and config.get_verbosity() >= 0:
        yield from journals.announced(config)


def lines(evaluation: Evaluation) -> Iterator[str]:
    """Yield which items were kept, and why no others, at the end."""
    state = evaluation.config.stash.get(JOURNALING, None)
    if state is not None and state.fault is not None and state.was_stopped:
        yield f"warning: {state.fault}: --ailoop-resume will not know of all finished items"
    if state is not None and state.unfit and state.was_stopped:
        items = text.plural(state.unfit, "item")
        yield f"warning: --ailoop-resume will run {items} again: a report of theirs is no JSON"
    if not options.resumes(evaluation.config):
        return
    found = journals.prepared(evaluation.config)
    kept = 0 if state is None else sum(state.kept.values())
    if not kept or state is None:
        yield f"resumed: {found.why or 'nothing kept: no finished item is as it was'}"
        return
    planned = evaluation.kept or evaluation.session.count + len(evaluation.session.missing)
    sources = [journals.told(one) for one in found.journals if one.name in state.sources]
    run = "run" if len(sources) == 1 else "runs"
    tests = ", ".join(f"{name} {count}" for name, count in state.kept.items())
    words = f"kept {kept} of {text.plural(planned, 'item')} from the {run} of "
    yield f"resumed: {words}{' and '.join(sources)}: {text.cut(tests, 200)}"
    if state.kept_failed:
        yield f"  {state.kept_failed} of them had failed; without --ailoop-resume they run again"
    damaged = sum(one.damaged for one in found.journals)
    if damaged:
        yield f"  {text.plural(damaged, 'damaged line')} of the journal skipped"


def command(evaluation: Evaluation) -> tuple[str, str] | None:
    """Return the command that goes on with a run that ended before it was complete.

    And what it does. None where nothing is kept to go on with.
    """
    import shlex

    why = _to_go_on_with(evaluation)
    if not why:
        return None
    given = [str(one) for one in evaluation.config.invocation_params.args]
    if evaluation.is_failed:
        given = list(_without_stops(given))
    rest = [one for one in given if one != "--ailoop-resume"]
    words = shlex.join(["pytest", *rest, "--ailoop-resume"])
    return clean(text.one_line(words, 2000)), why


def _to_go_on_with(evaluation: Evaluation) -> str:
    """Return what going on would do, in words; empty where it is of no use."""
    if evaluation.settings.replies in ("live", "record"):
        return ""
    # Its replies are kept, whatever else is.
    if evaluation.left_out and evaluation.budget.stopped:
        return "goes on with what is left"
    state = evaluation.config.stash.get(JOURNALING, None)
    if state is None or state.fault or not state.was_stopped or not state.held:
        return ""
    return f"keeps the {text.plural(state.held, 'finished item')} and goes on"


def _without_stops(given: list[str]) -> Iterator[str]:
    """Leave out what ends a run at its first failure: the failure is kept, too."""
    value = False
    for one in given:
        if value or one == "--exitfirst" or one.startswith("--maxfail="):
            value = False
        elif one == "--maxfail":
            value = True
        elif one.startswith("-") and len(one) > 1 and set(one[1:]) <= set("xvqsl"):
            rest = one.replace("x", "")
            if len(rest) > 1:
                yield rest
        else:
            yield one
