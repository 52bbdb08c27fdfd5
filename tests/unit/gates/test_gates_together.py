"""Gates over several tests together: rows that several tests share count once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.gate import AcceptedFailure, GateSpec, GateVerdict, StopRule
from pytest_ailoop.data.record import SETTLED, ItemRecord, Plan
from pytest_ailoop.data.score import Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.gates import specs
from pytest_ailoop.gates.decide import Context, decide
from pytest_ailoop.gates.sparing import rules_of
from pytest_ailoop.gates.stopping import comparisons
from tests.fakes.gated import item, plan, run


def of_test(name: str, records: Iterable[ItemRecord]) -> list[ItemRecord]:
    """Return *records* as those of the test *name*, in a module of that name."""
    return [replace(one, key=replace(one.key, module=f"{name}.py", test=name)) for one in records]


def together(gate: GateSpec, tests: tuple[str, ...] = ("*",)) -> GateSpec:
    return replace(gate, together=True, tests=tests, name=f"all: {gate.name}")


def plan_of(records: Sequence[ItemRecord], **more: Any) -> Plan:
    """Return the plan of all tests that there are records of."""
    by_test: dict[str, list[ItemRecord]] = {}
    for one in records:
        by_test.setdefault(one.key.test, []).append(one)
    tests = []
    for name, own in by_test.items():
        (test,) = plan(own, tags={one.key.case: one.tags for one in own}).tests
        facts = {one.key.case: one.case_digest for one in own}
        dataset = replace(test.dataset, case_digests=facts)
        variants = tuple(dict.fromkeys(one.key.variant for one in own))
        tests.append(
            replace(test, module=f"{name}.py", test=name, dataset=dataset, variants=variants)
        )
    return Plan(tests=tuple(tests), **more)


def verdicts(
    records: Sequence[ItemRecord], gate: GateSpec, context: Context | None = None, **more: Any
) -> tuple[GateVerdict, ...]:
    context = replace(context or Context(), configured=[gate])
    return decide(plan_of(records, **more), records, context)


def verdict(records: Sequence[ItemRecord], gate: GateSpec, **more: Any) -> GateVerdict:
    (found,) = verdicts(records, gate, **more)
    return found


def other_rows(records: Iterable[ItemRecord]) -> list[ItemRecord]:
    return [replace(one, case_digest=f"other {one.case_digest}") for one in records]


def test_cases_of_several_tests_are_one_sample() -> None:
    """Fifteen cases here and fourteen there show a rate of 90 %, which neither does alone."""
    records = [*of_test("a", run(15, 15)), *of_test("b", other_rows(run(14, 14)))]
    found = verdict(records, together(specs.pass_rate(0.9)))
    assert ("passed", 29) == (found.status, found.cases)
    assert ("pyproject.toml", "gates") == (found.module, found.test)
    assert ("a.py::a", "b.py::b") == found.tests
    assert "over 2 tests: a, b" == found.reasons[-1]


def test_a_row_that_stands_in_two_tests_counts_once() -> None:
    """The same fifteen rows asked twice are no thirty cases: too little data still."""
    records = [*of_test("a", run(15, 15)), *of_test("b", run(15, 15))]
    found = verdict(records, together(specs.pass_rate(0.9)))
    assert ("inconclusive", 15) == (found.status, found.cases)
    assert (
        "30 cases of 15 rows: 15 of them in several tests, each counted once, with its mean"
        == found.reasons[-1]
    )


def test_a_row_counts_with_the_mean_over_its_tests() -> None:
    """Passed in one test and missed in the other is half a pass."""
    records = [*of_test("a", run(10, 10)), *of_test("b", run(4, 10))]
    found = verdict(records, together(specs.pass_rate(0.5, fixed=True)))
    assert (0.7, 10) == (found.value, found.cases)
    assert tuple(f"c{at}" for at in range(4, 10)) == found.named


def test_equal_ids_of_other_rows_are_other_cases() -> None:
    """Two data sets that both begin with case c0 have two cases of that name."""
    records = [*of_test("a", run(9, 10)), *of_test("b", other_rows(run(9, 10)))]
    found = verdict(records, together(specs.pass_rate(0.5, fixed=True)))
    assert (20, ("c9 (a)", "c9 (b)")) == (found.cases, found.named)


def test_a_tag_is_looked_at_across_tests() -> None:
    """The cases with it count, whatever test they are of."""
    marked = [replace(one, tags=("safety",)) for one in run(3, 4)]
    records = [*of_test("a", marked), *of_test("b", other_rows([*marked, item("free", 0.0)]))]
    found = verdict(records, together(specs.pass_rate(0.7, tag="safety", fixed=True)))
    assert ("passed", 0.75, 8) == (found.status, found.value, found.cases)


def test_each_variant_is_decided_by_itself() -> None:
    """Tests are pooled under the variants that they have."""
    mini = Variant(model="mini")
    under = [replace(one, key=replace(one.key, variant=mini)) for one in run(9, 10)]
    records = [*of_test("a", [*run(10, 10), *under]), *of_test("b", other_rows(under))]
    found = verdicts(records, together(specs.pass_rate(0.5, fixed=True)))
    assert [("", 10, 1), ("mini", 20, 2)] == [
        (one.variant.label, one.cases, len(one.tests)) for one in found
    ]


def test_every_case_names_the_test() -> None:
    """A case that failed in one of two tests failed; its accepted failure is that test's."""
    records = [*of_test("a", run(3, 3)), *of_test("b", run(2, 3))]
    gate = together(specs.every_case())
    found = verdict(records, gate)
    assert ("failed", ("c2 (b)",)) == (found.status, found.named)
    assert "over 2 tests: a, b" == found.reasons[-1]
    known = AcceptedFailure(case="c2", tests=("b",), reason="r", owner="o", expires="2030-01-01")
    context = Context(accepted_failures=[known], today="2026-01-01")
    assert "passed" == verdict(records, gate, context=context).status
    elsewhere = replace(context, accepted_failures=[replace(known, tests=("a",))])
    assert "failed" == verdict(records, gate, context=elsewhere).status


def polite(value: float, direction: Any = "higher") -> tuple[Score, ...]:
    return (Score(name="polite", value=value, direction=direction),)


def test_a_score_that_a_test_never_gives_is_an_error() -> None:
    """A mean over two tests of which one measures something else is no mean of both."""
    scored = [item(f"c{at}", scores=polite(1.0)) for at in range(40)]
    gate = together(specs.mean("polite", 0.5))
    found = verdict([*of_test("a", scored), *of_test("b", run(40, 40))], gate)
    assert "invalid" == found.status
    assert "no item of b.py::b has a score named 'polite'" in found.reasons[0]
    both = [*of_test("a", scored), *of_test("b", other_rows(scored))]
    assert ("passed", 80) == ((kept := verdict(both, gate)).status, kept.cases)
    turned = [replace(one, scores=polite(1.0, "lower")) for one in scored]
    found = verdict([*of_test("a", scored), *of_test("b", turned)], gate)
    assert "higher is better in one test and lower in another" in found.reasons[0]


def test_comparisons_are_of_rows_too() -> None:
    """A loss in two tests of the same rows is that of one row each, and not twice as sure."""
    before = [*of_test("a", run(60, 60)), *of_test("b", run(60, 60))]
    after = [*of_test("a", run(56, 60)), *of_test("b", run(56, 60))]
    context = Context(baseline=accepted_from(before).entries)
    gate = together(specs.no_regression(0.02))
    found = verdict(after, gate, context=context)
    assert (60, "inconclusive", 4) == (found.cases, found.status, found.facts["worse"])
    assert "pseudo-pair t" == found.method
    apart = [*of_test("a", run(60, 60)), *of_test("b", other_rows(run(60, 60)))]
    worse = [*of_test("a", run(52, 60)), *of_test("b", other_rows(run(52, 60)))]
    context = Context(baseline=accepted_from(apart).entries)
    found = verdict(worse, gate, context=context)
    assert (120, "regressed", "Tango score interval") == (found.cases, found.status, found.method)


def test_a_test_without_a_score_is_no_loss() -> None:
    """Where one of a row's tests could not be measured, the other is compared with itself."""
    rows = [f"c{at}" for at in range(100)]
    easy, hard = [item(one) for one in rows], [item(one, 0.0) for one in rows]
    before = [*of_test("a", easy), *of_test("b", hard)]
    after = [*of_test("a", [item("c0", None), *easy[1:]]), *of_test("b", hard)]
    context = Context(baseline=accepted_from(before).entries)
    found = verdict(after, together(specs.no_regression(0.1)), context=context)
    assert (0, 0, 0.0) == (found.facts["worse"], found.facts["better"], found.value)


def test_a_test_that_is_new_is_not_compared() -> None:
    """The others are, and how many cases are new is said."""
    context = Context(baseline=accepted_from(of_test("a", run(60, 60))).entries)
    records = [*of_test("a", run(60, 60)), *of_test("b", other_rows(run(5, 5)))]
    found = verdict(records, together(specs.no_regression(0.1)), context=context)
    assert ("same", 60) == (found.status, found.cases)
    assert "5 cases new, or changed in row or check: not compared" in found.reasons


def test_without_any_baseline_rows_are_counted() -> None:
    """What is to be accepted is said in the same unit as what is compared later."""
    records = [*of_test("a", run(9, 9)), *of_test("b", run(9, 9))]
    found = verdict(records, together(specs.no_regression(0.1)))
    assert ("no baseline", 9) == (found.status, found.cases)


def test_one_damaged_baseline_is_an_error() -> None:
    """A comparison over the rest would hide it."""
    context = Context(unreadable={"b.py": "line 3 is damaged"})
    records = [*of_test("a", run(9, 9)), *of_test("b", run(9, 9))]
    found = verdict(records, together(specs.no_regression(0.1)), context=context)
    assert ("invalid", "line 3 is damaged") == (found.status, found.reasons[0])


@pytest.mark.parametrize(
    ("tests", "more", "status"),
    [
        (("a.py::*", "c.py::*"), {}, "invalid"),
        (("a.py::*", "c.py::*"), {"paths": ("a.py",)}, "inconclusive"),
        (("a.py::*", "c.py::*"), {"narrowed": ("-k",)}, "inconclusive"),
        (("a.py::*", "c.py::*"), {"narrowed": (f"{SETTLED} after 3 of 9 items",)}, "invalid"),
        (("*",), {"paths": ("a.py", "b.py")}, "inconclusive"),
        (("[ab].py::*",), {"paths": ("a.py", "b.py")}, "inconclusive"),
        (("a.py::*", "b.py::b"), {"paths": ("a.py", "b.py")}, "passed"),
        (("*",), {"paths": ("e",)}, "inconclusive"),
        (("a.py::*", "e*"), {"paths": ("e", "a.py")}, "inconclusive"),
        (("*",), {"paths": (".",)}, "passed"),
        (("*",), {"uncollected": {"e": "--ignore"}}, "inconclusive"),
        (("?.py::*",), {"uncollected": {"e": "--ignore"}}, "inconclusive"),
        (("a.py::*", "b*"), {"uncollected": {"e/c.py": "an error"}}, "invalid"),
        (("?.py::*",), {"uncollected": {"e.py": "an error"}}, "invalid"),
        (("?.py::*",), {"uncollected": {"ee.py": "an error"}}, "passed"),
        (("a.py::*", "b.py::b"), {"uncollected": {"": "--lf"}}, "inconclusive"),
        (("a.py::a", "b.py::b"), {"uncollected": {"": "--lf", "b.py": "node ids"}}, "passed"),
    ],
)
def test_tests_that_are_not_there_leave_it_open(
    tests: tuple[str, ...], more: dict[str, Any], status: str
) -> None:
    """Of some files nothing is decided over all; a pattern without any test is an error."""
    records = [*of_test("a", run(9, 9)), *of_test("b", run(9, 9))]
    found = verdict(records, together(specs.pass_rate(0.5, fixed=True), tests), **more)
    assert status == found.status


def test_rounds_that_another_gate_drew_do_not_count() -> None:
    """What runs in any case counts: how many further trials there are is no chance."""
    rounds = [item("c0", float(trial == 1), trial=trial) for trial in (1, 2, 3)]
    records = of_test("a", rounds)
    rule = StopRule(by="rounds", first=1, most=3)
    planned = plan_of(records)
    planned = replace(planned, tests=(replace(planned.tests[0], stopping=rule),))
    context = Context(configured=[together(specs.pass_rate(0.9, fixed=True))])
    (found,) = decide(planned, records, context)
    assert ("passed", 1.0, 1) == (found.status, found.value, found.trials)


@pytest.mark.parametrize(("bar", "status"), [(5.0, "failed"), (6.0, "passed")])
def test_a_cost_counts_all_rounds_that_were_drawn(bar: float, status: str) -> None:
    """Those that a test's own gate asked for, too."""
    asked = Call(digest="d", path="/chat/completions", origin="live", cost=1.0)
    rounds = [item(c, 1.0, trial=t, calls=(asked,)) for c in ("c0", "c1") for t in (1, 2, 3)]
    planned = plan_of(records := of_test("a", rounds))
    rule = StopRule(by="rounds", first=1, most=3)
    test = replace(planned.tests[0], stopping=rule, gates=(specs.pass_rate(0.9),))
    context = Context(configured=[together(specs.max_cost(bar))])
    own, cost = decide(replace(planned, tests=(test,)), records, context)
    assert ("inconclusive", status, 6.0) == (own.status, cost.status, cost.value)


def test_a_test_under_it_runs_all_its_cases() -> None:
    """No gate of one test alone may settle cases that it needs."""
    records = of_test("a", run(0, 60))
    planned = plan_of(records)
    rule = StopRule(by="cases")
    own = replace(planned.tests[0], stopping=rule, gates=(specs.pass_rate(0.9),))
    planned = replace(planned, tests=(own,))
    pooled = together(specs.pass_rate(0.1))
    alone, both = Context(), Context(configured=[pooled])
    (early,) = decide(planned, records, alone)
    assert "settled" in early.facts
    found = decide(planned, records, both)
    assert ["settled" in one.facts for one in found] == [False, False]
    assert 60 == found[1].cases


def test_a_case_under_it_runs_all_its_trials() -> None:
    """What one test's gate could spare is a part of the row's mean."""
    own, pooled = specs.pass_rate(0.9, reduce="majority"), together(specs.pass_rate(0.9))
    assert rules_of([own], ()) is not None
    assert rules_of([own, pooled], ()) is None
    assert rules_of([own, replace(pooled, tag="safety")], ()) is not None


def test_a_pool_is_one_comparison_of_the_run() -> None:
    """A loss must stand among as many as are decided, not among as many as tests there are."""
    planned = plan_of([*of_test("a", run(1, 1)), *of_test("b", run(1, 1))])
    gate = replace(specs.no_regression(), tests=("*",))
    assert 2 == comparisons(planned, [gate], pinned=False)
    assert 1 == comparisons(planned, [together(gate)], pinned=False)
    assert 2 == comparisons(planned, [together(gate)], pinned=True)
