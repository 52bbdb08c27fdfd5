"""Cases x models x prompts x further axes x trials, as cells with ids fit for every test tree.

An id's parts are joined by `-`: case, model, prompt, `name_value` of each further axis, `rN` for
the N-th of several trials. A part is 1 to 60 of `[A-Za-z0-9_-]`, which `-k`, IDEs and junit all
take. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from pytest_ailoop.data.case import Case
from pytest_ailoop.data.cell import Cases, Cell, Column
from pytest_ailoop.data.variant import ModelSpec, Variant
from pytest_ailoop.digest import canonical, digest_text
from pytest_ailoop.errors import UsageError
from pytest_ailoop.text import cut

__all__ = ["Named", "cells", "prompt_names", "variants"]

LONGEST = 60
_OTHER = re.compile(r"[^A-Za-z0-9_-]")
_RESERVED = ("case", "llm", "model", "prompt", "trace", "trial")


class Named(Protocol):
    """What the matrix knows of a prompt."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> str: ...


def cells(
    cases: Sequence[Case],
    *,
    models: Sequence[ModelSpec] | None = None,
    prompts: Sequence[Named] | None = None,
    params: Mapping[str, Sequence[Any]] | None = None,
    trials: int = 1,
    trials_override: int | None = None,
) -> list[Cell]:
    """Return every combination, case by case, trials innermost.

    *models* or *prompts* None is an axis that was not declared: no part in the ids. How often a
    case is tried is *trials_override*, else the case's own number, else *trials*.

    The id of a case is its own where it fits; else it is cleaned, cut and gets 6 hex digits of
    the digest of the whole, whatever other cases there are. Ids that still meet get 6 more each.
    Raises `UsageError` for an empty axis, doubled values, values that are not JSON scalars,
    doubled case ids, and a number of trials below 1.
    """
    _check_trials("trials", trials)
    if trials_override is not None:
        _check_trials("the number of trials asked for", trials_override)
    held = cases if isinstance(cases, Cases) else Cases.of(cases)
    _once("case id", held.ids)
    columns = list(_columns(models, prompts, params))
    found = [
        Cell(id=f"{head}{column.tail}{mark}", cases=held, at=at, column=column, trial=trial)
        for at, name in enumerate(held.ids)
        for head, repeats in [
            (_case_part(name), _trials(name, held.trials.get(name), trials, trials_override))
        ]
        for column in columns
        for trial, mark in repeats
    ]
    return found if len({cell.id for cell in found}) == len(found) else _told_apart(found)


def variants(
    *,
    models: Sequence[ModelSpec] | None = None,
    prompts: Sequence[Named] | None = None,
    params: Mapping[str, Sequence[Any]] | None = None,
) -> tuple[Variant, ...]:
    """Return the variants of these axes in the order of the cells; one empty one without axes.

    Raises `UsageError` as `cells` does.
    """
    return tuple(column.variant for column in _columns(models, prompts, params))


def prompt_names(prompts: Sequence[Named]) -> tuple[str, ...]:
    """Return a name for each prompt that no other one here has, in order.

    It is the prompt's own name; where several bear it, with as many folders before it as tell
    them apart (`de/terse`, `en/terse`), or with its suffixes (`terse.md`, `terse.txt`).
    Raises `UsageError` for a file given twice.
    """
    _once("prompt", [prompt.path for prompt in prompts])
    count = Counter(prompt.name for prompt in prompts)
    names = [
        prompt.name if count[prompt.name] == 1 else _longer_name(prompt, prompts)
        for prompt in prompts
    ]
    doubled = {name for name, times in Counter(names).items() if times > 1}
    return tuple(
        prompt.path if name in doubled else name
        for prompt, name in zip(prompts, names, strict=True)
    )


def _longer_name(prompt: Named, prompts: Sequence[Named]) -> str:
    rivals = [one for one in prompts if one.name == prompt.name]
    deepest = max(one.path.count("/") for one in rivals)
    for spell in (_with_folders, _with_suffixes):
        for folders in range(deepest + 1):
            spelled = [spell(one, folders) for one in rivals]
            if len(set(spelled)) == len(rivals):
                return spell(prompt, folders)
    return prompt.path


def _with_folders(prompt: Named, folders: int) -> str:
    above = prompt.path.split("/")[:-1]
    return "/".join([*above[max(0, len(above) - folders) :], prompt.name])


def _with_suffixes(prompt: Named, folders: int) -> str:
    parts = prompt.path.split("/")
    return "/".join(parts[max(0, len(parts) - 1 - folders) :])


def _columns(
    models: Sequence[ModelSpec] | None,
    prompts: Sequence[Named] | None,
    params: Mapping[str, Sequence[Any]] | None,
) -> Iterator[Column]:
    axes = [_model_axis(models), _prompt_axis(prompts)]
    names = list(params or {})
    axes.extend(_param_axis(name, values) for name, values in (params or {}).items())
    for (model, spec, model_part), (name, prompt, prompt_part), *rest in itertools.product(*axes):
        pairs = tuple(zip(names, (value for value, _, _ in rest), strict=True))
        parts = [model_part, prompt_part, *(part for _, _, part in rest)]
        yield Column(
            variant=Variant(model=model, prompt=name, params=pairs),
            model=spec,
            prompt=prompt,
            params=dict(pairs),
            tail="".join(f"-{part}" for part in parts if part),
        )


_Axis = list[tuple[Any, Any, str]]
"""For each place on an axis: what the variant says, the object, the part of the id."""


def _model_axis(models: Sequence[ModelSpec] | None) -> _Axis:
    if models is None:
        return [(None, None, "")]
    aliases = [spec.alias for spec in models]
    _filled("model", aliases)
    _once("model", aliases)
    return list(zip(aliases, models, _parts(aliases), strict=True))


def _prompt_axis(prompts: Sequence[Named] | None) -> _Axis:
    if prompts is None:
        return [(None, None, "")]
    names = prompt_names(prompts)
    _filled("prompt", names)
    return list(zip(names, prompts, _parts(names), strict=True))


def _param_axis(name: str, values: Sequence[Any]) -> _Axis:
    if not isinstance(name, str) or not name or name in _RESERVED:
        raise UsageError(
            f"params: {name!r} cannot name an axis; expected a text other than "
            f"{', '.join(_RESERVED)}"
        )
    if not isinstance(values, (list, tuple, range)):
        raise UsageError(
            f"params: axis {name!r} takes a list of values, got {cut(repr(values), 60)}"
        )
    _filled(name, values)
    for value in values:
        _check_scalar(name, value)
    # 0, 0.0 and False are one dictionary key: their scores would fall together.
    _once(f"value on the axis {name!r}", values)
    return [
        (value, None, part)
        for value, part in zip(values, _parts([f"{name}_{value}" for value in values]), strict=True)
    ]


def _check_scalar(name: str, value: Any) -> None:
    if value is not None and type(value) not in (str, int, float, bool):
        raise UsageError(
            f"params: axis {name!r} takes texts, numbers, True, False and None, "
            f"got {type(value).__name__}: {cut(repr(value), 60)}"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"params: axis {name!r} takes finite numbers, got {value!r}")


def _check_trials(what: str, value: Any) -> None:
    if type(value) is not int or value < 1:
        raise UsageError(f"{what}: expected a whole number from 1 on, got {cut(repr(value), 60)}")


def _filled(axis: str, values: Sequence[Any]) -> None:
    if not values:
        raise UsageError(f"the axis {axis!r} has no value; leave it out or give it one")


def _once(what: str, values: Sequence[Any]) -> None:
    if len(set(values)) == len(values):
        return
    seen: dict[Any, Any] = {}
    for value in values:
        if value in seen:
            twice = (
                repr(value) if repr(seen[value]) == repr(value) else f"{seen[value]!r}, {value!r}"
            )
            raise UsageError(f"the same {what} is given twice: {cut(twice, 120)}")
        seen[value] = value


def _trials(
    case_id: str, own: int | None, trials: int, override: int | None
) -> list[tuple[int, str]]:
    if own is not None:
        _check_trials(f"trials of case {case_id!r}", own)
    count = override or own or trials
    return [(trial, f"-r{trial}" if count > 1 else "") for trial in range(1, count + 1)]


def _case_part(case_id: str) -> str:
    """Clean by itself, so that an id never depends on which other rows there are."""
    clean = _OTHER.sub("_", case_id)
    if clean == case_id and 0 < len(clean) <= LONGEST:
        return clean
    return _marked(clean, case_id)


def _parts(names: Sequence[str]) -> list[str]:
    """Clean names of one axis; only those that meet, are cut or empty get digits."""
    clean = [_OTHER.sub("_", name) for name in names]
    count = Counter(clean)
    return [
        short if count[short] == 1 and 0 < len(short) <= LONGEST else _marked(short, name)
        for short, name in zip(clean, names, strict=True)
    ]


def _marked(clean: str, whole: str) -> str:
    return f"{clean[: LONGEST - 7] or '_'}-{digest_text(whole)[:6]}"


def _told_apart(found: list[Cell]) -> list[Cell]:
    """Give cells whose ids meet digits of all that tells them apart.

    `-` stands inside parts too: case `a` in trial 2 meets case `a-r2`.
    """
    ids = [cell.id for cell in found]
    for digits in itertools.count(6):
        count = Counter(ids)
        if len(count) == len(ids):
            break
        ids = [
            one if count[one] == 1 else f"{cell.id}-{_address(cell, digits)}"
            for one, cell in zip(ids, found, strict=True)
        ]
    return [cell.named(one) for one, cell in zip(ids, found, strict=True)]


def _address(cell: Cell, digits: int) -> str:
    key = canonical([cell.case_id, cell.variant.plain(), cell.trial])
    return "".join(digest_text(f"{turn}{key}") for turn in range(digits // 16 + 1))[:digits]
