"""Gates over several tests together: their groups under each variant. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from pytest_ailoop.data.baseline import sorted_axes
from pytest_ailoop.data.gate import Found, GateSpec, is_named
from pytest_ailoop.data.record import LEFT_OUT, Plan
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.gates.groups import CaseResults, Group
from pytest_ailoop.text import cut, plural

__all__ = ["count", "lacking", "over_words", "pools"]


def pools(
    configured: Iterable[GateSpec], groups: Sequence[Group], views: Sequence[Group]
) -> Iterator[tuple[GateSpec, Group]]:
    """Yield each gate over tests together with the groups that it is over, variant by variant.

    *views* are the groups as their own gates see them, with all rounds that these drew: a cost is
    one of all that was asked.
    """
    for gate in configured:
        if not gate.together:
            continue
        found: dict[Variant, list[Group]] = {}
        for group in views if gate.kind == "max_cost" else map(_before_looks, groups):
            if gate.covers(group.test.module, group.test.test):
                found.setdefault(sorted_axes(group.variant), []).append(group)
        for parts in found.values():
            yield gate, _pool(parts)


def count(plan: Plan, gate: GateSpec) -> int:
    """Return over how many pools of groups *gate* decides."""
    tests = [one for one in plan.tests if gate.covers(one.module, one.test)]
    return len({sorted_axes(variant) for test in tests for variant in test.variants})


def _pool(parts: Sequence[Group]) -> Group:
    cases = tuple(case for part in parts for case in part.cases)
    return replace(parts[0], cases=cases, parts=tuple(parts))


def _before_looks(group: Group) -> Group:
    """Return the group with the trials that run in any case.

    Further rounds are drawn as its own gates need them: counted here, they would be a choice.
    """
    rule = group.test.stopping
    if rule is None or rule.by != "rounds":
        return group
    return replace(group, cases=tuple(_upto(one, rule.first) for one in group.cases))


def _upto(case: CaseResults, trials: int) -> CaseResults:
    kept = tuple(one for one in case.trials if one.number <= trials)
    return replace(case, planned=min(case.planned, trials), trials=kept)


def lacking(gate: GateSpec, plan: Plan) -> Found | None:
    """Return the verdict where tests that *gate* names are not there; None where none is known.

    It is open where the command line asked for some of them; else a module that is not there, and
    a pattern without a test, is wrong.
    """
    lost = {one: why for one, why in plan.uncollected.items() if _may_be_at(gate, one)}
    for path, why in lost.items():
        if why not in LEFT_OUT:
            words = f"{path} was not collected ({why}), and it is over tests that match"
            words += f" {_quoted(gate.tests)}; mend it, or name the other tests"
            return Found(status="invalid", reasons=(words,))
    tests = [(one.module, one.test) for one in plan.tests]
    unmatched = [one for one in gate.tests if not any(is_named(*test, [one]) for test in tests)]
    if unmatched and not (plan.paths or plan.cut or lost):
        words = f"no test matches {_quoted(unmatched)}"
        return Found(status="invalid", reasons=(f"{words}; mend tests = [...] of the gate",))
    over = f", and it is over all tests that match {_quoted(gate.tests)}"
    if unmatched:
        why = f"no test of this run matches {_quoted(unmatched)}"
    elif lost:
        found = cut(", ".join(f"{why} {path}".strip() for path, why in lost.items()), 200)
        why = f"the command line left out tests ({found}){over}"
    elif plan.paths and any(_reaches_beyond(one, plan.paths) for one in gate.tests):
        why = f"only {cut(', '.join(plan.paths), 200)} was asked for{over}"
    else:
        return None
    return Found(status="inconclusive", reasons=(f"not decided: {why}",), facts={"partial": True})


def _reaches_beyond(pattern: str, paths: Sequence[str]) -> bool:
    """Return whether a pattern may name tests outside of *paths*."""
    module, found, _ = pattern.partition("::")
    if "." in paths or (found and not _is_open(module)):
        return False
    before = _before_wildcard(pattern)
    return not any(before.startswith(f"{one}/") for one in paths)


def _may_be_at(gate: GateSpec, path: str) -> bool:
    """Return whether *gate* may be over further tests at *path*, a module or a folder."""
    return any(_may_name(one, path) for one in gate.tests)


def _may_name(pattern: str, path: str) -> bool:
    module, found, _ = pattern.partition("::")
    if found and not _is_open(pattern):
        return False  # It names one test, which is there, or else is lacking.
    before = _before_wildcard(pattern)
    if not path or ("/" not in before and not found):
        return True
    if path.endswith(".py"):
        return fnmatchcase(path, module) if found else f"{path}::".startswith(before)
    return before.startswith(f"{path}/") or path.startswith(before)


def _is_open(pattern: str) -> bool:
    return any(one in pattern for one in "*?[")


def _before_wildcard(pattern: str) -> str:
    """Return what all names begin with that *pattern* matches."""
    return re.split(r"[*?\[]", pattern, maxsplit=1)[0]


def _quoted(patterns: Sequence[str]) -> str:
    return cut(", ".join(map(repr, patterns)), 200)


def over_words(pool: Group, gate: GateSpec) -> list[str]:
    """Return which tests a gate is over, and how many rows stand in several of them."""
    names = [one.test.test for one in pool.parts]
    found = [f"over {plural(len(names), 'test')}: {cut(', '.join(names), 200)}"]
    rows = pool.rows(gate.tag)
    several = sum(len(row) > 1 for row in rows)
    if several and gate.kind not in ("every_case", "max_cost"):
        found.append(
            f"{plural(len(pool.tagged(gate.tag)), 'case')} of {plural(len(rows), 'row')}: "
            f"{several} of them in several tests, each counted once, with its mean"
        )
    return found
