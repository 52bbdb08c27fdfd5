"""From a run's records to the verdicts of all its gates; pure. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from pytest_ailoop.data.baseline import Accepted, EntryKey
from pytest_ailoop.data.gate import AcceptedFailure, GateSpec, GateVerdict, Policy
from pytest_ailoop.data.record import ItemRecord, Plan
from pytest_ailoop.data.verdict import ComparisonVerdict
from pytest_ailoop.gates.found import Found
from pytest_ailoop.gates.groups import Group, gates_of, groups
from pytest_ailoop.gates.kinds import exact, metric, regression, threshold
from pytest_ailoop.gates.verdicts import holm_regressed

__all__ = ["Context", "decide"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What gates are decided by, besides the records."""

    configured: Sequence[GateSpec] = ()
    """Gates of the configuration."""
    accepted_failures: Sequence[AcceptedFailure] = ()
    today: str = ""
    """ISO 8601; entries of `accepted_failures` hold up to their day."""
    baseline: Mapping[EntryKey, Accepted] = field(default_factory=dict)
    pinned: Mapping[EntryKey, Accepted] = field(default_factory=dict)
    """Lines of the pinned baselines, where there are some."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Why a module's baseline, or its pinned one, cannot be read."""
    inconclusive: Policy = "warn"
    """What a gate does that does not say itself."""
    strict: bool = False
    """Whether a comparison without a baseline turns the run red: under `CI`."""
    accepts: bool = False
    """Whether this run becomes the baseline where there is none."""


def decide(plan: Plan, records: Iterable[ItemRecord], context: Context) -> tuple[GateVerdict, ...]:
    """Return the verdict of each gate over each test and variant, in plan order.

    A group of which a part did not run, because a part was asked for or the run ended early, is
    decided by no gate: what is left of it is no fair sample.
    """
    wanted = {f"{one.module}::{one.test}": gates_of(one, context.configured) for one in plan.tests}
    gated = {name for name, gates in wanted.items() if gates}
    asked = [
        _Asked(group, gate)
        for group in groups(plan, records, gated)
        for gate in wanted[f"{group.test.module}::{group.test.test}"]
    ]
    for one in asked:
        one.found = _found(one, plan, context)
    _hold_among_all(asked)
    return tuple(_verdict(one, context) for one in asked)


@dataclass(slots=True)
class _Asked:
    """A gate over a group, on its way to a verdict."""

    group: Group
    gate: GateSpec
    found: Found = field(default_factory=lambda: Found(status="invalid"))
    #: How it stands to the baseline, and to the pinned one.
    compared: list[tuple[Found, ComparisonVerdict]] = field(default_factory=list)


def _found(one: _Asked, plan: Plan, context: Context) -> Found:
    gate, group = one.gate, one.group
    partial = _partial(group, plan)
    if partial:
        return Found(status="inconclusive", reasons=(partial,))
    if gate.kind == "every_case":
        accepted, today = context.accepted_failures, context.today
        return exact.every_case(gate, group, accepted=accepted, today=today)
    if gate.kind == "no_regression":
        return _compared(one, context)
    return _KINDS[gate.kind](gate, group)


_KINDS: dict[str, Callable[[GateSpec, Group], Found]] = {
    "max_cost": exact.max_cost,
    "mean": threshold.mean,
    "metric": metric.metric,
    "p95_latency": threshold.p95_latency,
    "pass_rate": threshold.pass_rate,
}


def _compared(one: _Asked, context: Context) -> Found:
    """Compare with the baseline and, where there is one, the pinned baseline; the worse counts."""
    why = context.unreadable.get(one.group.test.module)
    if why is not None:
        return Found(status="invalid", reasons=(why,))
    rolling = regression.Base(entries=context.baseline)
    one.compared.append(regression.no_regression(one.gate, one.group, rolling))
    pinned = regression.Base(entries=context.pinned, name="pinned baseline")
    if one.compared[0][0].status != "no baseline" and context.pinned:
        found = regression.no_regression(one.gate, one.group, pinned)
        if found[0].status != "no baseline":
            one.compared.append(found)
    return one.compared[0][0]


def _hold_among_all(asked: Sequence[_Asked]) -> None:
    """Hold each *regressed* against all comparisons of the run (Holm 1979).

    So an unchanged system fails a build in no more than alpha of its runs, however many gates,
    tests and variants there are.
    """
    every = [(one, at) for one in asked for at in range(len(one.compared))]
    results = [one.compared[at][1] for one, at in every]
    alpha = min((one.alpha for one in results), default=0.05)
    for (one, at), held in zip(every, holm_regressed(results, alpha), strict=True):
        found = one.compared[at][0]
        if found.status != "no baseline":
            one.compared[at] = regression.with_reasons(found, held), held
    for one in asked:
        if one.compared:
            one.found = min((found for found, _ in one.compared), key=_rank)


_WORST = ("invalid", "regressed", "inconclusive", "no baseline", "same", "improved", "unchanged")


def _rank(found: Found) -> int:
    return _WORST.index(found.status)


def _partial(group: Group, plan: Plan) -> str:
    """Return why a part of the group did not run, where that is known; else it is unmeasured."""
    absent = sum(one.planned - len(one.trials) for one in group.cases)
    if not absent or not plan.narrowed:
        return ""
    there = sum(one.planned for one in group.cases)
    return f"not decided: {there - absent} of {there} items ran ({'; '.join(plan.narrowed)})"


def _verdict(one: _Asked, context: Context) -> GateVerdict:
    group, gate, found = one.group, one.gate, one.found
    policy = gate.inconclusive or context.inconclusive
    blocking = (
        found.status in ("failed", "regressed", "invalid")
        or (found.status == "inconclusive" and policy == "fail")
        or (found.status == "no baseline" and context.strict and not context.accepts)
    )
    given = {each.name: getattr(found, each.name) for each in fields(Found)}
    return GateVerdict(
        gate=replace(gate, inconclusive=policy),
        module=group.test.module,
        test=group.test.test,
        variant=group.variant,
        blocking=blocking,
        **given,
    )
