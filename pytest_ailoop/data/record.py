"""What a run keeps: a record for each item, a plan of what was to run, and the run itself.

Records are JSON objects on disk and between processes; `plain` and the `*_from` functions
are each other's inverse. The published schemas are made from these classes. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field, fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Literal

from pytest_ailoop.data.call import Call, Usage
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.gate import (
    GateSpec,
    GateVerdict,
    StopRule,
    spec_from,
    stop_from,
    verdict_from,
)
from pytest_ailoop.data.money import Bill, Money
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant, variant_from
from pytest_ailoop.frozen import dataclass

__all__ = [
    "LEFT_OUT",
    "SAMPLED",
    "SCHEMA",
    "SETTLED",
    "Fault",
    "ItemKey",
    "ItemRecord",
    "Outcome",
    "Plan",
    "PlannedTest",
    "RunRecord",
    "item_from",
    "plain",
    "plan_from",
    "run_from",
]

LEFT_OUT = ("--ignore", "--ignore-glob", "--lf", "node ids")
"""Why the command line left out tests before they were collected."""

SAMPLED = "sample"
"""How the selection of a test begins whose cases were drawn; conditions on them follow a `; `."""

SETTLED = "stopped early: settled"
"""How a plan says that items were not needed."""

SCHEMA = 1
"""Version of `run.json` and `results.jsonl`; a reader refuses what is newer."""

Outcome = Literal["passed", "failed", "missed", "error", "skipped", "xfailed", "xpassed", "settled"]
"""`failed` is quality below the bar, and any exception of the body; `missed` is the same under a
gate, which decides for all items together; `error` is what could not be measured: no reply, a check
that could not run, a fixture that raised; `settled` did not run, for the verdict stood without it.
They are never added up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemKey:
    """Names an item across runs, machines and renamed ids."""

    module: str
    """Test module, relative to the root folder, with `/`."""
    test: str
    """`test_name` or `TestClass::test_name`, with ordinary parametrize ids in brackets."""
    variant: Variant
    case: str
    trial: int = 1
    """1-based."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Why an item did not pass, as a type and a message; no traceback, no locals."""

    type: str
    message: str
    where: str = ""
    """`file:line` in the user's code where it is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemRecord:
    """Everything measured on one item."""

    key: ItemKey
    nodeid: str
    outcome: Outcome
    case_digest: str
    prompt_digest: str | None = None
    tags: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    """Always with one named `passed`, kind `outcome`, unless it errored, was skipped or settled."""
    expectations: tuple[Expectation, ...] = ()
    calls: tuple[Call, ...] = ()
    given_up: int = 0
    """Calls that were cancelled while they waited in line: they never went out."""
    output: str | None = None
    """The value first given to `expect`, or the last reply of the application."""
    output_digest: str | None = None
    fault: Fault | None = None
    duration: float = 0.0
    """Seconds of the test body."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedTest:
    """One evaluated test function, as collected: what a complete run would have measured."""

    module: str
    test: str
    variants: tuple[Variant, ...]
    dataset: DatasetFacts
    selected: tuple[str, ...]
    """Case ids left after split, tag, sample and case selection."""
    trials: Mapping[str, int]
    """Trials by case id, for the selected ones."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Prompt digest by prompt name."""
    selection: str = ""
    """Words for the report: why not all cases were selected; empty for all of the split."""
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Tags by case id, for the selected ones that bear some."""
    gates: tuple[GateSpec, ...] = ()
    """What decides for each variant; without one, every item decides for itself."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """Digest of name and parameters of the model asked, by alias."""
    slices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values of metadata that cases are sliced by, such as `lang=de`, by case id."""
    stopping: StopRule | None = None
    """How it may stop before all its items ran; None runs them all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What was to run, over all modules. Items are planned = variants x selected cases x trials."""

    tests: tuple[PlannedTest, ...] = ()
    narrowed: tuple[str, ...] = ()
    """Why this run is partial, in words (`-k`, `--lf`, node ids, stopped early, crashed worker);
    empty for a complete one."""
    whole_modules: tuple[str, ...] = ()
    """Modules collected as a whole: a baseline test that is not in them any more is gone."""
    paths: tuple[str, ...] = ()
    """Files and folders that the command line named, from the root; empty for all there is."""
    uncollected: Mapping[str, str] = field(default_factory=dict)
    """Where evals may be that were not collected, from the root, and why: one of `LEFT_OUT`, or
    what became of a module that failed or was skipped as a whole. An empty path is anywhere."""

    @property
    def cut(self) -> tuple[str, ...]:
        """Why it is partial, but for items that nobody needed any more."""
        return tuple(one for one in self.narrowed if not one.startswith(SETTLED))


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """One pytest session's lineage. Neither secrets nor absolute paths."""

    id: str
    """`YYYYMMDD-HHMMSS-xxxx`, sortable by time (UTC)."""
    started: str
    """ISO 8601, UTC."""
    duration: float
    schema: int = SCHEMA
    exit_status: int = 0
    commit: str | None = None
    """Git commit, or None outside a repository."""
    dirty: str | None = None
    """Digest of the uncommitted changes; None for a clean tree."""
    inputs: str | None = None
    """Digest of the plan, where gates decided over all of it at a commit."""
    attempt: int = 1
    """Which of the kept runs of the same commit, changes and plan it is."""
    failed_before: int = 0
    """How many of the earlier ones failed."""
    unaccepted: bool = False
    """Whether it failed for want of a baseline alone, which is no verdict on what was measured."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The ailoop options in force, and pytest's arguments."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Python, pytest, pytest-ailoop, openai, price table."""
    seeds: Mapping[str, int] = field(default_factory=dict)
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Models asked, each with the models that answered."""
    plan: Plan = field(default_factory=Plan)
    counts: Mapping[str, int] = field(default_factory=dict)
    """Items by outcome, with `missing` for planned items that have no record."""
    gates: tuple[GateVerdict, ...] = ()
    """What the gates decided, in plan order."""
    bill: Bill | None = None
    """What the session paid; None where that was not counted."""


def plain(noun: Any) -> Any:
    """Return a noun of this floor as JSON values: mappings, lists, strings, numbers, None."""
    # Not dataclasses.asdict: that copies every leaf and takes three times as long, for each item.
    # Leaves are looked at here, not by a call of their own each: they are nearly all there is.
    kind: type = type(noun)
    if kind in _LEAVES:
        return noun
    names = _field_names(kind)
    if names:
        found = dict(zip(names, _values_of(kind)(noun), strict=True))
        for name in _containers(kind):
            one = found[name]
            if type(one) not in _LEAVES:
                found[name] = plain(one)
        return found
    if isinstance(noun, (list, tuple)):
        return [one if type(one) in _LEAVES else plain(one) for one in noun]
    if isinstance(noun, (dict, Mapping)):
        return {name: one if type(one) in _LEAVES else plain(one) for name, one in noun.items()}
    return noun


_LEAVES = frozenset({str, int, float, bool, type(None)})


@cache
def _values_of(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes all values of a noun of that kind at once: some have two dozen."""
    names = _field_names(kind)
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda noun: (get(noun),)


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind)) if is_dataclass(kind) else ()


@cache
def _containers(kind: type) -> tuple[str, ...]:
    """Return the fields that may hold more than a leaf, by what is written beside them."""
    return tuple(one.name for one in fields(kind) if not _LEAF.fullmatch(str(one.type)))


_LEAF = re.compile(r"(str|int|float|bool|None)( \| (str|int|float|bool|None))*")


def _key_from(data: Mapping[str, Any]) -> ItemKey:
    return ItemKey(**{**data, "variant": variant_from(data["variant"])})


def _call_from(data: Mapping[str, Any]) -> Call:
    changed = {"usage": Usage(**data["usage"]), "tool_calls": tuple(data["tool_calls"])}
    return Call(**{**data, **changed})


def item_from(data: Mapping[str, Any], key: ItemKey | None = None) -> ItemRecord:
    """Return the record of `plain(record)`; raises `KeyError` or `TypeError` on other shapes.

    *key* is that of the item, where the caller has it.
    """
    fault = data["fault"]
    changed = {
        "key": key or _key_from(data["key"]),
        "tags": tuple(data["tags"]),
        "scores": tuple(Score(**score) for score in data["scores"]),
        "expectations": tuple(Expectation(**one) for one in data["expectations"]),
        "calls": tuple(map(_call_from, data["calls"])),
        "fault": None if fault is None else Fault(**fault),
    }
    return ItemRecord(**{**data, **changed})


def _planned_from(data: Mapping[str, Any]) -> PlannedTest:
    changed = {
        "variants": tuple(map(variant_from, data["variants"])),
        "dataset": DatasetFacts(**data["dataset"]),
        "selected": tuple(data["selected"]),
        "tags": {case: tuple(tags) for case, tags in data.get("tags", {}).items()},
        "gates": tuple(map(spec_from, data.get("gates", ()))),
        "slices": {case: tuple(some) for case, some in data.get("slices", {}).items()},
        "stopping": stop_from(data.get("stopping")),
    }
    return PlannedTest(**{**data, **changed})


def plan_from(data: Mapping[str, Any]) -> Plan:
    """Return the plan of `plain(plan)`."""
    return Plan(
        tests=tuple(map(_planned_from, data["tests"])),
        narrowed=tuple(data["narrowed"]),
        whole_modules=tuple(data["whole_modules"]),
        paths=tuple(data.get("paths", ())),
        uncollected=data.get("uncollected", {}),
    )


def _bill_from(data: Mapping[str, Any] | None) -> Bill | None:
    if data is None:
        return None
    sums = {name: Money(**data[name]) for name in ("paid", "saved", "earlier")}
    return Bill(**{**data, **sums})


def run_from(data: Mapping[str, Any]) -> RunRecord:
    """Return the run of `plain(run)`; raises `KeyError` or `TypeError` on other shapes."""
    models = {asked: tuple(answered) for asked, answered in data["models"].items()}
    bill = _bill_from(data.get("bill"))
    gates = tuple(map(verdict_from, data.get("gates", ())))
    changed = {"models": models, "plan": plan_from(data["plan"]), "bill": bill, "gates": gates}
    return RunRecord(**{**data, **changed})
