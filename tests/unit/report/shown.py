"""A run of a few records, and the lines that are shown of it."""

from __future__ import annotations

from pytest_ailoop.data.baseline import Comparison
from pytest_ailoop.data.call import Call, Usage
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, PlannedTest, RunRecord
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report.rows import Report, rows
from pytest_ailoop.report.terminal import lines

MINI = Variant(model="mini")


CALL = Call(
    digest="r",
    path="/chat/completions",
    origin="recording",
    model_answered="mini-1",
    usage=Usage(input_tokens=10, output_tokens=5),
    cost=0.25,
    latency=0.5,
    prompt_text="user: hello",
)


def record(case: str = "a", *, good: bool = True, **changes: object) -> ItemRecord:
    values: dict[str, object] = {
        "key": ItemKey(module="t.py", test="test_x", variant=MINI, case=case),
        "nodeid": f"t.py::test_x[{case}]",
        "outcome": "passed" if good else "failed",
        "case_digest": "d1",
        "scores": (
            Score(name="contains", value=float(good), reason="because"),
            Score(name="passed", value=float(good), kind="outcome"),
        ),
        "expectations": (
            Expectation(name="contains", standing="met" if good else "missed", reason="no 'x'"),
        ),
        "calls": (CALL,),
        "output": "hi",
    }
    return ItemRecord(**{**values, **changes})  # type: ignore[arg-type]


def report(
    *records: ItemRecord,
    cases: tuple[str, ...] = ("a", "b"),
    variant: Variant = MINI,
    **changes: object,
) -> Report:
    test = PlannedTest(
        module="t.py",
        test="test_x",
        variants=(variant,),
        dataset=DatasetFacts(name="x.jsonl", digest="d", size=9),
        selected=cases,
        trials=dict.fromkeys(cases, 1),
    )
    options = changes.pop("options", {})
    plan = Plan(tests=(test,))
    run = RunRecord(id="r", started="s", duration=0, plan=plan, options=options)  # type: ignore[arg-type]
    comparison = changes.pop("comparison", Comparison())
    return rows(run, records, comparison, **changes)  # type: ignore[arg-type]


def shown(found: Report, **options: object) -> list[str]:
    return [line for line, _ in lines(found, **options)]  # type: ignore[arg-type]
