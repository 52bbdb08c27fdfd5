"""Groups that may stop early, and cases with known results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pytest_ailoop.data.baseline import entry_key
from pytest_ailoop.data.gate import GateSpec, GateVerdict, StopRule
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.gates.decide import Context, decide, settlings
from pytest_ailoop.gates.groups import CaseResults, trial_of
from pytest_ailoop.gates.settling import Settling
from tests.fakes.gated import item, plan


def cases(rows: Sequence[Sequence[float]]) -> list[CaseResults]:
    """Return a case for each of *rows*, which has the outcomes of its trials."""
    found = []
    for at, row in enumerate(rows):
        records = [item(f"c{at}", value, trial=number) for number, value in enumerate(row, 1)]
        trials = tuple(map(trial_of, records))
        found.append(CaseResults(key=entry_key(records[0].key), planned=len(row), trials=trials))
    return found


def group(
    records: Sequence[ItemRecord],
    *gates: GateSpec,
    rule: StopRule,
    of: int,
    trials: int = 1,
    context: Context | None = None,
    comparisons: int | None = None,
) -> Settling:
    """Return the one group of *records* and of cases c0, c1, ... up to *of*, fed with them."""
    absent = [f"c{at}" for at in range(of)]
    made = plan(records, *gates, absent=absent, stopping=rule)
    (test,) = made.tests
    made = replace(made, tests=(replace(test, trials=dict.fromkeys(test.trials, trials)),))
    (found,) = settlings(made, context or Context()).values()
    if comparisons is not None:
        found._comparisons = comparisons
        found._restart()
    for one in records:
        found.add(one.key.case, trial_of(one))
    return found


def stopped(
    records: Sequence[ItemRecord],
    *gates: GateSpec,
    of: int | None = None,
    context: Context | None = None,
    trials: int | None = None,
    **more: Any,
) -> tuple[GateVerdict, ...]:
    """Return what *gates* decide over *records*, after any case of c0, c1, ... up to *of*."""
    cases_ = [f"c{at}" for at in range(len(records) if of is None else of)]
    made = plan(records, *gates, absent=cases_, stopping=StopRule(by="cases"), **more)
    order = {name: at for at, name in enumerate(cases_)}
    (test,) = made.tests
    selected = tuple(sorted(test.selected, key=lambda one: order.get(one, 0)))
    planned = test.trials if trials is None else dict.fromkeys(test.trials, trials)
    made = replace(made, tests=(replace(test, selected=selected, trials=planned),))
    return decide(made, records, context or Context())
