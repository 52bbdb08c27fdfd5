"""What an item is told by: nothing that may change its result leaves its identity the same."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_ailoop.data.case import Case
from pytest_ailoop.data.cell import Cases, Cell, Column
from pytest_ailoop.data.variant import ModelSpec, Variant
from pytest_ailoop.plugin.identity import identity_of
from pytest_ailoop.plugin.naming import CELL
from pytest_ailoop.settings import Config, Settings


class Stub:
    """An item and a session as far as the identity looks at them."""

    def __init__(self, cell: Cell, config: Config) -> None:
        self.evaluation: Any = SimpleNamespace(
            settings=Settings(root=Path("/project"), config=config),
            relative=lambda path: path.name,
            config=SimpleNamespace(stash=pytest.Stash()),
            functions={},
        )
        self.item: Any = SimpleNamespace(
            callspec=SimpleNamespace(params={CELL: cell}, id=cell.id),
            stash=pytest.Stash(),
            parent=None,
            path=Path("/project/test_it.py"),
            originalname="test_it",
            name="test_it",
            function=None,
            listchain=list,
        )

    def identity(self, used: tuple[str, ...] = ("big-1", "judge-1")) -> str:
        return identity_of(self.evaluation, self.item, used)


SPECS = {
    alias: ModelSpec(alias=alias, model=f"{alias}-1", parameters={"temperature": 0})
    for alias in ("big", "judge", "second", "unused")
}
COLUMN = Column(
    variant=Variant(model="big", prompt="kind", params=(("heat", 0),)),
    model=SPECS["big"],
    prompt=SimpleNamespace(digest="p"),
    params={"heat": 0},
)


def cell_of(digest: str = "c", column: Column = COLUMN, trial: int = 1) -> Cell:
    cases = Cases.of([Case(id="one", digest=digest)])
    return Cell(id="one-big", cases=cases, at=0, column=column, trial=trial)


CELL_OF_ALL = cell_of()
CONFIG = Config(models=SPECS, judge="second")


def mutated(drawn: random.Random, number: int) -> Stub:
    """Return the item with one thing changed that may change its result."""
    cell, config = CELL_OF_ALL, CONFIG
    kind = drawn.choice(["case", "prompt", "axis", "trial", "judge", "own", "asked", "named"])
    if kind == "case":
        cell = cell_of(f"c{number}")
    elif kind == "prompt":
        cell = cell_of(column=replace(COLUMN, prompt=SimpleNamespace(digest=f"p{number}")))
    elif kind == "axis":
        variant = replace(cell.variant, params=(("heat", number + 1),))
        cell = cell_of(column=replace(COLUMN, variant=variant))
    elif kind == "trial":
        cell = cell_of(trial=number + 2)
    elif kind == "judge":
        config = replace(config, judge=f"judge{number}")
    else:
        alias = {"own": "big", "asked": "judge", "named": "second"}[kind]
        change: dict[str, Any] = drawn.choice(
            [
                {"model": f"m{number}"},
                {"base_url": f"http://127.0.0.1:{number}"},
                {"parameters": {"temperature": number + 1}},
                {"parameters": {"temperature": 0, "seed": number}},
                {"price": {"input": float(number), "output": 0.0}},
            ]
        )
        spec = replace(SPECS[alias], **change)
        config = replace(config, models={**SPECS, alias: spec})
        cell = cell_of(column=replace(COLUMN, model=spec)) if kind == "own" else cell
    return Stub(cell, config)


def test_no_mutated_configuration_has_the_same_identity():
    """Of 200 changes none is taken for what was measured."""
    drawn, original = random.Random(1), Stub(CELL_OF_ALL, CONFIG).identity()
    found = [mutated(drawn, number).identity() for number in range(200)]
    assert original not in found
    assert original == Stub(CELL_OF_ALL, CONFIG).identity()


def test_what_has_no_part_in_a_result_changes_no_identity():
    """A model that was not asked, and a key's name."""
    original = Stub(CELL_OF_ALL, CONFIG).identity()
    for alias, change in (("unused", {"model": "x"}), ("judge", {"api_key_env": "OTHER"})):
        models = {**SPECS, alias: replace(SPECS[alias], **change)}
        assert original == Stub(CELL_OF_ALL, replace(CONFIG, models=models)).identity()


def test_a_name_that_becomes_an_alias_counts():
    """A test asked its judge by name; now an alias of that name stands for another model."""
    used = ("big-1", "plain-judge")
    alias = ModelSpec(alias="plain-judge", model="other")
    config = replace(CONFIG, models={**SPECS, "plain-judge": alias})
    assert Stub(CELL_OF_ALL, CONFIG).identity(used) != Stub(CELL_OF_ALL, config).identity(used)
