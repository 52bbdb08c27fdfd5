"""Records of a run with known outcomes, and what gates decide over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.gate import GateSpec, GateVerdict, StopRule
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, PlannedTest
from pytest_ailoop.data.score import Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.gates.decide import Context, decide

PLAIN = Variant()


def item(case: str, passed: float | None = 1.0, *, trial: int = 1, **more: Any) -> ItemRecord:
    """Return the record of one trial; None is one that could not be measured."""
    outcome = "error" if passed is None else "passed" if passed else "missed"
    scores = () if passed is None else (Score(name="passed", value=passed, kind="outcome"),)
    return ItemRecord(
        key=ItemKey(module="test_a.py", test="test_a", variant=PLAIN, case=case, trial=trial),
        nodeid=f"test_a.py::test_a[{case}]",
        outcome=outcome,  # type: ignore[arg-type]
        case_digest=more.pop("case_digest", f"digest of {case}"),
        **{"scores": scores, "output_digest": more.pop("output", None), **more},
    )


def plan(
    records: Sequence[ItemRecord],
    *gates: GateSpec,
    tags: dict[str, tuple[str, ...]] | None = None,
    absent: Sequence[str] = (),
    narrowed: tuple[str, ...] = (),
    stopping: StopRule | None = None,
) -> Plan:
    """Return the plan that *records* and the cases *absent* were to fulfil."""
    cases = tuple(dict.fromkeys([*(one.key.case for one in records), *absent]))
    trials = {case: 1 for case in cases}
    for one in records:
        trials[one.key.case] = max(trials[one.key.case], one.key.trial)
    facts = DatasetFacts(
        name="c.jsonl", digest="d", size=len(cases), case_digests=dict.fromkeys(cases, "x")
    )
    test = PlannedTest(
        module="test_a.py",
        test="test_a",
        variants=(PLAIN,),
        dataset=facts,
        selected=cases,
        trials=trials,
        tags=tags or {},
        gates=gates,
        stopping=stopping,
    )
    return Plan(tests=(test,), narrowed=narrowed)


def verdict(
    records: Sequence[ItemRecord], gate: GateSpec, context: Context | None = None, **more: Any
) -> GateVerdict:
    """Return what *gate* decides over *records*."""
    (found,) = decide(plan(records, gate, **more), records, context or Context())
    return found


def run(passed: int, of: int) -> list[ItemRecord]:
    """Return *of* cases of one trial, the first *passed* of which pass."""
    return [item(f"c{at}", float(at < passed)) for at in range(of)]
