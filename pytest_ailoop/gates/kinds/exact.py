"""Gates that need no statistics: what must hold of the very cases that ran. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from pytest_ailoop.data.gate import AcceptedFailure, Found, GateSpec, excuse
from pytest_ailoop.gates.groups import CaseResults, Group, named
from pytest_ailoop.text import plural

__all__ = ["every_case", "max_cost"]


def every_case(
    gate: GateSpec, group: Group, *, accepted: Sequence[AcceptedFailure], today: str
) -> Found:
    """Decide whether each case passed in each trial; *today* is a day in ISO 8601.

    An accepted failure is left out up to its last day. A case that could not be measured is
    neither passed nor failed: the gate is invalid, unless another case failed.
    """
    cases = group.tagged(gate.tag)
    if not cases:
        return Found(status="invalid", reasons=(_no_case(gate),))
    called = dict(zip(map(id, cases), named([one] for one in cases), strict=True))
    failed: list[CaseResults] = []
    excused: list[AcceptedFailure] = []
    expired: list[AcceptedFailure] = []
    unknown: list[CaseResults] = []
    healed: list[AcceptedFailure] = []
    for one in cases:
        entry = excuse(accepted, one.key.module, one.key.test, one.key.case)
        outcomes = one.outcomes()
        if 0.0 in outcomes:
            if entry is not None and entry.expires >= today:
                excused.append(entry)
                continue
            failed.append(one)
            expired += [entry] if entry is not None else []
        elif None in outcomes:
            unknown.append(one)
        elif entry is not None:
            healed.append(entry)
    reasons = [f"{plural(len(failed), 'case')} of {len(cases)} failed in one trial or more"]
    if not failed:
        reasons = [f"{len(cases) - len(unknown) - len(excused)} of {len(cases)} cases passed"]
    if unknown:
        reasons.append(f"{plural(len(unknown), 'case')} could not be measured")
    reasons += [_excused(one) for one in excused]
    reasons += [_expired(one) for one in expired]
    reasons += [f"{one.case} passes again: take it off accepted_failures" for one in healed]
    return Found(
        status="failed" if failed else "invalid" if unknown else "passed",
        value=1 - len(failed) / len(cases),
        cases=len(cases),
        reasons=tuple(reasons),
        named=tuple(called[id(one)] for one in (*failed, *unknown)),
    )


def _no_case(gate: GateSpec) -> str:
    return "no case was selected" if gate.tag is None else f"no selected case bears {gate.tag!r}"


def _excused(entry: AcceptedFailure) -> str:
    return f"{entry.case} may fail until {entry.expires}: {entry.reason} ({entry.owner})"


def _expired(entry: AcceptedFailure) -> str:
    return (
        f"{entry.case} might fail until {entry.expires}: {entry.reason}; ask {entry.owner}, "
        "then fix it or give it a new date"
    )


def max_cost(gate: GateSpec, group: Group) -> Found:
    """Decide whether the replies of the group cost no more than the bar, judges included."""
    bar = gate.bar or 0.0
    trials = [trial for case in group.cases for trial in case.trials]
    unpriced = [model for trial in trials for model in trial.unpriced]
    spent = fsum(trial.cost for trial in trials)
    calls = plural(sum(trial.calls for trial in trials), "call")
    reasons = [f"{calls}, judges included, at the price of asking them"]
    if unpriced:
        models = ", ".join(sorted(set(unpriced)))
        reasons.append(
            f"the price of {plural(len(unpriced), 'call')} is not known ({models}); give "
            "[tool.ailoop.models.<alias>] a price"
        )
    absent = sum(one.planned - len(one.trials) for one in group.cases)
    if absent:
        reasons.append(f"{plural(absent, 'item')} did not run")
    return Found(
        status="failed" if spent > bar else "inconclusive" if unpriced or absent else "passed",
        value=spent,
        cases=len(group.cases),
        reasons=tuple(reasons),
    )
