"""Slices of the cases that stand out from the rest: found, and shown as hints.

Each slice of at least five cases is held against the rest of its group: pass rates by Fisher's
exact test where every case passed or missed as a whole, means over trials and differences from
the baseline by the rank-sum test. All of a run together are adjusted after Benjamini and Hochberg,
so that of those shown about one in ten at most is chance. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import fsum
from typing import Any

from pytest_ailoop import text
from pytest_ailoop.data.baseline import Accepted, Change, Comparison, sorted_axes
from pytest_ailoop.data.gate import GateSpec, GateVerdict
from pytest_ailoop.data.record import Plan, PlannedTest
from pytest_ailoop.data.slice import Slice
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report.numbers import number, percent

__all__ = ["slice_lines", "slices"]

LEAST = 5
"""Cases of a slice, and of the rest, with fewer of which nothing is looked at."""

RATE = 0.1
"""Share of chance finds among those that stand out, at most about."""

OUTCOME = "passed"

_Group = tuple[str, str, Variant]


def slices(
    plan: Plan, comparison: Comparison, verdicts: Iterable[GateVerdict] = ()
) -> tuple[Slice, ...]:
    """Return every slice that was looked at, the least likely first; pure.

    The differences from the baseline are looked at where a gate compares with it.
    """
    changes = _by_group(comparison.changes)
    gates = _comparisons(verdicts)
    found = [
        one
        for test in plan.tests
        for variant in map(sorted_axes, test.variants)
        for one in _of_group(test, variant, changes, gates)
    ]
    return tuple(sorted(_adjusted(found), key=lambda one: (one.q, one.p)))


def _adjusted(found: Sequence[Slice]) -> Iterator[Slice]:
    from pytest_ailoop.stats.multiple import benjamini_hochberg

    adjusted = benjamini_hochberg([one.p for one in found])
    for one, q in zip(found, adjusted.values, strict=True):
        if q is not None:
            yield replace(one, q=q, stands_out=q <= RATE)


def _by_group(changes: Iterable[Change]) -> dict[_Group, list[Change]]:
    found: dict[_Group, list[Change]] = {}
    for one in changes:
        if one.now is not None:
            found.setdefault((one.key.module, one.key.test, one.key.variant), []).append(one)
    return found


def _comparisons(verdicts: Iterable[GateVerdict]) -> dict[_Group, list[GateSpec]]:
    found: dict[_Group, list[GateSpec]] = {}
    for one in verdicts:
        if one.gate.kind == "no_regression" and one.value is not None:
            for module, test in one.groups:
                group = module, test, sorted_axes(one.variant)
                found.setdefault(group, []).append(one.gate)
    return found


def _of_group(
    test: PlannedTest,
    variant: Variant,
    changes: Mapping[_Group, Sequence[Change]],
    gates: Mapping[_Group, Sequence[GateSpec]],
) -> Iterator[Slice]:
    group = test.module, test.test, variant
    members = _members(test)
    for gate, values in _measures(changes.get(group, ()), gates.get(group, ()), test):
        for name, cases in _distinct(members, values).items():
            here = [value for case, value in values.items() if case in cases]
            rest = [value for case, value in values.items() if case not in cases]
            yield _slice(group, name, gate, here, rest)


def _members(test: PlannedTest) -> dict[str, set[str]]:
    """Return the cases by slice."""
    found: dict[str, set[str]] = {}
    for case, tags in test.tags.items():
        for tag in tags:
            found.setdefault(f"tag {tag}", set()).add(case)
    for case, names in test.slices.items():
        for name in names:
            found.setdefault(name, set()).add(case)
    return found


def _measures(
    changes: Sequence[Change], gates: Sequence[GateSpec], test: PlannedTest
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield what is looked at, with its value by case: the pass rate, then each comparison."""
    passed = {one.key.case: one.now.scores.get(OUTCOME) for one in changes if one.now}
    yield "", {case: score.mean for case, score in passed.items() if score is not None}
    for gate in gates:
        differences = {one.key.case: _difference(one, gate.score or OUTCOME) for one in changes}
        yield (
            gate.name,
            {
                case: value
                for case, value in differences.items()
                if value is not None and (gate.tag is None or gate.tag in test.tags.get(case, ()))
            },
        )


def _difference(change: Change, name: str) -> float | None:
    """Return how much better the score is than the accepted one; None where it is another one."""
    before, now = change.before, change.now
    if before is None or now is None or before.case_digest != now.case_digest:
        return None
    if name == OUTCOME and not _same_checks(before, now):
        return None
    old, new = before.scores.get(name), now.scores.get(name)
    if old is None or new is None or (old.check, old.direction) != (new.check, new.direction):
        return None
    up = 1 if new.direction == "higher" else -1
    return round(up * (new.mean - old.mean), 6) + 0.0


def _same_checks(before: Accepted, now: Accepted) -> bool:
    common = set(before.scores) & set(now.scores)
    return all(before.scores[one].check == now.scores[one].check for one in common)


def _distinct(
    members: Mapping[str, set[str]], values: Mapping[str, float]
) -> dict[str, frozenset[str]]:
    """Return the slices that are large enough, each set of cases once.

    Of two that are each other's rest, the one with the lower value: they say the same.
    """
    every = frozenset(values)
    found: dict[frozenset[str], str] = {}
    for name in sorted(members):
        cases = every & members[name]
        if min(len(cases), len(every) - len(cases)) < LEAST:
            continue
        found[cases] = f"{found[cases]}, {name}" if cases in found else name
    for cases in list(found):
        if every - cases in found and _mean(cases, values) > _mean(every - cases, values):
            del found[cases]
    for cases in list(found):
        if cases in found and every - cases in found:
            del found[every - cases]
    return {name: cases for cases, name in found.items()}


def _mean(cases: Collection[str], values: Mapping[str, float]) -> float:
    return fsum(values[one] for one in cases) / len(cases)


def _slice(
    group: _Group, name: str, gate: str, here: Sequence[float], rest: Sequence[float]
) -> Slice:
    from pytest_ailoop.stats.two_groups import fisher_exact, rank_sum

    whole = not gate and {*here, *rest} <= {0.0, 1.0}
    if whole:
        p = fisher_exact(int(sum(here)), len(here), int(sum(rest)), len(rest))
    else:
        p = rank_sum(here, rest)
    module, test, variant = group
    return Slice(
        module=module,
        test=test,
        variant=variant,
        name=name,
        gate=gate,
        cases=len(here),
        rest=len(rest),
        value=fsum(here) / len(here),
        rest_value=fsum(rest) / len(rest),
        whole=whole,
        p=p,
        q=1.0,
        stands_out=False,
    )


def slice_lines(
    found: Sequence[Slice], *, verbose: int = 0
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the slices that stand out, as hints; with *verbose* 2 all that were looked at."""
    odd = [one for one in found if one.stands_out]
    shown = list(found) if verbose >= 2 else odd[: _SHOWN.get(verbose, 5)]
    if not shown:
        return
    looked = f"{len(odd)} of {len(found)} looked at"
    yield f"hints: slices that stand out, {looked} (Benjamini-Hochberg, 10%)", {"bold": True}
    several = len({(one.module, one.test, one.variant) for one in found}) > 1
    for one in shown:
        mark = "*" if one.stands_out and verbose >= 2 else "-"
        yield f"  {mark} {_words(one, several)}", {}
    if len(odd) > len(shown):
        yield f"  ... {len(odd) - len(shown)} more (-vv shows all)", {}


_SHOWN = {0: 5, 1: 10}


def _words(one: Slice, several: bool) -> str:
    label = " ".join(part for part in (one.test, one.variant.label) if part)
    where = f"{text.one_line(label, 120)}: " if several else ""
    looked = f" ({one.gate})" if one.gate else ""
    name = text.one_line(one.name, 80)
    return f"{where}{name}: {_figures(one)}{looked}, q = {one.q:.2g}"


def _figures(one: Slice) -> str:
    if one.whole:
        passed = round(one.value * one.cases), round(one.rest_value * one.rest)
        return f"{passed[0]}/{one.cases} passed against {passed[1]}/{one.rest}"
    if one.gate:
        here, rest = _signed(one.value), _signed(one.rest_value)
        return f"moved {here} over {one.cases} cases against {rest} over {one.rest}"
    here, rest = percent(one.value), percent(one.rest_value)
    return f"{here} of {one.cases} cases passed against {rest} of {one.rest}"


def _signed(value: float) -> str:
    return f"+{number(value)}" if value > 0 else number(value)
