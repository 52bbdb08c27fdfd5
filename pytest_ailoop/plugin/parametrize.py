"""From a marked test function to parametrized items. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import errors, matrix, text
from pytest_ailoop.data.gate import gates_over
from pytest_ailoop.digest import digest_pair
from pytest_ailoop.plugin import marker
from pytest_ailoop.plugin.evaluation import Collected, Evaluation
from pytest_ailoop.plugin.heard import refuse_unheard
from pytest_ailoop.plugin.naming import CELL, NOTHING, NoCell, function_of, source_of
from pytest_ailoop.plugin.rounds import planned_trials
from pytest_ailoop.plugin.spent import extend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ailoop.data.case import Case
    from pytest_ailoop.data.cell import Cell
    from pytest_ailoop.data.variant import ModelSpec
    from pytest_ailoop.dataset.load import Dataset
    from pytest_ailoop.dataset.select import Selection
    from pytest_ailoop.prompts.load import Prompt
    from pytest_ailoop.settings import Settings

__all__ = ["generate"]

#: The only case of an eval without a data set.
ONLY = "only"


def generate(evaluation: Evaluation, metafunc: pytest.Metafunc) -> None:
    """Cross the marker's data sets with its axes and parametrize the test function.

    A fault of what the marker says ends the session as a usage error; a fault in a file is an
    error of collecting this module. An xdist worker must not end its session by itself, so there
    both are collection errors, which travel to the controller.
    """
    if evaluation.config_fault is not None and evaluation.is_worker:
        raise pytest.Collector.CollectError(text.safe(evaluation.config_fault))
    try:
        cells = [] if evaluation.config_fault else _cells(evaluation, metafunc)
    except errors.AiloopError as fault:
        words = _with_place(str(fault), metafunc.definition.nodeid)
        if evaluation.is_worker or not isinstance(fault, errors.UsageError):
            raise pytest.Collector.CollectError(text.safe(words)) from None
        evaluation.usage_faults.append(words)
        cells = []
    if CELL not in metafunc.fixturenames:
        metafunc.fixturenames.append(CELL)
    if cells:
        _parametrize(metafunc, cells)
    else:
        _stand_in(evaluation, metafunc)


def _with_place(words: str, nodeid: str) -> str:
    return words if words.startswith(f"{nodeid}: ") else f"{nodeid}: {words}"


def _parametrize(metafunc: pytest.Metafunc, cells: list[Cell]) -> None:
    wanted = [name for name in cells[0].params if name in metafunc.fixturenames]
    if not wanted:
        _parametrize_alone(metafunc, cells)
        return
    metafunc.parametrize(
        [CELL, *wanted],
        [(cell, *(cell.params[name] for name in wanted)) for cell in cells],
        indirect=[CELL],
        ids=[cell.id for cell in cells],
    )


def _parametrize_alone(metafunc: pytest.Metafunc, cells: list[Cell]) -> None:
    # With parameters of others before ours, each of them is crossed with each cell.
    if getattr(metafunc, "_calls", None) == []:
        metafunc.parametrize(CELL, cells[:1], indirect=True, ids=[cells[0].id])
        if extend(metafunc, cells[1:]):
            return
        metafunc._calls.clear()
    metafunc.parametrize(CELL, cells, indirect=True, ids=[cell.id for cell in cells])


def _stand_in(evaluation: Evaluation, metafunc: pytest.Metafunc) -> None:
    """Leave one skipped item that says why there is none, where pytest would name our argument."""
    collected = evaluation.collected.get(function_of(evaluation, metafunc.definition))
    why = "" if collected is None else _why_nothing(evaluation, collected)
    item = pytest.param(NoCell(why), marks=pytest.mark.skip(reason=f"ailoop: {why}"))
    metafunc.parametrize(CELL, [item], indirect=True, ids=[NOTHING])


def _why_nothing(evaluation: Evaluation, collected: Collected) -> str:
    dataset, split = collected.dataset, evaluation.settings.split
    if not dataset.cases:
        return f"{dataset.name} holds no case"
    splits = {case.split for case in dataset.cases}
    if split != "all" and split not in splits:
        there = ", ".join(sorted(splits))
        return f"{dataset.name} has no case in the split {split}, only in {there} (--ailoop-split)"
    return f"{collected.selection.words} leaves no case of {dataset.name}"


def _cells(evaluation: Evaluation, metafunc: pytest.Metafunc) -> list[Cell]:
    from pytest_ailoop.settings import resolve_model

    settings = evaluation.settings
    definition = metafunc.definition
    marked = marker.merged(definition)
    refuse_unheard(metafunc, marked)
    dataset = _dataset(evaluation, definition, marked)
    module, function = function_of(evaluation, definition)
    gates = gates_over(module, function, marked.gate or (), evaluation.gates)
    trials, stopping = planned_trials(settings, marked, gates, definition.nodeid)
    selection = _selection(settings, dataset, trials)
    axes: dict[str, Any] = {"models": None, "prompts": None, "params": marked.params or {}}
    if marked.model:
        axes["models"] = [resolve_model(name, settings.config) for name in marked.model]
    if marked.prompt:
        axes["prompts"] = _prompts(evaluation, definition, marked.prompt)
        _check_variables(definition, axes["prompts"], selection.cases)
    cells = matrix.cells(selection.cases, **axes, trials=trials, trials_override=settings.trials)
    evaluation.collected[module, function] = Collected(
        module=module,
        function=function,
        dataset=dataset,
        selection=selection,
        variants=matrix.variants(**axes),
        prompt_digests={
            cell.variant.prompt: cell.prompt.digest for cell in cells if cell.variant.prompt
        },
        asked={one.alias: _asked(one) for one in axes["models"] or ()},
        trials=_trials(cells),
        gates=marked.gate or (),
        stopping=stopping,
    )
    return cells


def _asked(model: ModelSpec) -> str:
    """Where it is served is none of it: the same model answers at another port."""
    return digest_pair(model.model, dict(model.parameters))


def _selection(settings: Settings, dataset: Dataset, trials: int) -> Selection:
    """Return the cases to evaluate; fewer trials than they should have are a part, too."""
    from pytest_ailoop.dataset.select import select

    found = select(
        dataset.cases,
        split=settings.split,
        tags=settings.tags,
        sample=settings.sample,
        seed=settings.seed,
        case_ids=settings.cases,
        unknown_ids="skip",
    )
    asked = settings.trials
    if asked is None:
        return found
    most = max((found.cases.trials.get(one, trials) for one in found.cases.ids), default=0)
    if most <= asked:
        return found
    fewer = f"{asked} of {most} trials"
    return replace(found, words="; ".join(filter(None, [found.words, fewer])))


def _trials(cells: list[Cell]) -> dict[str, int]:
    found: dict[str, int] = {}
    for cell in cells:
        found[cell.case_id] = max(cell.trial, found.get(cell.case_id, 0))
    return found


def _dataset(evaluation: Evaluation, definition: pytest.Function, marked: marker.Marked) -> Dataset:
    from pytest_ailoop.dataset.load import load

    spec: Any = marked.dataset
    if spec is None:
        if _takes_our_case(definition):
            raise errors.UsageError(
                f"{definition.nodeid}: the test takes `case`, but its marker names no data set; "
                "write @pytest.mark.ailoop(dataset='cases.jsonl')"
            )
        spec = [{"id": ONLY}]
    base = definition.path.parent
    key = _key(spec, base, marked)
    if key is None or key not in evaluation.datasets:
        loaded = load(
            spec,
            base=base,
            root=evaluation.settings.root,
            case_type=marked.case_type,
            fields=marked.fields,
            allow_empty=marked.allow_empty,
        )
        if key is None:
            return loaded
        evaluation.datasets[key] = loaded
    found: Dataset = evaluation.datasets[key]
    return found


def _takes_our_case(definition: pytest.Function) -> bool:
    """Return whether the test takes `case`, and no fixture of the project's overrides ours."""
    info = definition._fixtureinfo
    found = info.name2fixturedefs.get("case", ())
    ours = not found or found[-1].func.__module__ == "pytest_ailoop.plugin"
    return "case" in info.argnames and ours


def _key(spec: Any, base: Any, marked: marker.Marked) -> Any:
    """Return what a data set from files is remembered by; None for what must be asked anew."""
    names = (spec,) if isinstance(spec, str) else spec
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        return None
    columns = tuple(sorted((marked.fields or {}).items()))
    return tuple(names), base, marked.case_type, columns, marked.allow_empty


def _prompts(
    evaluation: Evaluation, definition: pytest.Function, names: tuple[str, ...]
) -> list[Prompt]:
    from pytest_ailoop.prompts.load import load_prompt

    base, root = definition.path.parent, evaluation.settings.root
    return [load_prompt(name, base=base, root=root) for name in names]


def _check_variables(
    definition: pytest.Function, prompts: list[Prompt], cases: Sequence[Case]
) -> None:
    """Refuse a prompt whose variable the test's source leaves unfilled, at the first such case.

    Raises `PromptError`. Where the source cannot be read or is unclear, the run tells.
    """
    from pytest_ailoop.prompts.usage import lacking, render_calls

    source = source_of(definition)
    calls = render_calls(source) if source else ()
    # Keywords are the same for every case; only a case given as a whole differs by row.
    shown = cases if any(call.with_case for call in calls) else cases[:1]
    for prompt in prompts if calls else ():
        for case in shown:
            names = lacking(prompt, calls, case)
            if names:
                raise errors.PromptError(
                    f"{prompt.path}: the prompt needs {', '.join(map(repr, names))}, which the "
                    f"test does not give it for case {case.id!r} ({case.source}); give it to "
                    f"prompt.render(...) or write {{{{ {names[0]} | default('') }}}}"
                )
