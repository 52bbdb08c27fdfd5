"""What was collected, as a plan that missing items can be named by. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import text
from pytest_ailoop.data.record import Plan, PlannedTest
from pytest_ailoop.plugin.naming import cell_of, function_of, key_of

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["note_deselected", "note_items", "plan_of"]


def note_items(evaluation: Evaluation, items: list[pytest.Item]) -> None:
    """Plan the collected items, before anything deselects some; usage faults end the session here.

    A test that bears the marker but did not become an eval (a `unittest` method, a plugin's own
    item) would run unmeasured: that is a usage fault too.
    """
    tests: dict[tuple[str, str], str] = {}
    for item in items:
        cell = cell_of(item)
        if cell is not None:
            key = key_of(evaluation, item, cell)
            tests.setdefault((key.module, key.test), function_of(evaluation, item)[1])
        elif item.get_closest_marker("ailoop") and not hasattr(item, "callspec"):
            evaluation.usage_faults.append(
                f"{item.nodeid}: the marker ailoop works on pytest functions and methods of "
                f"plain classes, not on {type(item).__name__}"
            )
    evaluation.usage_faults.extend(_unknown_cases(evaluation))
    if evaluation.usage_faults and not evaluation.is_worker:
        faults = [f"ailoop: {text.safe(one)}" for one in evaluation.usage_faults]
        raise pytest.UsageError("\n".join(faults))
    evaluation.narrowed.extend(_narrowing(evaluation.config))
    evaluation.session.plan(_plan(evaluation, tests))


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


def _narrowing(config: pytest.Config) -> list[str]:
    """Return why collection itself saw only a part: node ids and --lf leave no trace later."""
    found = []
    if any("::" in str(argument) for argument in config.args):
        found.append("node ids on the command line")
    if config.getoption("lf", False):
        found.append("--lf")
    return found


def note_deselected(evaluation: Evaluation, items: list[pytest.Item]) -> None:
    """Remember that evals were deselected (`-k`, `-m`, `--deselect`, other plugins)."""
    count = sum(cell_of(item) is not None for item in items)
    if count:
        evaluation.narrowed.append(f"{text.plural(count, 'item')} deselected")


def _plan(evaluation: Evaluation, tests: dict[tuple[str, str], str]) -> Plan:
    partial_modules = {str(argument).split("::")[0] for argument in _node_ids(evaluation.config)}
    planned, whole = [], set()
    for (module, test), function in tests.items():
        collected = evaluation.collected[module, function]
        planned.append(
            PlannedTest(
                module=module,
                test=test,
                variants=collected.variants,
                dataset=collected.dataset.facts,
                selected=tuple(one.id for one in collected.selection.cases),
                trials=collected.trials,
                prompts=collected.prompt_digests,
                selection=collected.selection.words,
            )
        )
        if not any(module.endswith(name.lstrip("./")) for name in partial_modules):
            whole.add(module)
    if evaluation.config.getoption("lf", False):
        whole.clear()
    return Plan(tests=tuple(planned), whole_modules=tuple(sorted(whole)))


def _node_ids(config: pytest.Config) -> list[Any]:
    return [argument for argument in config.args if "::" in str(argument)]


def plan_of(evaluation: Evaluation) -> Plan:
    """Return the plan as it stands now, with all that is known to narrow it."""
    plan = evaluation.session.planned
    narrowed = tuple(dict.fromkeys([*plan.narrowed, *evaluation.narrowed]))
    return Plan(tests=plan.tests, narrowed=narrowed, whole_modules=plan.whole_modules)
