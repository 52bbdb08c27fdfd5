"""From a run's records to the verdicts of all its gates; pure. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, fields, replace

from pytest_ailoop.data.baseline import Accepted, EntryKey, entry_key
from pytest_ailoop.data.gate import AcceptedFailure, Found, GateSpec, GateVerdict, Policy
from pytest_ailoop.data.record import SAMPLED, ItemKey, ItemRecord, Plan
from pytest_ailoop.data.verdict import ComparisonVerdict
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.gates.groups import Group, gates_of, groups
from pytest_ailoop.gates.kinds import exact, metric, regression, threshold
from pytest_ailoop.gates.pairing import Base
from pytest_ailoop.gates.pools import lacking, over_words, pools
from pytest_ailoop.gates.settling import Settling
from pytest_ailoop.gates.stopping import comparisons
from pytest_ailoop.gates.verdicts import holm_regressed

__all__ = ["Context", "decide", "group_key", "settlings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What gates are decided by, besides the records."""

    configured: Sequence[GateSpec] = ()
    """Gates of the configuration."""
    file: str = "pyproject.toml"
    """Where those stand."""
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
    wanted = _wanted(plan, context)
    stops = settlings(plan, context)
    asked = []
    every, views = groups(plan, records, wanted), []
    for group in every:
        settling = stops.get(group_key(group))
        if settling is not None:
            for case in group.cases:
                for trial in case.trials:
                    settling.add(case.key.case, trial)
        view = group if settling is None else settling.group
        views.append(view)
        asked += [_Asked(view, gate, settling) for gate in wanted[group.name] if not gate.together]
    asked += [_Asked(pool, gate) for gate, pool in pools(context.configured, every, views)]
    for one in asked:
        one.found = _found(one, plan, context)
    _hold_among_all(asked)
    return tuple(_verdict(one, context) for one in asked)


def _wanted(plan: Plan, context: Context) -> dict[str, tuple[GateSpec, ...]]:
    """Return the gates of each test that has some, by `module::test`."""
    wanted = {f"{one.module}::{one.test}": gates_of(one, context.configured) for one in plan.tests}
    return {name: gates for name, gates in wanted.items() if gates}


def settlings(plan: Plan, context: Context) -> dict[EntryKey, Settling]:
    """Return, without results, every group that may stop early; by `group_key`."""
    wanted = _wanted(plan, context)
    if not any(one.stopping for one in plan.tests):
        return {}
    among = comparisons(plan, context.configured, pinned=bool(context.pinned))

    def decides(gate: GateSpec, group: Group) -> Found:
        return _by_fixed_rules(gate, group, context)

    found = {
        group_key(group): Settling(
            wanted[group.name], group, group.test.stopping, context, decides, among
        )
        for group in groups(plan, (), wanted)
        if group.test.stopping is not None
        # Of what is not decided nothing is settled.
        and not any(_chosen(gate, group) for gate in wanted[group.name])
    }
    return {key: one for key, one in found.items() if one.may_stop}


def group_key(group: Group) -> EntryKey:
    """Return what names a group: the key of its entries, without a case."""
    test = group.test
    return entry_key(ItemKey(module=test.module, test=test.test, variant=group.variant, case=""))


@dataclass(slots=True)
class _Asked:
    """A gate over a group, on its way to a verdict."""

    group: Group
    gate: GateSpec
    settling: Settling | None = None
    """Where the test may stop early."""
    found: Found = field(default_factory=lambda: Found(status="invalid"))
    #: How it stands to the baseline, and to the pinned one.
    compared: list[tuple[Found, ComparisonVerdict]] = field(default_factory=list)


def _found(one: _Asked, plan: Plan, context: Context) -> Found:
    gate, group = one.gate, one.group
    lack = lacking(gate, plan) if group.parts else None
    if lack is not None:
        return lack
    partial = _partial(group, plan) or _chosen(gate, group)
    if partial:
        return Found(status="inconclusive", reasons=(partial,), facts={"partial": True})
    if gate.kind == "no_regression":
        return _compared(one, context)
    if one.settling is None:
        return _by_fixed_rules(gate, group, context)
    found = _by_fixed_rules(one.settling.sharpened(gate), group, context)
    return one.settling.found(gate, found)


def _by_fixed_rules(gate: GateSpec, group: Group, context: Context) -> Found:
    """Return what a gate finds by itself in a group of which all ran."""
    if gate.kind == "every_case":
        accepted, today = context.accepted_failures, context.today
        return exact.every_case(gate, group, accepted=accepted, today=today)
    if gate.kind == "no_regression":
        return _compared(_Asked(group, gate), context)
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
    modules = (part.test.module for part in one.group.members)
    why = next((found for found in map(context.unreadable.get, modules) if found), None)
    if why is not None:
        return Found(status="invalid", reasons=(why,))
    rolling = Base(entries=context.baseline)
    one.compared.append(_against(one, rolling))
    pinned = Base(entries=context.pinned, name="pinned baseline")
    if one.compared[0][0].status != "no baseline" and context.pinned:
        found = _against(one, pinned)
        if found[0].status != "no baseline":
            one.compared.append(found)
    return min((found for found, _ in one.compared), key=_rank)


def _against(one: _Asked, base: Base) -> tuple[Found, ComparisonVerdict]:
    settling = one.settling
    if settling is None:
        return regression.no_regression(one.gate, one.group, base)
    if settling.is_early:
        # Of cases that were settled without it, nothing is lacking.
        there = {case.key for case in one.group.cases}
        entries = {key: line for key, line in base.entries.items() if key in there}
        base = replace(base, entries=entries)
    found = regression.no_regression(settling.sharpened(one.gate), one.group, base)
    return settling.compared(one.gate, *found)


def _hold_among_all(asked: Sequence[_Asked]) -> None:
    """Hold each *regressed* against all comparisons of the run (Holm 1979).

    So an unchanged system fails a build in no more than alpha of its runs, however many gates,
    tests and variants there are. What has no baseline cannot regress, and is none of them; nor is
    what is unchanged as a whole (docs/statistics.md says why that holds the error rate).
    """
    every = list(_that_could_regress(asked))
    results = [one.compared[at][1] for one, at in every]
    alpha = min((one.alpha for one in results), default=0.05)
    for (one, at), held in zip(every, holm_regressed(results, alpha), strict=True):
        one.compared[at] = regression.with_reasons(one.compared[at][0], held), held
    for one in asked:
        if one.compared:
            one.found = min((found for found, _ in one.compared), key=_rank)


def _that_could_regress(asked: Sequence[_Asked]) -> Iterator[tuple[_Asked, int]]:
    """Yield the comparisons that count, each with its place in `compared`.

    Those of a test under a variant are unchanged together or count together: what moves one of them
    moves the others, and to count by what came out would favour those that fell.
    """
    there = [
        (one, at, found.status)
        for one in asked
        for at, (found, _) in enumerate(one.compared)
        if found.status != "no baseline"
    ]
    moved = {key for one, _, status in there if status != "unchanged" for key in _keys(one)}
    for one, at, _ in there:
        if not moved.isdisjoint(_keys(one)):
            yield one, at


def _keys(one: _Asked) -> set[EntryKey]:
    return {group_key(part) for part in one.group.members}


_WORST = ("invalid", "regressed", "inconclusive", "no baseline", "same", "improved", "unchanged")


def _rank(found: Found) -> int:
    return _WORST.index(found.status)


def _partial(group: Group, plan: Plan) -> str:
    """Return why a part of the group did not run, where that is known; else it is unmeasured."""
    absent = sum(one.planned - len(one.trials) - one.spared for one in group.cases)
    # What other tests settled explains nothing of one that may not stop early.
    may_stop = any(one.test.stopping is not None for one in group.members)
    why = plan.narrowed if may_stop else plan.cut
    if not absent or not why:
        return ""
    there = sum(one.planned for one in group.cases)
    return f"not decided: {there - absent} of {there} items ran ({'; '.join(why)})"


def _chosen(gate: GateSpec, group: Group) -> str:
    """Return why the cases that ran do not stand for all that *gate* is over; else "".

    A random sample does where a gate takes its cases for one anyway. Chosen cases never do.
    """
    for one in group.members:
        words = one.test.selection
        drawn = words.startswith(f"{SAMPLED} ") and "; " not in words
        if words and (gate.fixed or not drawn):
            return f"not decided: only a part of the cases was to run ({words})"
    return ""


def _verdict(one: _Asked, context: Context) -> GateVerdict:
    group, gate, found = one.group, one.gate, one.found
    policy = gate.inconclusive or context.inconclusive
    if group.parts:
        # Trials are drawn for tests, each by its own gates.
        policy = "warn" if policy == "more" else policy
        found = replace(found, reasons=(*found.reasons, *over_words(group, gate)))
    blocking = (
        found.status in ("failed", "regressed", "invalid")
        or (found.status == "inconclusive" and policy == "fail")
        or (found.status == "no baseline" and context.strict and not context.accepts)
    )
    given = {each.name: getattr(found, each.name) for each in fields(Found)}
    fewest = min((case.planned for case in group.tagged(gate.tag)), default=1)
    if fewest < found.trials:
        given["facts"] = {**found.facts, "fewest_trials": fewest}
    return GateVerdict(
        gate=replace(gate, inconclusive=policy),
        module=context.file if group.parts else group.test.module,
        test="gates" if group.parts else group.test.test,
        tests=tuple(part.name for part in group.parts),
        variant=group.variant,
        blocking=blocking,
        **given,
    )
