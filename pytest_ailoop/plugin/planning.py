"""What was collected, as a plan that missing items can be named by. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import text
from pytest_ailoop.baseline.file import baseline_path
from pytest_ailoop.data.record import Plan, PlannedTest
from pytest_ailoop.plugin import options
from pytest_ailoop.plugin.naming import NOTHING, cell_of, function_of, nothing_of, test_of
from pytest_ailoop.plugin.sliced import slices_of, unknown_keys
from pytest_ailoop.plugin.uncollected import uncollected
from pytest_ailoop.plugin.unnamed import unnamed

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["note_deselected", "note_items", "note_kept", "plan_of"]


def note_items(evaluation: Evaluation, session: pytest.Session, items: list[pytest.Item]) -> None:
    """Plan the collected items, before anything deselects some; usage faults end the session here.

    A test that bears the marker but did not become an eval (a `unittest` method, a plugin's own
    item) would run unmeasured: that is a usage fault too. An xdist worker sends its faults to
    the controller at its end.
    """
    tests: dict[tuple[str, str], str] = {}
    if evaluation.config_fault is not None:
        evaluation.usage_faults.append(evaluation.config_fault)
        items = []
    for item in items:
        cell = cell_of(item)
        if cell is not None:
            where = test_of(evaluation, item, cell.id)
            tests.setdefault(where, function_of(evaluation, item)[1])
        elif nothing_of(item) is not None:
            where = test_of(evaluation, item, NOTHING)
            tests.setdefault(where, function_of(evaluation, item)[1])
        elif _is_meant(item):
            evaluation.usage_faults.append(
                f"{item.nodeid}: the marker ailoop works on pytest functions and methods of "
                f"plain classes, not on {type(item).__name__}"
            )
    evaluation.usage_faults.extend(_unknown_cases(evaluation))
    evaluation.usage_faults.extend(_unknown_tags(evaluation))
    if evaluation.usage_faults and not evaluation.is_worker:
        faults = [f"ailoop: {text.safe(one)}" for one in evaluation.usage_faults]
        evaluation.usage_faults.clear()
        raise pytest.UsageError("\n".join(faults))
    evaluation.warnings.extend([*unknown_keys(evaluation), *unnamed(evaluation, tests)])
    evaluation.narrowed.extend(_narrowing(evaluation.config, session))
    modules = {module for module, _ in tests} | _without_evals(evaluation, items)
    evaluation.session.plan(_plan(evaluation, tests, modules))


def _is_meant(item: pytest.Item) -> bool:
    """Return whether the marker was put on *item*, which is no eval.

    A doctest or another plugin's item in a module that is marked as a whole is not.
    """
    own = any(mark.name == "ailoop" for mark in item.own_markers)
    return own or (isinstance(item, pytest.Function) and bool(item.get_closest_marker("ailoop")))


def _unknown_cases(evaluation: Evaluation) -> list[str]:
    """Return a fault for each `--ailoop-case` that no collected data set holds."""
    known = {
        case_id
        for one in evaluation.collected.values()
        for case_id in one.dataset.facts.case_digests
    }
    return [
        f"--ailoop-case={wanted}: no data set holds a case {wanted!r}"
        + text.suggestion(wanted, sorted(known))
        for wanted in evaluation.settings.cases
        if known and wanted not in known
    ]


def _unknown_tags(evaluation: Evaluation) -> list[str]:
    """Return a fault for each `--ailoop-tag` that no case bears; to bar such a tag is no harm."""
    wanted = [tag for tag in evaluation.settings.tags if not tag.startswith("!")]
    if not wanted or not evaluation.collected:
        return []
    known = {
        tag
        for one in evaluation.collected.values()
        for case in one.dataset.cases
        for tag in case.tags
    }
    there = f" (there are: {text.cut(', '.join(sorted(known)), 200)})" if known else ""
    return [
        f"--ailoop-tag={tag}: no case bears the tag {tag!r}"
        + (text.suggestion(tag, sorted(known)) or there)
        for tag in wanted
        if tag not in known
    ]


def _narrowing(config: pytest.Config, session: pytest.Session) -> list[str]:
    """Return why collection itself saw only a part: this leaves no trace later."""
    found = []
    if _node_ids(config):
        found.append("node ids on the command line")
    if config.getoption("lf", False):
        found.append("--lf")
    if session.testsfailed:
        found.append(f"{text.plural(session.testsfailed, 'error')} during collection")
    return found


def note_deselected(evaluation: Evaluation, items: list[pytest.Item]) -> None:
    """Remember that evals were deselected (`-k`, `-m`, `--deselect`, other plugins)."""
    count = sum(cell_of(item) is not None for item in items)
    if count:
        evaluation.narrowed.append(f"{text.plural(count, 'item')} deselected")


def note_kept(evaluation: Evaluation, items: list[pytest.Item]) -> None:
    """Count what is to run. Where no eval is left, this is a session without evals again."""
    evaluation.kept = sum(cell_of(item) is not None for item in items)
    empty = [one for item in items if (one := nothing_of(item)) is not None]
    evaluation.nothing = list(dict.fromkeys(one.why for one in empty))
    if not evaluation.kept:
        tests = evaluation.session.planned.tests if empty else ()
        evaluation.session.plan(Plan(tests=tuple(one for one in tests if not one.selected)))


def _without_evals(evaluation: Evaluation, items: list[pytest.Item]) -> set[str]:
    """Return the modules that have no eval any more but a baseline still: all of it is gone."""
    root = evaluation.settings.root
    found = {evaluation.relative(path) for path in {item.path for item in items}}
    return {module for module in found if baseline_path(root, module).is_file()}


def _plan(evaluation: Evaluation, tests: dict[tuple[str, str], str], modules: set[str]) -> Plan:
    planned = []
    for (module, test), function in tests.items():
        collected = evaluation.collected[module, function]
        planned.append(
            PlannedTest(
                module=module,
                test=test,
                variants=collected.variants,
                dataset=collected.dataset.facts,
                selected=tuple(collected.selection.cases.ids),
                trials=collected.trials,
                prompts=collected.prompt_digests,
                asked=collected.asked,
                slices=slices_of(collected.selection.cases, evaluation.settings.config.slices),
                selection=collected.selection.words,
                tags=collected.selection.cases.tags,
                gates=collected.gates,
                stopping=collected.stopping,
            )
        )
    whole = _whole_modules(evaluation, modules)
    return Plan(
        tests=tuple(planned),
        whole_modules=whole,
        paths=_named_paths(evaluation),
        uncollected=uncollected(evaluation),
    )


def _named_paths(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the files and folders that the command line names, also by node ids."""
    config = evaluation.config
    if options.collects_all(config):
        return ()
    start = config.invocation_params.dir
    paths = [start / str(argument).split("::")[0] for argument in config.args]
    return tuple(dict.fromkeys(evaluation.relative(one) for one in paths))


def _whole_modules(evaluation: Evaluation, modules: set[str]) -> tuple[str, ...]:
    """Return those of *modules* of which every test was collected."""
    config = evaluation.config
    if config.getoption("lf", False):
        return ()
    named = {str(argument).split("::")[0] for argument in _node_ids(config)}
    paths = [config.invocation_params.dir / name for name in named]
    if not all(path.exists() for path in paths):
        return ()  # `--pyargs package.module::test`: it may be any of them.
    partial = {evaluation.relative(Path(path)) for path in paths}
    return tuple(sorted(modules - partial))


def _node_ids(config: pytest.Config) -> list[Any]:
    return [argument for argument in config.args if "::" in str(argument)]


def plan_of(evaluation: Evaluation) -> Plan:
    """Return the plan as it stands now, with all that is known to narrow it."""
    plan = evaluation.session.planned
    narrowed = tuple(dict.fromkeys([*plan.narrowed, *evaluation.narrowed]))
    return replace(plan, narrowed=narrowed)
