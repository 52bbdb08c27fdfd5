"""Records and accepted entries of one small test."""

from __future__ import annotations

from pytest_ailoop.data.baseline import Accepted, AcceptedScore, EntryKey
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, PlannedTest
from pytest_ailoop.data.score import Score
from pytest_ailoop.data.variant import Variant

MODULE = "evals/test_support.py"


MINI = Variant(model="mini")


def key(case: str = "a", *, test: str = "test_answers", variant: Variant = MINI) -> EntryKey:
    return EntryKey(module=MODULE, test=test, variant=variant, case=case)


def entry(case: str = "a", **changes: object) -> Accepted:
    values: dict[str, object] = {
        "key": key(case),
        "scores": {"contains": score(1.0), "passed": score(1.0, check="")},
        "trials": 1,
        "case_digest": "d1",
        "output_digests": ("o1",),
        "prompt_digest": "p1",
        "dataset_digest": "s1",
    }
    return Accepted(**{**values, **changes})  # type: ignore[arg-type]


def score(mean: float, *, check: str = "c1", direction: str = "higher") -> AcceptedScore:
    return AcceptedScore(mean=mean, n=1, check=check, direction=direction)


def plan(*cases: str, known: tuple[str, ...] = ("a", "b", "c"), **changes: object) -> Plan:
    test = PlannedTest(
        module=MODULE,
        test="test_answers",
        variants=(MINI,),
        dataset=DatasetFacts(
            name="x.jsonl", digest="s1", size=len(known), case_digests=dict.fromkeys(known, "d1")
        ),
        selected=cases,
        trials=dict.fromkeys(cases, 1),
    )
    values = {"tests": (test,), "whole_modules": (MODULE,)}
    return Plan(**{**values, **changes})  # type: ignore[arg-type]


def record(case: str = "a", *, trial: int = 1, value: float = 1.0, **changes: object) -> ItemRecord:
    values: dict[str, object] = {
        "key": ItemKey(module=MODULE, test="test_answers", variant=MINI, case=case, trial=trial),
        "nodeid": f"{MODULE}::test_answers[{case}]",
        "outcome": "passed",
        "case_digest": "d1",
        "scores": (Score(name="contains", value=value, check="c1"),),
    }
    return ItemRecord(**{**values, **changes})  # type: ignore[arg-type]


def now(**scores: AcceptedScore) -> dict[str, object]:
    return {"scores": {"contains": score(1.0), "passed": score(1.0, check=""), **scores}}
